"""Chooses passages that are relevant and say different things."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from followup.backends.ranking import Candidate
from followup.passage import Chunk

SHINGLE_TERMS = 3
# Resemblance from which two chunks count as one; see is_near_equal.
MIN_RESEMBLANCE = 0.8
MIN_PLACE_RESEMBLANCE = 0.5
MIN_VERSION_RESEMBLANCE = 0.9
SAME_PAGE = 1 / 3
"""How much less new a passage is, on the scale of a cosine, for each one chosen from its page."""


@dataclass(frozen=True, eq=False, slots=True)
class Ranked:
    """A candidate with its value in the order, at least 0, and its calibrated relevance."""

    candidate: Candidate
    value: float
    score: float


def choose_diverse(
    ranked: Sequence[Ranked], *, top_k: int, relevance_weight: float
) -> list[Ranked]:
    """At most `top_k` of them, by maximal marginal relevance and without near-equal ones.

    Each step takes the largest `relevance_weight * value / best value - (1 - relevance_weight) *
    (largest cosine to a chosen one + SAME_PAGE * number chosen from its page)`, which but for the
    pages is Carbonell and Goldstein's (SIGIR 1998). Of near-equal chunks the first taken stays.
    """
    if not ranked:
        return []
    best_value = max(item.value for item in ranked) or 1.0
    values = np.array([item.value / best_value for item in ranked])
    vectors = np.stack([item.candidate.vector for item in ranked])
    pages = [_page(item.candidate.chunk) for item in ranked]
    same_page = np.zeros(len(ranked))
    closest = np.zeros(len(ranked), dtype=np.float32)
    is_open = np.ones(len(ranked), dtype=np.bool_)
    chosen: list[Ranked] = []
    chosen_wordings: list[_Wording] = []
    while is_open.any() and len(chosen) < top_k:
        known = closest + SAME_PAGE * same_page
        marginal = relevance_weight * values - (1 - relevance_weight) * known
        row = int(np.argmax(np.where(is_open, marginal, -np.inf)))
        is_open[row] = False
        item = ranked[row]
        wording = _Wording.of(item.candidate)
        if any(wording.is_near_equal(other) for other in chosen_wordings):
            continue
        chosen.append(item)
        chosen_wordings.append(wording)
        closest = np.maximum(closest, vectors @ vectors[row])
        same_page += [page == pages[row] for page in pages]
    return chosen


def is_near_equal(one: Candidate, other: Candidate) -> bool:
    """Whether two chunks say the same, so that one of them is enough.

    By the resemblance of their texts: the Jaccard index of the sets of term triples (Broder, "On
    the resemblance and containment of documents", 1997). Where numbers differ they are two facts,
    such as two prices, unless both are the same place of a page that was kept in two versions:
    title and section equal, and nearly every word.
    """
    return _Wording.of(one).is_near_equal(_Wording.of(other))


@dataclass(frozen=True, eq=False, slots=True)
class _Wording:
    """What is compared of a chunk, taken from its terms once for all comparisons."""

    chunk: Chunk
    shingles: frozenset[tuple[str, ...]]
    numbers: frozenset[str]

    @classmethod
    def of(cls, candidate: Candidate) -> "_Wording":
        terms = candidate.terms
        starts = range(max(1, len(terms) - SHINGLE_TERMS + 1))
        return cls(
            candidate.chunk,
            frozenset(terms[start : start + SHINGLE_TERMS] for start in starts),
            frozenset(term for term in terms if any(sign.isdigit() for sign in term)),
        )

    def is_near_equal(self, other: "_Wording") -> bool:
        same_numbers = self.numbers == other.numbers
        if not _is_same_place(self.chunk, other.chunk):
            return same_numbers and self._resembles(other, MIN_RESEMBLANCE)
        least = MIN_PLACE_RESEMBLANCE if same_numbers else MIN_VERSION_RESEMBLANCE
        return self._resembles(other, least)

    def _resembles(self, other: "_Wording", least: float) -> bool:
        fewer, more = sorted((len(self.shingles), len(other.shingles)))
        if fewer < least * more:  # the index is at most the ratio of the sizes
            return False
        num_shared = len(self.shingles & other.shingles)
        return num_shared >= least * (fewer + more - num_shared)


def _page(chunk: Chunk) -> tuple[str, str]:
    """What the versions of a page have in common: its title and its file's name."""
    return chunk.title, PurePosixPath(chunk.document).name


def _is_same_place(one: Chunk, other: Chunk) -> bool:
    """Whether two documents have these chunks under the same headings."""
    same_headings = (one.title, one.section) == (other.title, other.section)
    return same_headings and one.document != other.document
