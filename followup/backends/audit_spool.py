"""The spool: where records wait on disk while the database is away.

Each process appends to a file of its own and holds its lock (flock) while it does; the kernel frees
the lock when the process ends, in whatever way. So a file that can be locked is nobody's and may
be read, moved on, and removed. Invariants:

- A file gets its name ending in .jsonl only after its writer has locked it: nobody can take and
  remove a file that is about to be written.
- `write` returns after fsync. What a crash leaves behind a last newline was never acknowledged.
- A file is removed after all that it holds is stored elsewhere; reading it twice must be harmless.
"""

import fcntl
import logging
import os
import threading
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

SUFFIX = ".jsonl"
UNREADABLE_SUFFIX = ".unreadable"

logger = logging.getLogger(__name__)


class AuditSpool:
    """The spool folder as one process sees it. Thread-safe; every call blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._own: int | None = None
        """Descriptor of the file this process appends to."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Append lines (without newline) and wait until they are on disk. Raises OSError."""
        data = b"".join(line + b"\n" for line in lines)
        with self._lock:
            if self._own is None:
                self._own = self._create_file()
            try:
                _write_all(self._own, data)
                os.fsync(self._own)
            except OSError:
                # Half a line may stand at the end: nothing may be written after it.
                self._close_own()
                raise

    def release(self) -> None:
        """Give up the own file, so that `claim_files` finds it; the next write starts another."""
        with self._lock:
            self._close_own()

    def claim_files(self) -> Generator["SpoolFile"]:
        """Each file that no living process holds, locked while the caller works on it."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            with _claim(path) as claimed:
                if claimed is not None:
                    yield claimed

    def _create_file(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex}{SUFFIX}"
        unnamed = path.with_suffix(".new")
        descriptor = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unnamed.rename(path)
        _sync_folder(self._folder)
        return descriptor

    def _close_own(self) -> None:
        if self._own is not None:
            os.close(self._own)
            self._own = None


class SpoolFile:
    """A claimed spool file."""

    def __init__(self, path: Path, reader: BufferedReader) -> None:
        self._path = path
        self._reader = reader

    def __str__(self) -> str:
        return str(self._path)

    def read_lines(self, max_lines: int) -> list[bytes]:
        """The next lines, at most `max_lines`, without newline; empty at the end."""
        lines: list[bytes] = []
        for line in self._reader:
            if not line.endswith(b"\n"):
                logger.warning("%s ends in half a record that was never acknowledged.", self._path)
                break
            lines.append(line[:-1])
            if len(lines) == max_lines:
                break
        return lines

    def remove(self) -> None:
        """Remove the file: all it holds is stored."""
        self._path.unlink(missing_ok=True)
        _sync_folder(self._path.parent)

    def set_aside(self) -> None:
        """Keep the file under another name, out of every later claim, for a person to look at."""
        self._path.rename(self._path.with_suffix(UNREADABLE_SUFFIX))
        _sync_folder(self._path.parent)


@contextmanager
def _claim(path: Path) -> Iterator[SpoolFile | None]:
    """Lock a spool file, or give None where another process has it or has finished it."""
    try:
        reader = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with reader:
        try:
            fcntl.flock(reader, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield SpoolFile(path, reader)


def _write_all(descriptor: int, data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def _sync_folder(folder: Path) -> None:
    """A new, renamed or removed name is on disk only after its folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
