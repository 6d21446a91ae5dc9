"""The vector store on a real Milvus Lite server, stopped, frozen and started again."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from pymilvus import MilvusClient

from followup.backends.embedder import Embedder
from followup.backends.milvus_rows import passage_indexes, passage_schema
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import EmbedderSettings, VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.errors import InvalidInputError, PartUnavailableError, SettingError
from followup.passage import Chunk, Passage
from tests.integration.milvus_server import MilvusServer, milvus_server
from tests.integration.models import embedding_model_path

DIMENSION = 8
TIMEOUT_SECONDS = 3.0
RECOVERY_SECONDS = 30
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as server:
        yield server


def make_store(
    server: MilvusServer, collection: str, dimension: int = DIMENSION, num_candidates: int = 50
) -> VectorStore:
    settings = VectorStoreSettings(
        uri=server.uri,
        collection=collection,
        timeout_seconds=TIMEOUT_SECONDS,
        num_candidates=num_candidates,
        relevance_weight=1.0,
    )
    return VectorStore(settings, dimension)


@pytest.fixture
def collection() -> str:
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
async def store(server: MilvusServer, collection: str) -> AsyncIterator[VectorStore]:
    store = make_store(server, collection)
    await store.ensure_collection()
    yield store
    await store.close()


def make_chunk(document: str, position: int = 0, text: str = "", source_type: str = "faq") -> Chunk:
    return Chunk(
        chunk_id=f"{document}#{position}",
        document=document,
        title="Title",
        source_type=source_type,
        position=position,
        text=text or f"words of {document}, part {position}",
    )


def vectors_with(*cosines: float) -> NDArray[np.float32]:
    """Unit vectors with these cosines to QUERY."""
    rows = np.zeros((len(cosines), DIMENSION), dtype=np.float32)
    rows[:, 0] = cosines
    rows[:, 1] = np.sqrt(1 - rows[:, 0] ** 2)
    return rows


async def put(
    store: VectorStore, tenant: str, *chunks: Chunk, cosine: float = 0.5, version: str = "1"
) -> None:
    vectors = vectors_with(*[cosine] * len(chunks))
    await store.upsert(tenant, chunks, vectors, {chunk.document: version for chunk in chunks})


async def find(store: VectorStore, tenant: str, text: str = "words") -> list[Passage]:
    return await store.search(tenant, text, QUERY, SearchOptions(50))


def documents(passages: list[Passage]) -> list[str]:
    return [passage.chunk.document for passage in passages]


async def test_a_chunk_comes_back_with_every_field(store: VectorStore) -> None:
    chunk = Chunk(
        chunk_id="pricing/plans.pdf#3",
        document="pricing/plans.pdf",
        title="Plans “2026”",
        section="Prices > Teams",
        source_type="pricing",
        page=2,
        position=0,
        text="The mid-tier plan costs $299.\nPer month.",
    )
    await put(store, "acme", chunk, cosine=0.6)
    [passage] = await find(store, "acme", "mid-tier plans")
    assert passage.chunk == chunk
    assert passage.dense_score == pytest.approx(0.6, abs=1e-5)
    assert passage.bm25_score is not None
    assert passage.bm25_score > 0
    assert 0 <= passage.score <= 1


async def test_two_tenants_with_the_same_document_share_nothing(store: VectorStore) -> None:
    await put(store, "acme", make_chunk("plan.md", text="acme words"), version="a1")
    await put(
        store,
        "other",
        make_chunk("plan.md", text="other words"),
        make_chunk("plan.md", 1, text="more words"),
        version="b1",
    )
    assert [p.chunk.text for p in await find(store, "acme", "words")] == ["acme words"]
    assert await store.count("acme") == 1
    assert await store.count("other") == 2
    assert await store.document_hashes("acme") == {"plan.md": "a1"}
    assert await store.document_hashes("other") == {"plan.md": "b1"}
    assert await find(store, "third") == []
    await store.delete_documents("acme", ["plan.md"])
    assert await store.count("acme") == 0
    assert await store.count("other") == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('" or tenant == "other', id="closing the quote"),
        pytest.param('it\'s 100% \\ "plain".md', id="quotes and backslash"),
        pytest.param("two\nlines\t.md", id="newline"),
        pytest.param("preços/ціни 💶.md", id="beyond ASCII"),
        pytest.param("%", id="wildcard"),
    ],
)
async def test_a_hostile_document_name_is_only_a_name(store: VectorStore, name: str) -> None:
    await put(store, "acme", make_chunk(name), make_chunk("kept.md"))
    await put(store, "other", make_chunk(name))
    assert set(await store.document_hashes("acme")) == {name, "kept.md"}
    await put(store, "acme", make_chunk(name, text="changed words"), version="2")
    assert await store.document_hashes("acme") == {name: "2", "kept.md": "1"}
    await store.delete_documents("acme", [name])
    assert set(await store.document_hashes("acme")) == {"kept.md"}
    assert await store.count("other") == 1


@pytest.mark.parametrize("tenant", ['acme" or tenant == "other', "", "acme\n"])
async def test_a_tenant_that_is_no_name_reaches_no_query(store: VectorStore, tenant: str) -> None:
    await put(store, "other", make_chunk("secret.md"))
    for call in (
        find(store, tenant),
        store.count(tenant),
        store.version(tenant),
        store.document_hashes(tenant),
        store.delete_documents(tenant, ["secret.md"]),
        put(store, tenant, make_chunk("mine.md")),
    ):
        with pytest.raises(InvalidInputError, match="'tenant' has value"):
            await call
    assert await store.count("other") == 1


async def test_only_the_named_source_types_are_searched(store: VectorStore) -> None:
    for kind in ("pricing", "faq", "features"):
        await put(store, "acme", make_chunk(f"{kind}.md", source_type=kind))
    found = await store.search(
        "acme", "words", QUERY, SearchOptions(10, source_types=["pricing", "features"])
    )
    assert set(documents(found)) == {"pricing.md", "features.md"}
    nowhere = SearchOptions(9, source_types=["none"])
    assert await store.search("acme", "words", QUERY, nowhere) == []


async def test_a_changed_document_leaves_none_of_its_old_chunks(store: VectorStore) -> None:
    old = [make_chunk("plan.md", position, text=f"old {position}") for position in range(4)]
    await put(store, "acme", *old, make_chunk("other.md", text="kept"))
    new = [make_chunk("plan.md", position, text=f"new {position}") for position in range(2)]
    await put(store, "acme", *new, version="2")
    assert {p.chunk.text for p in await find(store, "acme")} == {"new 0", "new 1", "kept"}
    assert await store.document_hashes("acme") == {"plan.md": "2", "other.md": "1"}


async def test_every_document_is_listed_beyond_what_one_query_returns(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("followup.backends.stored_documents.ROWS_PER_QUERY", 7)
    monkeypatch.setattr("followup.backends.knowledge_draft.ROWS_PER_WRITE", 15)
    names = {f"{number}.md" for number in range(40)}
    await put(store, "acme", *[make_chunk(name) for name in sorted(names)])
    assert set(await store.document_hashes("acme")) == names


async def test_the_version_changes_with_the_tenants_documents_and_only_then(
    store: VectorStore,
) -> None:
    assert await store.version("acme") == "empty"
    await put(store, "acme", make_chunk("plan.md"))
    first = await store.version("acme")
    assert await store.version("acme") == first
    await put(store, "other", make_chunk("plan.md"))
    await find(store, "acme")
    assert await store.version("acme") == first
    await put(store, "acme", make_chunk("plan.md", text="changed"), version="2")
    second = await store.version("acme")
    await store.delete_documents("acme", ["plan.md"])
    assert len({"empty", first, second, await store.version("acme")}) == 4


async def test_a_word_is_found_that_the_vectors_miss(server: MilvusServer, collection: str) -> None:
    store = make_store(server, collection, num_candidates=5)
    await store.ensure_collection()
    near = [make_chunk(f"near{number}.md", text="something else") for number in range(10)]
    await put(store, "acme", *near, cosine=0.5)
    await put(store, "acme", make_chunk("far.md", text="Supports Xero invoices."), cosine=0.1)
    query = ("acme", "the Xero invoice", QUERY)
    hybrid = await store.search(*query, SearchOptions(top_k=3))
    assert hybrid[0].chunk.document == "far.md"
    assert hybrid[0].dense_score == pytest.approx(0.1, abs=1e-5)
    assert hybrid[1].bm25_score is None
    dense = await store.search(*query, SearchOptions(top_k=3, use_hybrid=False))
    assert "far.md" not in documents(dense)
    assert all(passage.bm25_score is None for passage in dense)
    await store.close()


async def test_order_weights_threshold_and_top_k(store: VectorStore) -> None:
    chunks = [
        make_chunk("best.md"),
        make_chunk("price.md", source_type="pricing"),
        make_chunk("weak.md"),
    ]
    vectors = vectors_with(0.8, 0.7, 0.1)
    await store.upsert("acme", chunks, vectors, {chunk.document: "1" for chunk in chunks})
    query = ("acme", "words", QUERY)
    plain = await store.search(*query, SearchOptions(top_k=10))
    assert documents(plain) == ["best.md", "price.md", "weak.md"]
    weighted = await store.search(*query, SearchOptions(top_k=10, source_weights={"pricing": 1.5}))
    assert documents(weighted) == ["price.md", "best.md", "weak.md"]
    assert sorted(p.score for p in weighted) == sorted(p.score for p in plain)
    assert all(0 <= passage.score <= 1 for passage in weighted)
    assert documents(await store.search(*query, SearchOptions(top_k=1))) == ["best.md"]
    above = await store.search(*query, SearchOptions(top_k=10, threshold=plain[1].score))
    assert documents(above) == ["best.md", "price.md"]


@pytest.mark.parametrize("text", ["", "is it?", '" or tenant == "x', "💶", "word " * 2_000])
async def test_any_query_text_is_searched(store: VectorStore, text: str) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    await put(store, "other", make_chunk("secret.md"))
    assert documents(await find(store, "acme", text)) == ["plan.md"]


async def test_a_collection_that_another_process_made_in_the_meantime_is_used(
    server: MilvusServer, store: VectorStore, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    answers = iter([False])
    look = MilvusClient.has_collection

    def look_too_early(client: MilvusClient, name: str, **options: float) -> bool:
        return next(answers, None) is not False and look(client, name, **options)

    monkeypatch.setattr(MilvusClient, "has_collection", look_too_early)
    late = make_store(server, collection)
    await late.ensure_collection()
    assert next(answers, "asked") == "asked"
    assert documents(await find(late, "acme")) == ["plan.md"]
    await late.close()


async def test_a_collection_that_another_process_is_just_making_is_awaited(
    server: MilvusServer, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = MilvusClient(server.uri, timeout=TIMEOUT_SECONDS)
    other.create_collection(collection, schema=passage_schema(DIMENSION))
    store = make_store(server, collection)
    with monkeypatch.context() as patched:
        patched.setattr("followup.backends.milvus_connection.CREATION_SECONDS", 0.3)
        with pytest.raises(PartUnavailableError, match=r"was broken off. Drop it and ingest again"):
            await store.ensure_collection()
    waiting = asyncio.create_task(store.ensure_collection())
    await asyncio.to_thread(other.create_index, collection, passage_indexes())
    await waiting
    await put(store, "acme", make_chunk("plan.md"))
    assert documents(await find(store, "acme")) == ["plan.md"]
    await store.close()
    other.close()


async def test_a_collection_of_another_dimension_is_refused(
    server: MilvusServer, store: VectorStore, collection: str
) -> None:
    other = make_store(server, collection, dimension=16)
    with pytest.raises(SettingError, match=r"vectors of 8 numbers, the embedding model makes 16"):
        await other.ensure_collection()
    await other.close()
    await store.check_health()


async def test_vectors_that_do_not_fit_are_refused(store: VectorStore) -> None:
    chunk = make_chunk("plan.md")
    for wrong in (np.zeros((1, 3)), np.zeros((2, DIMENSION)), np.full((1, DIMENSION), np.nan)):
        with pytest.raises(InvalidInputError, match=r"finite numbers of shape \(1, 8\)"):
            await store.upsert("acme", [chunk], wrong.astype(np.float32), {"plan.md": "1"})
    with pytest.raises(InvalidInputError, match=r"'plan.md' has chunks but no hash"):
        await store.upsert("acme", [chunk], vectors_with(0.5), {})
    assert await store.count("acme") == 0


async def test_a_missing_collection_names_the_command_that_makes_it(
    server: MilvusServer, collection: str
) -> None:
    store = make_store(server, collection)
    for call in (store.check_health(), find(store, "acme")):
        with pytest.raises(PartUnavailableError, match=r"no collection .* lead-assistant ingest"):
            await call
    await store.close()


async def test_a_server_that_answers_nothing_is_given_up_in_time(
    server: MilvusServer, store: VectorStore
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    server.freeze()
    try:
        start = time.monotonic()
        with pytest.raises(PartUnavailableError, match="Milvus at") as caught:
            await find(store, "acme")
        assert time.monotonic() - start < TIMEOUT_SECONDS + 1
        assert caught.value.retry_after_seconds is not None
        with pytest.raises(PartUnavailableError, match="Milvus at"):
            await store.check_health()
    finally:
        server.thaw()
    assert documents(await until_back(store)) == ["plan.md"]


async def test_a_stopped_server_is_reported_and_used_again_after_its_restart(
    server: MilvusServer, store: VectorStore
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    version = await store.version("acme")
    server.stop()
    try:
        for call in (find(store, "acme"), store.check_health(), store.version("acme")):
            with pytest.raises(PartUnavailableError, match="Milvus at") as caught:
                await call
            assert caught.value.retry_after_seconds == 5
    finally:
        server.start()
    assert documents(await until_back(store)) == ["plan.md"]
    assert await store.version("acme") == version
    assert await store.document_hashes("acme") == {"plan.md": "1"}


async def until_back(store: VectorStore) -> list[Passage]:
    """The first answer after an outage; gRPC waits between its attempts to connect."""
    give_up_at = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return await find(store, "acme")
        except PartUnavailableError:
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(0.2)


async def test_relevant_passages_score_above_the_default_threshold_and_others_far_below(
    server: MilvusServer, collection: str
) -> None:
    embedder = Embedder(
        EmbedderSettings(model_name="all-minilm-l6-v2", model_path=embedding_model_path())
    )
    store = make_store(server, collection, dimension=embedder.dimension)
    await store.ensure_collection()
    texts = {
        "plans.md": "The mid-tier plan costs $299 a month and includes automated invoicing.",
        "support.md": "Support answers by e-mail on weekdays from 9 to 17 o'clock.",
        "security.md": "Customer data is encrypted at rest with AES-256 and backed up every day.",
    }
    chunks = [make_chunk(name, text=text) for name, text in texts.items()]
    hashes = dict.fromkeys(texts, "1")
    await store.upsert("acme", chunks, embedder.embed(list(texts.values())), hashes)
    questions = {
        "How much does the mid-tier plan cost a month?": "plans.md",
        "When does support answer an e-mail?": "support.md",
        "Is customer data encrypted?": "security.md",
        "What is the best recipe for a chocolate cake?": None,
        "Who won the football world cup in 1998?": None,
    }
    for question, answer in questions.items():
        [vector] = embedder.embed([question])
        found = await store.search("acme", question, vector, SearchOptions(3))
        relevant = {passage.chunk.document: passage.score for passage in found}
        for document, score in relevant.items():
            assert score > 0.7 if document == answer else score < 0.5, (question, relevant)
    await store.close()
