"""Progress lines of a run: the first worker writes them to a file, the command shows them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.5


@contextmanager
def shown_progress(path: Path, show: Callable[[str], None]) -> Iterator[None]:
    """Show each line that is written to `path` while the block runs, and no earlier one."""
    position = path.stat().st_size if path.exists() else 0
    ended = threading.Event()

    def follow() -> None:
        nonlocal position
        is_last = False
        while not is_last:
            is_last = ended.wait(POLL_SECONDS)
            if not path.exists():
                continue
            with path.open(encoding="utf-8") as file:
                file.seek(position)
                while (line := file.readline()).endswith("\n"):
                    position = file.tell()
                    show(line.rstrip())

    thread = threading.Thread(target=follow, name="training-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def write_progress(path: Path, line: str) -> None:
    """Add a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
