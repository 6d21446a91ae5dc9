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

    def copy(self, folder: Path, unchanging: Iterable[str], last: Iterable[str]) -> int:
        """Copy files of `folder`, named relative to it; returns how many were sent.

        Those of `unchanging` that are there with their size are left alone; those of `last` are
        sent in their order, when all others are there. Raises PartUnavailableError: what was sent
        so far is whole, and the same call goes on.
        """
        try:
            to_send = [name for name in unchanging if not self._is_there(folder / name, name)]
            names = [*to_send, *last]
            for name in names:
                self._send(folder / name, name)
        except (ArrowException, OSError) as error:
            message = f"'{self.shown}' does not take the results: {error}. They are in '{folder}'."
            raise PartUnavailableError(message) from error
        return len(names)

    def _is_there(self, file: Path, name: str) -> bool:
        found = self.filesystem.get_file_info(str(self.path / name))
        return found.type is FileType.File and found.size == file.stat().st_size

    def _send(self, file: Path, name: str) -> None:
        target = self.path / name
        content = file.read_bytes()  # before the object is opened: closing one completes it
        self.filesystem.create_dir(str(target.parent))
        with self.filesystem.open_output_stream(str(target)) as stream:
            stream.write(content)
