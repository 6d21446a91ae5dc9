"""The example knowledge base in memory, ranked as serving ranks it, without a vector store."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.ingestion import IngestionSettings
from followup.backends.diversity import Ranked, choose_diverse
from followup.backends.embedder import Embedder, mean_vector
from followup.backends.ranking import Candidate, Query, fuse, indexed_text
from followup.backends.relevance import load_relevance_model
from followup.backends.reranking import build_reranker
from followup.backends.settings import RerankerSettings, VectorStoreSettings
from followup.backends.terms import index_terms, query_coverage
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.query import retrieval_query
from ingestion.chunking import chunk_document, contextual_text
from ingestion.document import Document
from ingestion.readers import parse_document

FOLDER = Path(__file__).parents[1] / "knowledge_base"
TOP_K = 5
THRESHOLD = 0.65
"""What a hybrid request uses when it does not say."""
K1, B = 1.2, 0.75
"""Of BM25, as Milvus has them."""


class KnowledgeBase:
    """The chunks of a folder, with their vectors."""

    def __init__(self, embedder: Embedder, folder: Path = FOLDER) -> None:
        self._embedder = embedder
        self._relevance = load_relevance_model()
        self._reranker = build_reranker(RerankerSettings())
        self._settings = VectorStoreSettings(uri="")
        self.chunks = [
            chunk
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            for chunk in self._chunks_of(path, path.relative_to(folder).as_posix())
        ]
        self._vectors = embedder.embed([contextual_text(chunk) for chunk in self.chunks])
        self._terms = [tuple(indexed_text(chunk).split()) for chunk in self.chunks]

    def passages_for(self, lead: Lead) -> tuple[Passage, ...]:
        """What a hybrid request of this lead retrieves, best first."""
        asked = retrieval_query(lead)
        query = Query(asked.words, index_terms(asked.words))
        vector = mean_vector(self._embedder.embed(asked.embedded))
        candidates = [
            Candidate(
                chunk=chunk,
                cosine=float(np.dot(row, vector)),
                bm25=score,
                vector=row,
                terms=terms,
            )
            for chunk, row, terms, score in zip(
                self.chunks, self._vectors, self._terms, self._bm25(query.terms), strict=True
            )
        ]
        fused = fuse(query, candidates, dense_weight=self._settings.dense_weight)
        values = self._reranker.values(query, candidates, fused)
        ranked = [
            Ranked(
                candidate,
                value,
                self._relevance.score(
                    candidate.cosine, query_coverage(query.terms, candidate.terms)
                ),
            )
            for candidate, value in zip(candidates, values.tolist(), strict=True)
        ]
        chosen = choose_diverse(
            [item for item in ranked if item.score >= THRESHOLD],
            top_k=TOP_K,
            relevance_weight=self._settings.relevance_weight,
        )
        return tuple(
            Passage(chunk=item.candidate.chunk, score=item.score, dense_score=item.candidate.cosine)
            for item in chosen
        )

    def _bm25(self, wanted: Sequence[str]) -> list[float]:
        """Okapi BM25 (Robertson 1994) of every chunk."""
        mean_length = sum(map(len, self._terms)) / len(self._terms)
        holding = Counter(term for terms in self._terms for term in set(terms))
        scores = []
        for terms in self._terms:
            counts = Counter(terms)
            spread = K1 * (1 - B + B * len(terms) / mean_length)
            scores.append(
                sum(
                    math.log(1 + (len(self._terms) - holding[term] + 0.5) / (holding[term] + 0.5))
                    * counts[term] * (K1 + 1) / (counts[term] + spread)
                    for term in set(wanted)
                )
            )  # fmt: skip
        return scores

    def _chunks_of(self, path: Path, name: str) -> list[Chunk]:
        document = parse_document(name, path.read_bytes(), IngestionSettings())
        if not isinstance(document, Document):
            return []
        return chunk_document(
            document, self._embedder.count_tokens_batch, self._embedder.max_tokens
        )
