"""Finds a tenant's passages for a query: two searches in Milvus, then ranking in this process."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from followup.backends.diversity import Ranked, choose_diverse
from followup.backends.knowledge_version import KnowledgeVersions
from followup.backends.milvus_connection import RETRY_AFTER_SECONDS, MilvusConnection
from followup.backends.milvus_rows import CHUNK_FIELDS, search_filter, to_chunk
from followup.backends.ranking import Candidate, Query, fuse
from followup.backends.relevance import load_relevance_model
from followup.backends.reranking import Reranker
from followup.backends.settings import VectorStoreSettings
from followup.backends.terms import index_terms, query_coverage
from followup.errors import PartUnavailableError
from followup.passage import Passage

MAX_SEARCHES = 5
# With the vector, a chunk that only BM25 found needs no third search for its cosine; with the
# terms, none is cut into words again.
HIT_FIELDS = [*CHUNK_FIELDS, "dense", "indexed_text"]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How passages are found. The threshold is one on `Passage.score`."""

    top_k: int
    threshold: float = 0.0
    source_types: Sequence[str] = ()
    """Only these; all where empty."""
    source_weights: Mapping[str, float] = field(default_factory=dict)
    """Factor of a source type in the order, 1 where not named; no score changes."""
    use_hybrid: bool = True
    """Cosine and BM25; otherwise cosine alone."""
    use_reranking: bool = False

    def weight_of(self, candidate: Candidate) -> float:
        return self.source_weights.get(candidate.chunk.source_type, 1.0)


class PassageSearch:
    """Searches one collection. Errors: as `VectorStore`."""

    def __init__(
        self,
        connection: MilvusConnection,
        collection: str,
        versions: KnowledgeVersions,
        settings: VectorStoreSettings,
        reranker: Reranker,
    ) -> None:
        self._connection = connection
        self._collection = collection
        self._versions = versions
        self._settings = settings
        self._reranker = reranker
        self._relevance = load_relevance_model()

    async def search(
        self,
        tenant: str,
        query_text: str,
        query_vector: NDArray[np.float32],
        options: SearchOptions,
    ) -> list[Passage]:
        """See `VectorStore.search`.

        What is found is of one state: where another was published meanwhile, rows of the old one
        may be gone already, so the search is made again.
        """
        query = Query(query_text, index_terms(query_text))
        for _ in range(MAX_SEARCHES):
            state = await self._versions.read(tenant)
            expression = search_filter(tenant, state.generation, options.source_types)
            limit = max(self._settings.num_candidates, options.top_k)
            words = " ".join(query.terms) if options.use_hybrid else ""
            candidates = await self._candidates(expression, words, query_vector, limit)
            # In a thread: a cross-encoder computes for tenths of a second.
            chosen, present = await asyncio.gather(
                asyncio.to_thread(self._choose, query, candidates, options),
                self._versions.read(tenant),
            )
            if present.version == state.version:
                return chosen
        message = f"The documents of tenant '{tenant}' changed {MAX_SEARCHES} times in one search."
        raise PartUnavailableError(message, retry_after_seconds=RETRY_AFTER_SECONDS)

    def _choose(
        self, query: Query, candidates: Sequence[Candidate], options: SearchOptions
    ) -> list[Passage]:
        if not candidates:
            return []
        dense_weight = self._settings.dense_weight if options.use_hybrid else 1.0
        values = fuse(query, candidates, dense_weight=dense_weight)
        if options.use_reranking:
            values = self._reranker.values(query, candidates, values)
        scored = [
            Ranked(candidate, value * options.weight_of(candidate), self._score(query, candidate))
            for candidate, value in zip(candidates, values.tolist(), strict=True)
        ]
        relevant = [item for item in scored if item.score >= options.threshold]
        chosen = choose_diverse(
            relevant,
            top_k=options.top_k,
            relevance_weight=self._settings.relevance_weight,
        )
        return [_passage(item) for item in chosen]

    def _score(self, query: Query, candidate: Candidate) -> float:
        coverage = query_coverage(query.terms, candidate.terms)
        return self._relevance.score(candidate.cosine, coverage)

    async def _candidates(
        self, expression: str, words: str, query_vector: NDArray[np.float32], limit: int
    ) -> list[Candidate]:
        """The chunks of both rankings; BM25 only where `words` is given."""
        searches = [self._hits("dense", query_vector, expression, limit)]
        if words:
            searches.append(self._hits("sparse", words, expression, limit))
        dense, *lexical = await asyncio.gather(*searches)
        # Milvus Lite returns the negated BM25 score, Milvus the score; it is never below 0.
        bm25 = {hit["id"]: abs(hit["distance"]) for hits in lexical for hit in hits}
        hits = {hit["id"]: hit["entity"] for ranking in (dense, *lexical) for hit in ranking}
        return [_candidate(row, query_vector, bm25.get(key)) for key, row in hits.items()]

    async def _hits(
        self, field: str, query: NDArray[np.float32] | str, expression: str, limit: int
    ) -> list[Any]:
        [hits] = await self._connection.run(
            lambda client, seconds: client.search(
                self._collection,
                data=[query],
                anns_field=field,
                filter=expression,
                limit=limit,
                output_fields=HIT_FIELDS,
                timeout=seconds,
            )
        )
        return list(hits)


def _candidate(
    row: Mapping[str, Any], query_vector: NDArray[np.float32], bm25: float | None
) -> Candidate:
    vector = np.asarray(row["dense"], dtype=np.float32)
    vector /= float(np.linalg.norm(vector)) or 1.0
    return Candidate(
        chunk=to_chunk(row),
        cosine=float(vector @ query_vector),
        bm25=bm25,
        vector=vector,
        terms=tuple(row["indexed_text"].split()),
    )


def _passage(ranked: Ranked) -> Passage:
    candidate = ranked.candidate
    return Passage(
        chunk=candidate.chunk,
        score=ranked.score,
        dense_score=candidate.cosine,
        bm25_score=candidate.bm25,
    )
