"""Worker processes for parts: one part at a time each. One that dies is replaced, and what it had
is given out again in halves, down to the row that kills."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Protocol

import pyarrow as pa

from deployments.bulk_parts import (
    ListedLead,
    Part,
    PartResult,
    Reject,
    WorkerFactory,
    add_sums,
    count_rejects,
    merge_counts,
)
from followup.errors import FollowupError, PartUnavailableError

MAX_TRIES = 2
"""How often a single lead may end its worker before it is rejected."""
STOP_SECONDS = 10.0
PRELOADED = ["__main__", "deployments.bulk_score"]
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Died:
    """A worker ended, or failed in a way that nobody foresaw, while it had this part."""

    part: Part
    reason: str


class Workers(Protocol):
    """Places where parts are worked on: processes here, or actors on a cluster."""

    @property
    def num_free(self) -> int:
        """Workers without a part."""

    def start(self, part: Part) -> None:
        """Give a part to a free worker."""

    def wait(self) -> list[PartResult | Died]:
        """Wait until at least one is done. Raises what a worker raised as a FollowupError."""

    def close(self) -> None:
        """End the workers."""


@dataclass(slots=True)
class _Waiting:
    """A piece of a part, and how often it ended a worker."""

    part: Part
    num_tries: int = 0


@dataclass(slots=True)
class _Open:
    """A part of which pieces are still at work."""

    part: Part
    num_pieces: int = 1
    results: list[PartResult] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def work(parts: Iterable[Part], workers: Workers) -> Iterator[tuple[Part, PartResult]]:
    """Each part with its result, as they are done. At most one part a worker is read ahead."""
    source = iter(parts)
    waiting: deque[_Waiting] = deque()
    running: dict[tuple[int, int], _Waiting] = {}
    opened: dict[int, _Open] = {}
    while True:
        while workers.num_free:
            piece = waiting.popleft() if waiting else _next(source, opened)
            if piece is None:
                break
            running[_name(piece.part)] = piece
            workers.start(piece.part)
        if not running:
            return
        for outcome in workers.wait():
            if isinstance(outcome, Died):
                number = outcome.part.number
                piece = running.pop(_name(outcome.part))
                waiting.extendleft(reversed(_after_death(piece, outcome, opened[number])))
            else:
                number = outcome.number
                running.pop((number, outcome.first_row))
                opened[number].results.append(outcome)
                opened[number].num_pieces -= 1
            if not opened[number].num_pieces:
                done = opened.pop(number)
                yield done.part, _merged(done)


def unforeseen(error: Exception) -> str:
    """What is said of an error that nobody foresaw."""
    return f"{type(error).__name__}: {error}"[:200]


def _next(source: Iterator[Part], opened: dict[int, _Open]) -> _Waiting | None:
    part = next(source, None)
    if part is None:
        return None
    opened[part.number] = _Open(part)
    return _Waiting(part)


def _name(part: Part) -> tuple[int, int]:
    return part.number, part.first_row


def _after_death(piece: _Waiting, died: Died, opened: _Open) -> list[_Waiting]:
    """What is to be tried now; a lead that has had its tries is rejected instead."""
    part = piece.part
    if len(part.leads) > 1:
        opened.num_pieces += 1
        return [_Waiting(half) for half in part.halves()]
    if not part.leads or piece.num_tries + 1 >= MAX_TRIES:
        opened.num_pieces -= 1
        opened.rejects += [_poisoned(lead, died.reason) for lead in part.leads]
        return []
    return [_Waiting(part, piece.num_tries + 1)]


def _poisoned(lead: ListedLead, reason: str) -> Reject:
    text = f"its worker failed {MAX_TRIES} times on it: {reason}"
    return Reject(lead.row, lead.lead_id, "row", text, "ended its worker")


def _merged(done: _Open) -> PartResult:
    """One result in the order of the list, with the rejects of the cutting."""
    pieces = sorted(done.results, key=lambda piece: piece.first_row)
    tables = [piece.table for piece in pieces if piece.table.num_rows] or [
        piece.table for piece in pieces[:1]
    ]
    found = PartResult(
        number=done.part.number,
        first_row=done.part.first_row,
        table=pa.concat_tables(tables) if tables else pa.table({}),
        rejects=[reject for piece in pieces for reject in piece.rejects],
        content_hashes={},
    )
    for piece in pieces:
        found.content_hashes |= piece.content_hashes
        merge_counts(found.counts, piece.counts)
        add_sums(found.sums, piece.sums)
    outside = [*done.part.rejects, *done.rejects]
    merge_counts(found.counts, {"reject": count_rejects(outside)})
    found.rejects = sorted([*found.rejects, *outside], key=lambda reject: reject.row)
    return found


class ProcessWorkers:
    """Processes on this machine."""

    def __init__(self, factory: WorkerFactory, num_workers: int) -> None:
        # Not forked from here: that would share the run's lock and hold it after the driver's end.
        # Forked from a server with the imports done, so that a replaced worker is there at once.
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._factory = factory
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
        if isinstance(message, FollowupError):
            raise message
        if isinstance(message, str):
            return Died(part, message)
        result: PartResult = message
        return result

    def _replace(self, process: "_Process", part: Part) -> Died:
        process.process.join(STOP_SECONDS)
        code = process.process.exitcode
        process.pipe.close()
        if not process.is_ready:
            message = f"A worker ended with code {code} before it was ready; its error is above."
            raise PartUnavailableError(message)
        self._processes[self._processes.index(process)] = self._launch()
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return Died(part, f"the process ended with {how}")

    def _launch(self) -> "_Process":
        mine, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._factory), name="bulk worker", daemon=True
        )
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
