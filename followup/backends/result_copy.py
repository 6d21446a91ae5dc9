"""Copies a run's results to an object store, or to any place that pyarrow's file systems know.

A run itself needs locks and renames, which object stores have not; what is finished needs neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pyarrow import ArrowException
from pyarrow.fs import FileSystem, FileType

from followup.errors import InvalidInputError, PartUnavailableError


@dataclass(frozen=True, slots=True)
class ResultCopy:
    """A folder of an object store."""

    filesystem: FileSystem
    path: PurePosixPath
    shown: str
    """The address without the parts in which keys may stand."""

    @classmethod
    def open(cls, uri: str) -> "ResultCopy":
        """The folder that `uri` names. Raises InvalidInputError where it cannot be reached."""
        split = urlsplit(uri)
        shown = f"{split.scheme}://{split.netloc.rpartition('@')[2]}{split.path}"
        if "://" not in uri:
            message = f"copy-to has value '{uri}'. Allowed: a URI such as s3://bucket/folder."
            raise InvalidInputError(message, field="copy-to")
        try:
            filesystem, path = FileSystem.from_uri(uri)
            found = filesystem.get_file_info(path)
        except (ArrowException, OSError, ValueError) as error:
            message = f"'{shown}' cannot be reached: {error}"
            raise InvalidInputError(message, field="copy-to") from error
        if found.type is FileType.File:
            message = f"'{shown}' is a file. Name a folder."
            raise InvalidInputError(message, field="copy-to")
        return cls(filesystem, PurePosixPath(path), shown)

    def copy(self, folder: Path, mark: str, unchanging: Iterable[str], last: Iterable[str]) -> int:
        """Copy files of `folder`, named relative to it; returns how many were sent.

        `mark` is the file that tells these results from others, and goes first. Those of
        `unchanging` that are there with their size are left alone; those of `last` are sent in
        their order, when all others are there. Raises InvalidInputError where another mark is
        there, and PartUnavailableError: what was sent so far is whole, the same call goes on.
        """
        try:
            self._send_mark(folder, mark)
            to_send = [name for name in unchanging if not self._is_there(folder / name, name)]
            names = [*to_send, *last]
            for name in names:
                self._send(folder / name, name)
        except (ArrowException, OSError) as error:
            message = f"'{self.shown}' does not take the results: {error}. They are in '{folder}'."
            raise PartUnavailableError(message) from error
        return len(names)

    def _send_mark(self, folder: Path, mark: str) -> None:
        target = str(self.path / mark)
        if self.filesystem.get_file_info(target).type is not FileType.File:
            self._send(folder / mark, mark)
            return
        with self.filesystem.open_input_stream(target, compression=None) as stream:
            if stream.read() == (folder / mark).read_bytes():
                return
        message = f"'{self.shown}' holds the results of another run. Name a new folder."
        raise InvalidInputError(message, field="copy-to")

    def _is_there(self, file: Path, name: str) -> bool:
        found = self.filesystem.get_file_info(str(self.path / name))
        return found.type is FileType.File and found.size == file.stat().st_size

    def _send(self, file: Path, name: str) -> None:
        target = self.path / name
        content = file.read_bytes()  # before the object is opened: closing one completes it
        self.filesystem.create_dir(str(target.parent))
        with self.filesystem.open_output_stream(str(target)) as stream:
            stream.write(content)
