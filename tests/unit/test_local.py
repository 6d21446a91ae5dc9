"""Whose documents `up` and `ingest` touch, one command at a time, and when the model is loaded."""

import fcntl
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from cluster import documents, local
from cluster.documents import (
    LazyEmbedder,
    has_only_examples,
    ingest_documents,
    plan_documents,
)
from cluster.errors import StartError
from cluster.ingest_lock import only_ingestion, running_ingestion
from cluster.local import UpOptions
from cluster.reporting import Reporter
from config.environment import Environment
from config.settings import Settings, load_settings
from followup.backends.access import DEFAULT_TENANT
from followup.errors import InvalidInputError
from ingestion.ingest import IngestSummary
from tests.fakes import FakeIngestStore

DIMENSION = 3


class Loaded:
    """Stands in for the loaded embedding model."""

    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(np.eye(1, DIMENSION, dtype=np.float32), (len(texts), 1))


class Store(FakeIngestStore):
    """A vector store in memory; nothing was ever ingested while `documents` is None."""

    @property
    def documents(self) -> dict[str, str] | None:
        return self.hashes.get(DEFAULT_TENANT)

    @documents.setter
    def documents(self, hashes: dict[str, str] | None) -> None:
        self.hashes = {} if hashes is None else {DEFAULT_TENANT: hashes}

    async def make_current(self) -> list[str]:
        return []

    async def close(self) -> None:
        """Nothing to close."""


class Stored:
    """What is stored, as it is read without a model. `other_model` has it by another one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.other_model: dict[str, str] = {}

    async def dimension(self) -> int | None:
        return None if self.store.documents is None else DIMENSION

    async def hashes(self, _tenant: str) -> dict[str, str]:
        return self.store.documents or {}

    async def current_hashes(self, _tenant: str) -> dict[str, str]:
        return self.other_model


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
    _write_tokenizer(settings.embedder.model_path)
    return settings


def _write_tokenizer(folder: Path) -> None:
    """What sizes the chunks, in the process that cuts files: here a token is a word."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))  # noqa: S106 - a word, no secret
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')


@pytest.fixture
def stored_by(monkeypatch: pytest.MonkeyPatch) -> Stored:
    store = Store()
    stored = Stored(store)

    @asynccontextmanager
    async def stored_knowledge(_settings: Settings, _model: str) -> AsyncIterator[Stored]:
        yield stored

    monkeypatch.setattr(documents, "stored_knowledge", stored_knowledge)
    monkeypatch.setattr(documents, "VectorStore", lambda _settings, _dimension, *, model: store)
    return stored


@pytest.fixture
def store(stored_by: Stored) -> Store:
    return stored_by.store


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


async def test_documents_of_the_model_before_are_the_tenants_own(
    settings: Settings, stored_by: Stored, examples: Path
) -> None:
    stored_by.other_model = {"own.md": "1"}
    assert not await has_only_examples(settings, DEFAULT_TENANT, examples)


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
    assert store.documents is not None
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


@pytest.mark.usefixtures("store", "loads")
def test_a_second_ingestion_of_a_tenant_is_refused_by_name_and_process(
    settings: Settings, examples: Path
) -> None:
    state = local.state_folder(settings)
    expected = rf"tenant 'default' are being changed by process {os.getpid()} since .* UTC\. Wait"
    with only_ingestion(state, DEFAULT_TENANT):
        assert running_ingestion(state, DEFAULT_TENANT).startswith(f"process {os.getpid()} ")
        with pytest.raises(StartError, match=expected):
            local.ingest(settings, examples, DEFAULT_TENANT, Reporter(quiet=True))
        assert local.ingest(settings, examples, "other", Reporter(quiet=True)).num_added == 2
    assert running_ingestion(state, DEFAULT_TENANT) == ""
    assert running_ingestion(state, "nobody") == ""
    with (
        pytest.raises(InvalidInputError, match="'tenant' has value"),
        only_ingestion(state, "../x"),
    ):
        pass


async def test_a_dry_run_changes_nothing(settings: Settings, store: Store, examples: Path) -> None:
    store.documents = {"gone.md": "1", "faq/trial.md": "of another text"}
    plan = await plan_documents(settings, examples, DEFAULT_TENANT)
    assert [file.name for file in plan.added] == ["pricing/plans.md"]
    assert [file.name for file in plan.changed] == ["faq/trial.md"]
    assert plan.deleted == ["gone.md"]
    assert store.num_writes == store.num_published == 0
