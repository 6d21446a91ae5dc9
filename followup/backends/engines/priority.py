"""Loading beside replies that are being written: with about a tenth of their processor time."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOADING_NICENESS = 10
"""On top of the process's own; ten steps are about a tenth of the processor time."""
MAX_NICENESS = 19


@contextmanager
def loading_priority() -> Iterator[None]:
    """Low priority for this thread, and for the threads that it starts; at the end as before.

    Nothing is changed where the system would not let it come back, as without CAP_SYS_NICE: an
    adapter that stayed slow would be worse than a load that disturbs.
    """
    if not _can_come_back():
        yield
        return
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    _lower(niceness)
    try:
        yield
    finally:
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # a thread that has just ended
                _restore(int(task.name), niceness)


def _lower(niceness: int) -> None:
    if niceness + LOADING_NICENESS > MAX_NICENESS:  # as under Ray, whose workers have 15
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.setpriority(os.PRIO_PROCESS, 0, niceness + LOADING_NICENESS)


def _restore(thread: int, niceness: int) -> None:
    os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
    os.setpriority(os.PRIO_PROCESS, thread, niceness)


def _can_come_back() -> bool:
    """Tried on a thread of its own: priorities belong to threads, and it ends with it."""
    came_back = []

    def attempt() -> None:
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        with suppress(OSError):
            _lower(niceness)
            _restore(0, niceness)
            came_back.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(came_back)
