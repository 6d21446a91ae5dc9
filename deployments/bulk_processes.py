"""Worker processes on this machine: one part at a time each; one that dies is replaced."""

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType

from deployments.bulk_parts import Part, PartResult, WorkerFactory
from deployments.bulk_workers import Died, unforeseen
from followup.errors import FollowupError, PartUnavailableError

STOP_SECONDS = 10.0
PRELOADED = ["deployments.bulk_score"]
MAX_KILLED_STARTS = 3
"""A worker that is killed while it starts is started again. So often without a part being finished
in between, and there is more to it than an accident."""
_READY = "ready"


def start_fork_server() -> None:
    """Begin the imports that workers are forked with, beside whatever this process does next."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    with _without_main():
        forkserver.ensure_running()


@contextmanager
def _without_main() -> Iterator[None]:
    """A worker is made of modules by their names; the command line, which multiprocessing would
    import in it, takes seconds."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class ProcessWorkers:
    """Processes on this machine."""

    def __init__(self, factory: WorkerFactory, num_workers: int) -> None:
        # Not forked from here: that would share the run's lock and hold it after the driver's end.
        # Forked from a server with the imports done, so that a replaced worker is there at once.
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        start_fork_server()
        self._factory = factory
        self._num_killed_starts = 0
        self._processes = [self._launch() for _ in range(num_workers)]

    @property
    def num_free(self) -> int:
        """Workers without a part."""
        return sum(process.part is None for process in self._processes)

    def start(self, part: Part) -> None:
        """Give a part to a free worker; one that is still starting takes it when it is ready."""
        process = next(item for item in self._processes if item.part is None)
        process.part = part
        with suppress(OSError):  # it is dead: `wait` finds that out
            process.pipe.send(part)

    def wait(self) -> list[PartResult | Died]:
        """Wait until at least one is done."""
        outcomes: list[PartResult | Died] = []
        while not outcomes:
            busy = [item for item in self._processes if item.part is not None]
            ready = set(wait([item.pipe for item in busy]))
            for process in busy:
                if process.pipe in ready and (outcome := self._receive(process)):
                    outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        """End the workers."""
        for process in self._processes:
            process.pipe.close()
            process.process.terminate()
        for process in self._processes:
            process.process.join(STOP_SECONDS)
            if process.process.is_alive():
                process.process.kill()

    def _receive(self, process: "_Process") -> PartResult | Died | None:
        part = process.part
        if part is None:
            return None
        try:
            message = process.pipe.recv()
        except (EOFError, OSError):
            return self._replace(process, part)
        if message == _READY:
            process.is_ready = True
            return None
        process.part = None
        self._num_killed_starts = 0
        if isinstance(message, FollowupError):
            raise message
        if isinstance(message, str):
            return Died(part, message)
        result: PartResult = message
        return result

    def _replace(self, process: "_Process", part: Part) -> Died | None:
        """Put a new worker in a dead one's place. One that had not begun its part passes it on."""
        process.process.join(STOP_SECONDS)
        code = process.process.exitcode
        process.pipe.close()
        was_killed = code is not None and code < 0
        if not process.is_ready:
            self._num_killed_starts += was_killed
            if not was_killed or self._num_killed_starts == MAX_KILLED_STARTS:
                message = (
                    f"A worker ended with code {code} before it was ready; its error is above."
                )
                raise PartUnavailableError(message)
        self._processes[self._processes.index(process)] = self._launch()
        if not process.is_ready:
            self.start(part)
            return None
        how = f"signal {-code}" if was_killed and code else f"exit code {code}"
        return Died(part, f"the process ended with {how}")

    def _launch(self) -> "_Process":
        mine, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._factory), name="bulk worker", daemon=True
        )
        with _without_main():
            process.start()
        theirs.close()
        return _Process(process, mine)


@dataclass(slots=True, eq=False)
class _Process:
    process: ForkServerProcess
    pipe: Connection
    part: Part | None = None
    is_ready: bool = False


def _serve(pipe: Connection, factory: WorkerFactory) -> None:
    """The worker's whole life; it ends with the driver, whose end closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver's, who then ends this one
    try:
        worker = factory.build()
    except FollowupError as error:
        _send(pipe, error)
        return
    pipe.send(_READY)
    while True:
        try:
            part: Part = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            outcome: PartResult | FollowupError | str = worker.take(part)
        except FollowupError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - one row must not end the run
            outcome = unforeseen(error)
        if not _send(pipe, outcome):
            return


def _send(pipe: Connection, outcome: object) -> bool:
    try:
        pipe.send(outcome)
    except OSError:
        return False
    return True
