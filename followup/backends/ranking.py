"""Fusing the dense and the BM25 ranking into one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from followup.backends.relevance import RelevanceModel
from followup.backends.terms import index_terms, query_coverage
from followup.passage import Chunk, Passage


@dataclass(frozen=True)
class Candidate:
    """A chunk that one of the two searches found, with the raw scores."""

    chunk: Chunk
    cosine: float
    bm25: float | None


def fuse(
    candidates: Sequence[Candidate], *, dense_weight: float, source_weights: Mapping[str, float]
) -> list[Candidate]:
    """Best first by `dense_weight * cosine + (1 - dense_weight) * bm25 / best bm25`.

    `source_weights` (source type: factor, 1 where not named) multiply that sum, so they move
    passages in the order and never touch their relevance. A negative cosine counts as 0, or a
    factor above 1 would push a passage down. Equal sums are ordered by chunk id.
    """
    best_bm25 = max((candidate.bm25 or 0.0 for candidate in candidates), default=0.0)

    def order(candidate: Candidate) -> tuple[float, str]:
        lexical = (candidate.bm25 or 0.0) / best_bm25 if best_bm25 > 0 else 0.0
        fused = dense_weight * max(candidate.cosine, 0.0) + (1 - dense_weight) * lexical
        factor = source_weights.get(candidate.chunk.source_type, 1.0)
        return (-fused * factor, candidate.chunk.chunk_id)

    return sorted(candidates, key=order)


def indexed_text(chunk: Chunk) -> str:
    """The terms of title, section and text, as BM25 indexes them, joined by blanks."""
    return " ".join(index_terms(f"{chunk.title}\n{chunk.section}\n{chunk.text}"))


def to_passage(candidate: Candidate, query_terms: Sequence[str], model: RelevanceModel) -> Passage:
    """The candidate with its calibrated relevance."""
    coverage = query_coverage(query_terms, indexed_text(candidate.chunk).split())
    return Passage(
        chunk=candidate.chunk,
        score=model.score(candidate.cosine, coverage),
        dense_score=candidate.cosine,
        bm25_score=candidate.bm25,
    )
