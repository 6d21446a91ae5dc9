"""A lock file that one process holds and that says which one.

The kernel gives the lock back whatever ends the process, so none is ever stale.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO


@contextmanager
def held_lock(path: Path, refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Hold the lock. Raises what `refusal` makes of the name of the process that holds it."""
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal(_holder(lock)) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        yield
        lock.truncate(0)


def lock_holder(path: Path) -> str:
    """The process that holds the lock now; empty for none."""
    try:
        with path.open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _holder(lock)
    except FileNotFoundError:
        pass
    return ""


def _holder(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read() or "another process"
