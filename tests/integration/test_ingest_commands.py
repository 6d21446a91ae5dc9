"""`lead-assistant ingest` and its commands on a real Milvus Lite with the real embedding model."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymilvus import MilvusClient
from typer.testing import CliRunner, Result

from cluster import documents, knowledge
from cluster.cli import app
from cluster.documents import LazyEmbedder
from cluster.reporting import Reporter
from cluster.stored_knowledge import stored_knowledge
from config.environment import Environment
from config.settings import Settings, load_settings
from followup.backends.embedder import Embedder
from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import EmbedderSettings
from followup.backends.vector_store import VectorStore, collection_name
from followup.errors import InvalidInputError
from tests.integration.milvus_server import MilvusServer, milvus_server
from tests.integration.models import MODEL_CACHE_DIR, embedding_model_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as server:
        yield server


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    settings = EmbedderSettings(
        model_name="all-minilm-l6-v2", model_path=embedding_model_path(), precision="float32"
    )
    return Embedder(settings)


@pytest.fixture
def settings(
    server: MilvusServer, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MODEL_CACHE_DIR", str(MODEL_CACHE_DIR.absolute()))
    monkeypatch.setenv("MILVUS_URI", server.uri)
    monkeypatch.setattr(LazyEmbedder, "_loaded", property(lambda _: embedder))
    yield load_settings()
    client = MilvusClient(server.uri)
    for name in client.list_collections():
        for alias in client.list_aliases(collection_name=name)["aliases"]:
            client.drop_alias(alias)
        client.drop_collection(name)
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name, text in {
        "pricing/plans.md": "# Plans\n\nThe Growth plan costs $299 per month.\n",
        "faq/trial.txt": "The trial lasts 14 days and needs no credit card.",
        "faq/support.txt": "Support answers e-mails on weekdays.",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "broken.pdf").write_text("no PDF at all")
    return root


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["ingest", *arguments], input=answer)


def test_documents_are_taken_in_looked_at_checked_and_deleted(
    settings: Settings, folder: Path
) -> None:
    assert json.loads(run("status", "--json").stdout) == {"tenants": [], "collections": []}
    plan = json.loads(run(str(folder), "--dry-run", "--json").stdout)
    assert len(plan["added"]) == 4
    assert json.loads(run("status", "--json").stdout)["tenants"] == [], "a dry run adds nothing"

    summary = json.loads(run(str(folder), "--json").stdout)
    assert (summary["num_added"], summary["num_chunks"]) == (3, 3)
    assert [reject["document"] for reject in summary["rejects"]] == ["broken.pdf"]
    assert summary["seconds"]["embed"] > 0

    status = json.loads(run("status", "--json").stdout)
    [tenant] = status["tenants"]
    assert (tenant["tenant"], tenant["num_documents"], tenant["num_chunks"]) == ("default", 3, 3)
    assert (tenant["num_rejects"], tenant["generation"], tenant["running"]) == (1, 1, "")
    assert [collection["role"] for collection in status["collections"]] == [
        "the configured model's"
    ]
    checked = run("verify", "--json")
    assert checked.exit_code == 0
    found = json.loads(checked.stdout)
    assert (found["faults"], found["num_sampled"], found["share_found"]) == ([], 3, 1.0)
    assert found["min_cosine"] > 0.999

    (folder / "faq/trial.txt").write_text("The trial lasts 30 days.")
    (folder / "faq/support.txt").unlink()
    planned = run(str(folder), "--dry-run").stdout
    assert "changed: 1 (faq/trial.txt)" in planned
    assert "deleted: 1 (faq/support.txt)" in planned

    assert run("delete", "faq/trial.txt", answer="n\n").exit_code == 1
    unknown = run("delete", "nowhere.md", "--yes")
    assert unknown.exit_code == 1
    assert "has no document 'nowhere.md'" in unknown.stderr
    assert run("delete", "--yes").exit_code == 2
    assert "Deleted 1 documents" in run("delete", "faq/trial.txt", answer="y\n").stdout
    assert json.loads(run("status", "--json").stdout)["tenants"][0]["num_documents"] == 2
    assert "Deleted 2 documents" in run("delete", "--all", "--yes").stdout
    assert run("verify").exit_code == 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param("delete", "documents lack chunks", id="a chunk is gone"),
        pytest.param("turn", "the model has changed", id="a vector is another"),
    ],
)
def test_verify_finds_what_is_wrong(
    settings: Settings, folder: Path, change: str, fault: str
) -> None:
    (folder / "faq/long.txt").write_text("\n\n".join(f"Topic {n}. " * 60 for n in range(4)))
    assert run(str(folder)).exit_code == 0
    client = MilvusClient(settings.vector_store.uri)
    model = model_fingerprint(settings.embedder)
    collection = collection_name(settings.vector_store, model)
    if change == "delete":
        client.delete(collection, filter="position == 1")
    else:
        rows = client.query(
            collection, filter='title == "Trial"', output_fields=["*", "dense"], limit=1
        )
        row = {name: value for name, value in rows[0].items() if name != "sparse"}
        client.upsert(collection, [row | {"dense": row["dense"][::-1]}])
    client.close()
    checked = run("verify")
    assert checked.exit_code == 1
    assert fault in checked.stdout


async def test_another_embedding_model_takes_over_when_every_tenant_is_ingested_with_it(
    settings: Settings, folder: Path, embedder: Embedder
) -> None:
    other = settings.model_copy(
        update={"embedder": settings.embedder.model_copy(update={"model_name": "other"})}
    )
    quiet = Reporter(quiet=True)
    for tenant in ("acme", "globex"):
        await documents.ingest_documents(settings, folder, tenant, quiet)
    old, new = (
        collection_name(s.vector_store, model_fingerprint(s.embedder)) for s in (settings, other)
    )

    async def current() -> str | None:
        async with stored_knowledge(settings, model_fingerprint(settings.embedder)) as stored:
            return await stored.current.read()

    assert await current() == old
    await documents.ingest_documents(other, folder, "acme", quiet)
    assert await current() == old, "one tenant is not there yet"
    assert await count(settings, "acme", embedder) == await count(other, "acme", embedder) == 3
    assert await knowledge.superseded_collections(other) == []
    await documents.ingest_documents(other, folder, "globex", quiet)
    assert await current() == new
    assert await count(settings, "globex", embedder) == 3, "a service with the old model goes on"
    assert await knowledge.superseded_collections(other) == [old]
    await knowledge.drop_collections(other, [old])
    assert await count(other, "globex", embedder) == 3


async def count(settings: Settings, tenant: str, embedder: Embedder) -> int:
    model = model_fingerprint(settings.embedder)
    store = VectorStore(settings.vector_store, embedder.dimension, model=model)
    [vector] = embedder.embed(["plan"])
    found = await store.search(tenant, "plan", vector, SearchOptions(10))
    await store.close()
    return len(found)


HOSTILE = ['acme" or tenant == "globex', "acme\n", "%", "../globex", "Acme", ""]


def test_a_tenant_that_is_no_name_is_refused_by_every_command(
    settings: Settings, folder: Path
) -> None:
    asyncio.run(documents.ingest_documents(settings, folder, "globex", Reporter(quiet=True)))
    for tenant in HOSTILE:
        for arguments in (
            [str(folder), "--tenant", tenant],
            [str(folder), "--dry-run", "--tenant", tenant],
            ["verify", "--tenant", tenant],
            ["delete", "--all", "--yes", "--tenant", tenant],
        ):
            done = run(*arguments)
            assert done.exit_code == 1, arguments
            assert "'tenant' has value" in done.stderr
        with pytest.raises(InvalidInputError, match="'tenant' has value"):
            asyncio.run(knowledge.delete_documents(settings, tenant, None))
    assert json.loads(run("status", "--json").stdout)["tenants"][0]["num_documents"] == 3


def test_hostile_source_types_stay_in_their_tenant(
    settings: Settings, folder: Path, embedder: Embedder
) -> None:
    """A folder's name becomes a source type; whatever it is, it opens no other tenant."""
    for number, name in enumerate(['faq" or tenant == "globex', "%", "a\\b", "faq\n"]):
        path = folder / name / f"{number}.txt"
        path.parent.mkdir(parents=True)
        path.write_text(f"The secret plan of acme, number {number}.")

    async def check() -> None:
        quiet = Reporter(quiet=True)
        await documents.ingest_documents(settings, folder, "acme", quiet)
        await documents.ingest_documents(settings, folder / "faq", "globex", quiet)
        model = model_fingerprint(settings.embedder)
        store = VectorStore(settings.vector_store, embedder.dimension, model=model)
        [vector] = embedder.embed(["secret plan"])
        found = await store.search("acme", "secret plan", vector, SearchOptions(50))
        kinds = {passage.chunk.source_type for passage in found}
        for kind in kinds:
            options = SearchOptions(50, source_types=[kind])
            others = await store.search("globex", "secret plan", vector, options)
            assert all("acme" not in passage.chunk.text for passage in others)
        for wrong in ('faq"] or tenant in ["acme', "faq\n", "%"):
            with pytest.raises(InvalidInputError, match="'source_types' has value"):
                options = SearchOptions(50, source_types=[wrong])
                await store.search("globex", "secret plan", vector, options)
        assert sum("secret" in passage.chunk.text for passage in found) == 4
        await store.close()

    asyncio.run(check())
