"""Measures of a ranking against the relevant documents of its query. Relevance is yes or no."""

from collections.abc import Collection, Sequence
from math import log2


def ndcg(ranking: Sequence[str], relevant: Collection[str], depth: int) -> float:
    """nDCG@depth with gain 1 and discount log2(rank + 1): Järvelin and Kekäläinen, TOIS 2002."""
    gained = sum(
        1 / log2(rank + 2) for rank, name in enumerate(ranking[:depth]) if name in relevant
    )
    best = sum(1 / log2(rank + 2) for rank in range(min(depth, len(relevant))))
    return gained / best


def recall(ranking: Sequence[str], relevant: Collection[str], depth: int) -> float:
    """Share of the relevant documents among the first `depth`."""
    return len(set(ranking[:depth]) & set(relevant)) / len(relevant)
