"""Rows that say the same: equal ones, and those that differ in few words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

from followup.message import greeting_name
from training.rows import TrainingRow

NUM_PERMUTATIONS = 128
"""Of MinHash: its estimate of a Jaccard share is off by about 1 / sqrt(128), 9 %; what it
proposes is therefore counted exactly."""
_CANDIDATES_FROM = 0.7
"""Share of the threshold from which pairs are looked at."""
_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that an earlier one makes superfluous."""

    row: TrainingRow
    of_line: int
    share: float
    """Of word triples in common; 1 for an equal one."""


def find_duplicates(rows: Sequence[TrainingRow], threshold: float) -> list[Duplicate]:
    """Each row whose history and reply share `threshold` of their word triples with an earlier one.

    The lead's name counts as any name, so one reply sent to two leads is one.
    """
    index = MinHashLSH(threshold=_CANDIDATES_FROM * threshold, num_perm=NUM_PERMUTATIONS)
    kept: dict[int, frozenset[str]] = {}
    found: list[Duplicate] = []
    for place, row in enumerate(rows):
        triples = _triples(row)
        sketch = MinHash(num_perm=NUM_PERMUTATIONS)
        sketch.update_batch([triple.encode() for triple in triples])
        shares = {other: _jaccard(triples, kept[other]) for other in index.query(sketch)}
        nearest = max(shares, key=lambda other: shares[other], default=None)
        if nearest is not None and shares[nearest] >= threshold:
            found.append(Duplicate(row, rows[nearest].line, shares[nearest]))
            continue
        kept[place] = triples
        index.insert(place, sketch)
    return found


def _triples(row: TrainingRow) -> frozenset[str]:
    name = greeting_name(row.lead).casefold()
    text = f"{row.lead.interaction_history} | {row.response}".casefold()
    words = ["_" if word == name else word for word in _WORD.findall(text)]
    starts = range(max(1, len(words) - _SHINGLE_WORDS + 1))
    return frozenset(" ".join(words[at : at + _SHINGLE_WORDS]) for at in starts)


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)
