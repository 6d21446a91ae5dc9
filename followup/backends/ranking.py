"""Fusing the dense and the BM25 ranking into one order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from followup.backends.terms import index_terms, query_coverage
from followup.passage import Chunk


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: its text, and the terms that BM25 looks for."""

    text: str
    terms: Sequence[str]


@dataclass(frozen=True, eq=False, slots=True)
class Candidate:
    """A chunk that one of the two searches found.

    `vector` is float32, of length 1, shape (dimension,); `terms` are those that BM25 indexes.
    """

    chunk: Chunk
    cosine: float
    bm25: float | None
    vector: NDArray[np.float32]
    terms: tuple[str, ...]


def fuse(
    query: Query, candidates: Sequence[Candidate], *, dense_weight: float
) -> NDArray[np.float64]:
    """`dense_weight * cosine + (1 - dense_weight) * lexical` of each, 0 to 1.

    A negative cosine counts as 0. See `lexical_shares`.
    """
    cosines = np.array([max(candidate.cosine, 0.0) for candidate in candidates])
    return dense_weight * cosines + (1 - dense_weight) * lexical_shares(query, candidates)


def lexical_shares(query: Query, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """BM25 score of each over the best one, times the share of the query that the best one holds.

    The best of a bad lot is no evidence: BM25 alone cannot tell a passage with two accidental words
    of a question from one with all that matter.
    """
    scores = np.array([candidate.bm25 or 0.0 for candidate in candidates])
    best = int(np.argmax(scores))
    if scores[best] <= 0:
        return scores
    shares: NDArray[np.float64] = scores / scores[best]
    return shares * query_coverage(query.terms, candidates[best].terms)


def indexed_text(chunk: Chunk) -> str:
    """The terms of title, section and text, as BM25 indexes them, joined by blanks."""
    return " ".join(index_terms(f"{chunk.title}\n{chunk.section}\n{chunk.text}"))
