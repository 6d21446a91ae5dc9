"""Hands parts out to workers. What one had that died is given out again in halves, down to the row
that kills."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from deployments.bulk_parts import (
    ListedLead,
    Part,
    PartResult,
    Reject,
    add_sums,
    count_rejects,
    merge_counts,
)

MAX_TRIES = 2
"""How often a single lead may end its worker before it is rejected."""


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
