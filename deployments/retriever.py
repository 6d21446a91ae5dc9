"""The retriever node: passages from the vector store, kept for equal queries."""

import time

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter
from ray.serve.handle import DeploymentHandle

from deployments.metrics import RetrieverMetrics
from followup.backends.cache import Made, build_cache
from followup.backends.passage_search import SearchOptions
from followup.backends.reranking import build_reranker
from followup.backends.settings import CacheSettings, RerankerSettings, VectorStoreSettings
from followup.backends.single_flight import ReplyCache
from followup.backends.vector_store import VectorStore
from followup.cache_key import retrieval_key
from followup.passage import Passage
from followup.request import RetrievalOptions

PASSAGES = TypeAdapter(tuple[Passage, ...])


class RetrieverNode:
    """Holds a `VectorStore` and the retrieval cache."""

    async def __init__(  # type: ignore[misc]  # Serve awaits a constructor
        self,
        store: VectorStoreSettings,
        reranker: RerankerSettings,
        cache: CacheSettings,
        ranking_version: str,
        embedder: DeploymentHandle,
    ) -> None:
        dimension = await embedder.dimension.remote()
        model = await embedder.fingerprint.remote()
        self._store = VectorStore(store, dimension, build_reranker(reranker), model=model)
        self._ranking_version = ranking_version
        self._cache = ReplyCache(build_cache(cache))
        self._ttl_seconds = cache.retrieval_ttl_seconds
        self._metrics = RetrieverMetrics()

    async def retrieve(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
        knowledge_base_version: str,
    ) -> tuple[Passage, ...]:
        """Passages above the threshold, best first."""
        start = time.perf_counter()
        key = retrieval_key(
            tenant=tenant,
            query=query,
            options=options,
            ranking_version=self._ranking_version,
            knowledge_base_version=knowledge_base_version,
        )

        async def search() -> Made:
            found = await self._search(tenant, query, vector, options)
            return Made(PASSAGES.dump_json(tuple(found)), cacheable=True)

        answer = await self._cache.get_or_make(key, self._ttl_seconds, search)
        passages = PASSAGES.validate_json(answer.value)
        self._count(tenant, passages, is_cached=answer.cached)
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        return passages

    async def knowledge_base_version(self, tenant: str) -> str:
        """A name that changes with every change of the tenant's documents."""
        return await self._store.version(tenant)

    async def check_store(self) -> None:
        """Raises PartUnavailableError while the vector store does not answer."""
        await self._store.check_health()

    async def _search(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
    ) -> list[Passage]:
        return await self._store.search(
            tenant,
            query,
            vector,
            SearchOptions(
                top_k=options.top_k,
                threshold=options.retrieval_threshold,
                source_types=options.source_types,
                source_weights=options.source_weights,
                use_hybrid=options.use_hybrid_search,
                use_reranking=options.use_reranking,
            ),
        )

    def _count(self, tenant: str, passages: tuple[Passage, ...], *, is_cached: bool) -> None:
        result = "hit" if is_cached else "miss"
        self._metrics.cache.inc(tags={"result": result, "tenant": tenant})
        for passage in passages:
            self._metrics.scores.observe(passage.score, tags={"tenant": tenant})

    async def check_health(self) -> None:
        """A replica outlives an outage of the store: its client connects again by itself."""
