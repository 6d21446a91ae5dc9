"""Where documents lie: a folder, a file, a glob, or the URI of an object store."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pyarrow import ArrowException
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

from config.ingestion import IngestionLimits
from followup.errors import InvalidInputError
from ingestion.readers import check_size
from ingestion.rejects import RejectCode, RejectedFileError

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a source. `name` is its path inside the source, with forward slashes."""

    name: str
    location: str
    """Its path in the source's file system."""
    num_bytes: int


class DocumentSource:
    """The files under a folder, one file, or those that match a glob; local or in an object store.

    `location` is a path, or a URI that pyarrow knows: file://, s3://, gs://, hdfs://. Options of an
    object store stand in the URI's query, such as s3://bucket/docs?region=eu-west-1; in a URI '?'
    is therefore no wildcard.
    """

    def __init__(self, filesystem: FileSystem, base: str, pattern: str = "") -> None:
        self._filesystem = filesystem
        self._base = base.rstrip("/") or "/"
        self._matches = _matcher(pattern)
        self._is_local = isinstance(filesystem, LocalFileSystem)

    @classmethod
    def open(cls, location: str) -> "DocumentSource":
        """The source at a location. Raises InvalidInputError where there is none."""
        try:
            filesystem, base, pattern = _resolve(location)
            kind = filesystem.get_file_info(base).type
        except (ArrowException, OSError, ValueError) as error:
            message = _without_secrets(f"'{location}' cannot be opened: {error}")
            raise InvalidInputError(message, field="root") from error
        if kind is FileType.NotFound:
            message = _without_secrets(f"'{location}' is not a folder. ")
            message += "Name the folder that holds the documents."
            raise InvalidInputError(message, field="root")
        if kind is FileType.File:
            parent, _, name = base.rpartition("/")
            return cls(filesystem, parent, re.sub(r"([*?\[])", r"[\1]", name))
        return cls(filesystem, base, pattern)

    @property
    def filesystem(self) -> FileSystem:
        """The file system, for readers that take one."""
        return self._filesystem

    def list_files(self) -> list[SourceFile]:
        """The files in the order of their names; hidden ones are left out.

        Local links are listed too, so that none is lost unsaid. Raises InvalidInputError where the
        store does not answer.
        """
        try:
            found = list(self._walk())
        except (ArrowException, OSError) as error:
            message = f"'{self._base}' cannot be listed: {error}"
            raise InvalidInputError(message, field="root") from error
        return sorted(found, key=lambda file: file.name)

    def read(self, file: SourceFile, limits: IngestionLimits) -> bytes:
        """The file's bytes. Raises RejectedFileError where it cannot be read or is too large."""
        if self._is_local:
            return self._read_local(file, limits)
        check_size(file.num_bytes, limits)
        try:
            with self._filesystem.open_input_stream(file.location) as stream:
                content: bytes = stream.read(limits.max_document_bytes + 1)
        except (ArrowException, OSError) as error:
            reason = f"it cannot be opened ({error})"
            raise RejectedFileError(RejectCode.UNAVAILABLE, reason) from error
        check_size(len(content), limits)
        return content

    def _read_local(self, file: SourceFile, limits: IngestionLimits) -> bytes:
        path = Path(file.location)
        try:
            if not path.resolve().is_relative_to(Path(self._base).resolve()):
                reason = "it is a link to a file outside the folder"
                raise RejectedFileError(RejectCode.OUTSIDE_FOLDER, reason)
            check_size(path.stat().st_size, limits)
            return path.read_bytes()
        except OSError as error:
            reason = f"it cannot be opened ({error})"
            raise RejectedFileError(RejectCode.UNAVAILABLE, reason) from error

    def _walk(self) -> Iterator[SourceFile]:
        listed = self._walk_local() if self._is_local else self._walk_store()
        for location, num_bytes in listed:
            relative = location[len(self._base) :].lstrip("/")
            is_hidden = any(part.startswith(".") for part in PurePosixPath(relative).parts)
            if not is_hidden and self._matches(relative):
                yield SourceFile(_printable(relative), location, num_bytes)

    def _walk_local(self) -> Iterator[tuple[str, int]]:
        # pyarrow cannot name a file whose name is no UTF-8, and skips links that lead nowhere.
        for path in Path(self._base).rglob("*"):
            if path.is_file() or path.is_symlink():
                yield path.as_posix(), path.stat().st_size if path.exists() else 0

    def _walk_store(self) -> Iterator[tuple[str, int]]:
        found: list[FileInfo] = self._filesystem.get_file_info(
            FileSelector(self._base, recursive=True)
        )
        for info in found:
            if info.type is FileType.File:
                yield info.path, info.size or 0


def _resolve(location: str) -> tuple[FileSystem, str, str]:
    """The file system, the folder or file in it, and the glob below that; empty for none."""
    if not _SCHEME.match(location):
        path = Path(location).absolute()
        if path.exists():  # a name may hold a bracket
            return LocalFileSystem(), path.as_posix(), ""
        return LocalFileSystem(), *_split_glob(path.as_posix())
    uri, mark, query = location.partition("?")
    base, pattern = _split_glob(uri)
    filesystem, path_in_it = FileSystem.from_uri(base + mark + query)
    return filesystem, path_in_it, pattern


def _without_secrets(message: str) -> str:
    """The message with user, password and query of every URI in it masked."""
    return re.sub(r"(://[^\s'?]*)\?[^\s']*", r"\1?***", re.sub(r"://[^/\s]*@", "://***@", message))


def _split_glob(path: str) -> tuple[str, str]:
    """The folder that a glob starts from, and the rest; the path itself where it is no glob."""
    parts = path.split("/")
    first = next((number for number, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    return "/".join(parts[:first]) or "/", "/".join(parts[first:])


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a path matches: '*' stays within a folder, '**/' takes any number of them."""
    if not pattern:
        return lambda _: True
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    expression = "".join(
        wildcards.get(part, _set(part) if part.startswith("[") else re.escape(part))
        for part in parts
    )
    compiled = re.compile(expression, re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None


def _set(part: str) -> str:
    """A set of characters as a pattern: [a-z] or [!a-z]."""
    inner = part[1:-1].replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"


def _printable(name: str) -> str:
    """The name; bytes that are no UTF-8 are written as \\udcXX."""
    return name.encode(errors="backslashreplace").decode()
