"""Files that are there under their name only when they are complete and on the disk."""

import os
from pathlib import Path


class WholeFile:
    """A file that is there under its name only when it is complete and on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")

    def __enter__(self) -> "WholeFile":
        self._file = self._partial.open("wb")
        return self

    def write(self, content: bytes) -> None:
        """Append to the file. Raises OSError."""
        self._file.write(content)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with self._file as file:
                file.flush()
                os.fsync(file.fileno())
            if kind is None:
                self._partial.replace(self._path)
        finally:
            self._partial.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """The file with this content, whole or not at all. Raises OSError."""
    with WholeFile(path) as file:
        file.write(content)
