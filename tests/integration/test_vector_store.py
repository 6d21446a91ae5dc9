"""What the vector store keeps and finds, on a real Milvus Lite server."""

import numpy as np
import pytest

from followup.backends.embedder import Embedder
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import EmbedderSettings
from followup.backends.vector_store import VectorStore
from followup.errors import InvalidInputError
from followup.passage import Chunk
from tests.integration.milvus_server import MilvusServer
from tests.integration.models import embedding_model_path
from tests.integration.shared_milvus import (
    DIMENSION,
    QUERY,
    documents,
    find,
    make_chunk,
    make_store,
    put,
    vectors_with,
)


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


async def test_a_word_is_found_that_the_vectors_miss(
    shared_milvus: MilvusServer, collection: str
) -> None:
    store = make_store(shared_milvus, collection, num_candidates=5)
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


async def test_vectors_that_do_not_fit_are_refused(store: VectorStore) -> None:
    chunk = make_chunk("plan.md")
    for wrong in (np.zeros((1, 3)), np.zeros((2, DIMENSION)), np.full((1, DIMENSION), np.nan)):
        with pytest.raises(InvalidInputError, match=r"finite numbers of shape \(1, 8\)"):
            await store.upsert("acme", [chunk], wrong.astype(np.float32), {"plan.md": "1"})
    with pytest.raises(InvalidInputError, match=r"'plan.md' has chunks but no hash"):
        await store.upsert("acme", [chunk], vectors_with(0.5), {})
    assert await store.count("acme") == 0


async def test_relevant_passages_score_above_the_default_threshold_and_others_far_below(
    shared_milvus: MilvusServer, collection: str
) -> None:
    embedder = Embedder(
        EmbedderSettings(model_name="all-minilm-l6-v2", model_path=embedding_model_path())
    )
    store = make_store(shared_milvus, collection, dimension=embedder.dimension)
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
