"""How passages are chosen, on a real Milvus Lite server."""

import math
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import load_settings
from followup.backends.milvus_connection import MilvusConnection
from followup.backends.passage_search import SearchOptions
from followup.backends.ranking import Candidate, Query
from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.lead import Lead
from followup.passage import Chunk, Passage
from followup.pipeline import Pipeline
from followup.prompts import Approach
from followup.request import FollowupRequest, RetrievalOptions
from tests.fakes import FakeNodes
from tests.integration.milvus_server import MilvusServer

SETTINGS = load_settings()
DIMENSION = 4
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]
STEPS = (
    "Add the chart repository, update it and install the chart with the values file that you wrote "
    "before, then wait until every pod of the release is running and open the start page"
)


class LastFirst:
    """A reranker that turns the order round."""

    def values(
        self, query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return 1 - fused


@pytest.fixture
async def store(shared_milvus: MilvusServer) -> AsyncIterator[VectorStore]:
    settings = VectorStoreSettings(
        uri=shared_milvus.uri, collection=f"test_{uuid.uuid4().hex}", relevance_weight=1.0
    )
    store = VectorStore(settings, DIMENSION, LastFirst())
    await store.ensure_collection()
    yield store
    await store.close()


async def put(
    store: VectorStore, name: str, text: str, cosine: float, source_type: str = "faq"
) -> None:
    await put_all(store, {name: (text, cosine)}, source_type)


async def put_all(
    store: VectorStore, documents: dict[str, tuple[str, float]], source_type: str = "faq"
) -> None:
    """In one write: Milvus Lite has word statistics for each of its segments."""
    chunks = [
        Chunk(
            chunk_id=name,
            document=name,
            title="Help",
            source_type=source_type,
            position=0,
            text=text,
        )
        for name, (text, _) in documents.items()
    ]
    vectors = np.zeros((len(chunks), DIMENSION), dtype=np.float32)
    vectors[:, 0] = [cosine for _, cosine in documents.values()]
    vectors[:, 1] = np.sqrt(1 - vectors[:, 0] ** 2)
    await store.upsert("acme", chunks, vectors, dict.fromkeys(documents, "1"))


def documents(passages: list[Passage]) -> list[str]:
    return [passage.chunk.document for passage in passages]


async def test_versions_of_one_page_leave_room_for_other_pages(store: VectorStore) -> None:
    pages = {f"v{version}/install.md": (STEPS, 0.9 - version / 100) for version in range(8)}
    await put_all(store, {**pages, "support.md": ("Support answers on weekdays", 0.3)})
    found = await store.search("acme", "install the chart", QUERY, SearchOptions(5))
    assert documents(found) == ["v0/install.md", "support.md"]


async def test_the_reranker_has_the_last_word_where_it_is_asked_for(store: VectorStore) -> None:
    await put(store, "near.md", "the first text", cosine=0.9)
    await put(store, "far.md", "the second text", cosine=0.2)
    query = ("acme", "plan", QUERY)
    plain = await store.search(*query, SearchOptions(5))
    assert documents(plain) == ["near.md", "far.md"]
    reranked = await store.search(*query, SearchOptions(5, use_reranking=True))
    assert documents(reranked) == ["far.md", "near.md"]
    assert {p.chunk.document: p.score for p in reranked} == {
        p.chunk.document: p.score for p in plain
    }


@pytest.mark.parametrize("use_reranking", [False, True], ids=["fused", "reranked"])
async def test_no_weight_lifts_a_passage_over_the_threshold(
    store: VectorStore, use_reranking: bool
) -> None:
    await put(store, "fit.md", "the plan of the year", cosine=0.9)
    await put(store, "unfit.md", "nothing of the kind", cosine=0.1, source_type="pricing")
    options = SearchOptions(
        5, threshold=0.5, source_weights={"pricing": 10.0}, use_reranking=use_reranking
    )
    found = await store.search("acme", "plan of the year", QUERY, options)
    assert documents(found) == ["fit.md"]


async def test_nothing_above_the_threshold_is_found(store: VectorStore) -> None:
    query = ("acme", "plan", QUERY)
    assert await store.search(*query, SearchOptions(5)) == []
    await put(store, "unfit.md", "nothing of the kind", cosine=0.1)
    assert await store.search(*query, SearchOptions(5, threshold=0.7)) == []


async def test_a_query_takes_two_searches_and_two_looks_at_the_state(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"{number}.md": (f"text {number}", 0.5) for number in range(60)}
    await put_all(store, {**texts, "far.md": ("supports webhooks", -0.5)})
    num_calls = 0
    run = MilvusConnection.run

    async def count(self: MilvusConnection, call: Callable[[Any, float], Any], **limit: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        return await run(self, call, **limit)

    monkeypatch.setattr(MilvusConnection, "run", count)
    found = await store.search("acme", "webhooks", QUERY, SearchOptions(100))
    assert num_calls == 4
    [far] = [passage for passage in found if passage.chunk.document == "far.md"]
    assert far.dense_score == pytest.approx(-0.5, abs=1e-5)


class StoreNodes(FakeNodes):
    """The pipeline's nodes with the real store behind `retrieve`."""

    def __init__(self, store: VectorStore) -> None:
        super().__init__(
            SETTINGS.compliance, write=lambda *_: "Hi Sarah, the plan costs $99 a month."
        )
        self._store = store

    async def retrieve(
        self, tenant: str, query: str, vector: list[float], options: RetrievalOptions
    ) -> Sequence[Passage]:
        limits = SearchOptions(options.top_k, threshold=options.retrieval_threshold)
        return await self._store.search(tenant, query, QUERY, limits)


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "nothing above the threshold"])
async def test_without_documents_the_conservative_reply_goes_out(
    store: VectorStore, is_empty: bool
) -> None:
    if not is_empty:
        await put(store, "unfit.md", "nothing of the kind", cosine=0.1)
    lead = Lead(
        lead_name="Sarah Johnson",
        product_name="AI Billing Software",
        interaction_history="Asked what the mid-tier plan costs.",
    )
    request = FollowupRequest(tenant="acme", approach=Approach.RAG, lead=lead)
    pipeline = Pipeline(SETTINGS.scoring, SETTINGS.compliance, SETTINGS.prompts, 0.65)
    nodes = StoreNodes(store)
    reply = await pipeline.write(request, nodes, None, pipeline.check(request, None), math.inf)
    assert reply.fallback
    assert reply.sources == ()
    assert nodes.plans == [], "nothing is generated where nothing is known"
    assert "$" not in reply.message
