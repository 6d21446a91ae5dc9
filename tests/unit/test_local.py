"""Whose documents `up` and `ingest` touch, one command at a time, and when the model is loaded."""

import fcntl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cluster import documents, local
from cluster.documents import LazyEmbedder, has_only_examples, ingest_documents
from cluster.errors import StartError
from cluster.local import DEFAULT_TENANT, UpOptions
from cluster.reporting import Reporter
from config.environment import Environment
from config.settings import Settings, load_settings
from followup.passage import Chunk
from ingestion.ingest import IngestSummary

DIMENSION = 3


class Loaded:
    """Stands in for the loaded embedding model."""

    dimension = DIMENSION
    max_tokens = 256

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.eye(1, DIMENSION, dtype=np.float32), (len(texts), 1))


class Store:
    """A vector store in memory that knows one tenant; nothing was ever ingested while None."""

    def __init__(self) -> None:
        self.documents: dict[str, str] | None = None

    async def dimension(self) -> int | None:
        return None if self.documents is None else DIMENSION

    async def hashes(self, _tenant: str) -> dict[str, str]:
        assert self.documents is not None
        return self.documents

    async def ensure_collection(self) -> None:
        self.documents = self.documents or {}

    async def document_hashes(self, tenant: str) -> dict[str, str]:
        return dict(await self.hashes(tenant))

    async def upsert(
        self,
        _tenant: str,
        _chunks: Sequence[Chunk],
        _vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        assert self.documents is not None
        self.documents.update(document_hashes)

    async def delete_documents(self, _tenant: str, names: Iterable[str]) -> None:
        assert self.documents is not None
        for name in names:
            del self.documents[name]

    async def flush(self) -> None:
        """Nothing to seal."""

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where Ray's sessions would lie
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    settings = load_settings()
    settings.embedder.model_path.mkdir(parents=True)
    (settings.embedder.model_path / "modules.json").write_text("[]")
    return settings


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()

    @asynccontextmanager
    async def stored_documents(_settings: Settings) -> AsyncIterator[Store]:
        yield store

    monkeypatch.setattr(documents, "_stored_documents", stored_documents)
    monkeypatch.setattr(documents, "VectorStore", lambda _settings, _dimension: store)
    return store


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[LazyEmbedder]:
    """Every use of the loaded model."""
    used: list[LazyEmbedder] = []

    def load(embedder: LazyEmbedder) -> Loaded:
        used.append(embedder)
        return Loaded()

    monkeypatch.setattr(LazyEmbedder, "_loaded", property(load))
    return used


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    return _folder(tmp_path / "examples", "pricing/plans.md", "faq/trial.md")


def _folder(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n\nThe text of {name}.\n")
    return root


@pytest.mark.parametrize(
    ("stored", "only_examples"),
    [
        (None, True),
        ({}, True),
        ({"faq/trial.md": "old"}, True),
        ({"faq/trial.md": "old", "pricing/plans.md": "old"}, True),
        ({"faq/trial.md": "old", "own.md": "1"}, False),
        ({"own.md": "1"}, False),
    ],
    ids=["never", "none", "some", "all", "mixed", "own"],
)
async def test_examples_are_told_from_documents_of_the_tenants_own(
    settings: Settings,
    store: Store,
    examples: Path,
    stored: dict[str, str] | None,
    *,
    only_examples: bool,
) -> None:
    store.documents = stored
    assert await has_only_examples(settings, DEFAULT_TENANT, examples) is only_examples


@pytest.mark.usefixtures("loads")
def test_up_leaves_the_tenants_own_documents_alone(
    settings: Settings, store: Store, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = UpOptions(
        config=Path("unused"),
        documents=None,
        example_documents=examples,
        example_adapter=Path("unused"),
        requests=None,
    )
    store.documents = {"own.md": "1"}
    local._ingest_at_start(settings, options, Reporter())
    assert store.documents == {"own.md": "1"}
    assert "left alone" in capsys.readouterr().out

    store.documents = None
    local._ingest_at_start(settings, options, Reporter())
    assert sorted(store.documents or {}) == ["faq/trial.md", "pricing/plans.md"]


@pytest.mark.usefixtures("loads")
def test_a_named_folder_is_ingested_whatever_is_stored(
    settings: Settings, store: Store, examples: Path, tmp_path: Path
) -> None:
    named = _folder(tmp_path / "named", "named.md")
    options = UpOptions(
        config=Path("unused"),
        documents=named,
        example_documents=examples,
        example_adapter=Path("unused"),
        requests=None,
    )
    store.documents = {"own.md": "1"}
    local._ingest_at_start(settings, options, Reporter())
    assert list(store.documents) == ["named.md"]


async def test_the_model_is_loaded_only_when_a_document_changed(
    settings: Settings, store: Store, examples: Path, loads: list[LazyEmbedder]
) -> None:
    async def ingest() -> IngestSummary:
        loads.clear()
        return await ingest_documents(settings, examples, DEFAULT_TENANT, Reporter(quiet=True))

    assert (await ingest()).num_added == 2
    assert loads
    assert (await ingest()).num_unchanged == 2
    assert not loads
    (examples / "faq" / "trial.md").write_text("# Trial\n\nAnother text.\n")
    assert (await ingest()).num_changed == 1
    assert loads
    (settings.embedder.model_path / "config.json").write_text("{}")
    assert (await ingest()).num_changed == 2
    assert store.documents is not None


@pytest.mark.usefixtures("store", "loads")
def test_ingest_waits_for_no_other_command_but_says_so(settings: Settings, examples: Path) -> None:
    state = local.state_folder(settings)
    state.create()
    with (state.ray_record.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StartError, match="'down' or 'ingest' is at work"):
            local.ingest(settings, examples, DEFAULT_TENANT, Reporter(quiet=True))
    summary = local.ingest(settings, examples, DEFAULT_TENANT, Reporter(quiet=True))
    assert summary.num_added == 2
