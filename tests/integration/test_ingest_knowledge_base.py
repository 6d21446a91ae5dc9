"""The example knowledge base through the real embedder into a real Milvus Lite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.make_knowledge_base_pdfs import DEFAULT_FOLDER
from followup.backends.embedder import Embedder
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import EmbedderSettings, VectorStoreSettings
from followup.backends.vector_store import VectorStore
from ingestion.ingest import ingest_folder
from tests.integration.milvus_server import MilvusServer
from tests.integration.models import embedding_model_path

TENANT = "default"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    settings = EmbedderSettings(
        model_name="all-minilm-l6-v2", model_path=embedding_model_path(), precision="float32"
    )
    return Embedder(settings)


@pytest.fixture
async def vector_store(
    shared_milvus: MilvusServer, embedder: Embedder
) -> AsyncIterator[VectorStore]:
    store = VectorStore(
        VectorStoreSettings(uri=shared_milvus.uri, collection="examples"), embedder.dimension
    )
    yield store
    await store.close()


async def find(store: VectorStore, embedder: Embedder, query: str) -> list[str]:
    passages = await store.search(TENANT, query, embedder.embed([query])[0], SearchOptions(3))
    return [passage.chunk.document for passage in passages]


async def test_documents_are_found_and_a_second_run_embeds_nothing(
    embedder: Embedder, vector_store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await ingest_folder(DEFAULT_FOLDER, TENANT, embedder, vector_store)
    assert first.rejects == []
    assert first.num_added == first.num_seen
    assert await vector_store.count(TENANT) == first.num_chunks

    found = await find(vector_store, embedder, "How much is the mid-tier plan?")
    assert "pricing/pricing-sheet.pdf" in found
    assert "faq/migration.html" in await find(vector_store, embedder, "Is switching risky?")
    assert "features/onboarding.md" in await find(
        vector_store, embedder, "How long does onboarding take?"
    )

    version = await vector_store.version(TENANT)
    embedded: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(embedder, "embed", embedded.extend)
        second = await ingest_folder(DEFAULT_FOLDER, TENANT, embedder, vector_store)
    assert embedded == []
    assert second.num_unchanged == second.num_seen == first.num_seen
    assert await vector_store.version(TENANT) == version


async def test_a_changed_document_is_replaced_and_a_deleted_one_leaves(
    embedder: Embedder, vector_store: VectorStore, tmp_path: Path
) -> None:
    tenant = "changing"
    (tmp_path / "a.txt").write_text("The trial lasts 14 days. " * 60)
    (tmp_path / "b.txt").write_text("Support is open on weekdays.")
    await ingest_folder(tmp_path, tenant, embedder, vector_store)
    assert await vector_store.count(tenant) > 2

    (tmp_path / "a.txt").write_text("The trial lasts 30 days.")
    (tmp_path / "b.txt").unlink()
    summary = await ingest_folder(tmp_path, tenant, embedder, vector_store)
    assert (summary.num_changed, summary.num_deleted) == (1, 1)
    assert await vector_store.count(tenant) == 1
    vector = embedder.embed(["How long is the trial?"])[0]
    passages = await vector_store.search(tenant, "How long is the trial?", vector, SearchOptions(5))
    assert [passage.chunk.text for passage in passages] == ["The trial lasts 30 days."]


async def test_every_chunk_fits_in_the_embedder(
    embedder: Embedder, vector_store: VectorStore
) -> None:
    await ingest_folder(DEFAULT_FOLDER, TENANT, embedder, vector_store)
    vector = embedder.embed(["plan"])[0]
    passages = await vector_store.search(TENANT, "plan", vector, SearchOptions(200))
    sizes = [
        embedder.count_tokens(f"{p.chunk.title} > {p.chunk.section}\n{p.chunk.text}")
        for p in passages
    ]
    assert len(sizes) == await vector_store.count(TENANT)
    assert max(sizes) <= embedder.max_tokens
