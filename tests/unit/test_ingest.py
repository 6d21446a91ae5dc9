from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ingestion.stages
from config.ingestion import IngestionLimits, IngestionSettings
from examples.make_knowledge_base_pdfs import DEFAULT_FOLDER
from followup.errors import InvalidInputError, PartUnavailableError
from followup.passage import Chunk
from ingestion.cutting import Cutter
from ingestion.document import Document
from ingestion.ingest import IngestProgress, IngestRun, IngestSummary, ingest_folder
from ingestion.local_stages import LocalStages
from ingestion.readers import parse_document
from ingestion.rejects import (
    Reject,
    RejectCode,
    RejectedFileError,
    read_rejects,
    write_rejects,
)
from ingestion.sources import DocumentSource, SourceFile
from ingestion.stages import ChunkStage, PreparedDocument, batched, content_hasher
from tests.fakes import FakeIngestEmbedder, FakeIngestStore


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "pricing/plans.md", "# Plans\n\nThe Growth plan costs $299 per month.\n")
    write(tmp_path, "faq/trial.txt", "The trial lasts 14 days.")
    write(tmp_path, "faq/support.txt", "Support is open on weekdays.")
    return tmp_path


def counts(summary: IngestSummary) -> tuple[int, int, int, int, int]:
    return (
        summary.num_seen,
        summary.num_added,
        summary.num_changed,
        summary.num_unchanged,
        summary.num_deleted,
    )


def texts(store: FakeIngestStore, tenant: str = "acme") -> list[str]:
    return sorted(chunk.text for chunk in store.chunks[tenant].values())


async def test_a_first_run_stores_every_document_with_its_source_type(root: Path) -> None:
    store = FakeIngestStore()
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert counts(summary) == (3, 3, 0, 0, 0)
    assert summary.num_chunks == 3
    assert summary.rejects == []
    chunks = store.chunks["acme"].values()
    assert {chunk.document: chunk.source_type for chunk in chunks} == {
        "pricing/plans.md": "pricing",
        "faq/trial.txt": "faq",
        "faq/support.txt": "faq",
    }
    assert store.num_published == 1


async def test_what_is_embedded_says_title_and_text(root: Path) -> None:
    embedder = FakeIngestEmbedder()
    await ingest_folder(root, "acme", embedder, FakeIngestStore())
    assert "Plans\nThe Growth plan costs $299 per month." in embedder.embedded


async def test_a_second_run_embeds_and_writes_nothing(root: Path) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    num_writes, embedder = store.num_writes, FakeIngestEmbedder()
    summary = await ingest_folder(root, "acme", embedder, store)
    assert counts(summary) == (3, 0, 0, 3, 0)
    assert embedder.embedded == []
    assert (store.num_writes, store.num_published) == (num_writes, 1)


async def test_only_a_changed_document_is_embedded_again_and_replaced(root: Path) -> None:
    store, embedder = FakeIngestStore(), FakeIngestEmbedder()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    write(root, "faq/trial.txt", "The trial lasts 30 days.")
    summary = await ingest_folder(root, "acme", embedder, store)
    assert counts(summary) == (3, 0, 1, 2, 0)
    assert embedder.embedded == ["Trial\nThe trial lasts 30 days."]
    assert "The trial lasts 30 days." in texts(store)
    assert "The trial lasts 14 days." not in texts(store)


async def test_a_deleted_document_leaves_the_store(root: Path) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    (root / "faq/trial.txt").unlink()
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert counts(summary) == (2, 0, 0, 2, 1)
    assert len(texts(store)) == 2


@pytest.mark.parametrize(
    ("part", "value"),
    [
        pytest.param("READER_VERSION", 99, id="reader"),
        pytest.param("CHUNKER_VERSION", 99, id="chunker"),
        pytest.param("TERMS_VERSION", 99, id="terms"),
    ],
)
async def test_another_reader_chunker_or_way_to_make_terms_takes_every_document_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, part: str, value: int
) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    monkeypatch.setattr(ingestion.stages, part, value)
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert counts(summary) == (3, 0, 3, 0, 0)


async def test_another_embedder_takes_every_document_again(root: Path) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder("one"), store)
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder("two"), store)
    assert counts(summary) == (3, 0, 3, 0, 0)


async def test_a_bad_file_is_a_reject_and_the_rest_is_stored(root: Path) -> None:
    write(root, "pricing/broken.pdf", "no PDF at all")
    write(root, "notes.xyz", "unknown")
    (root / "gone.txt").symlink_to(root / "nowhere.txt")
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), FakeIngestStore())
    assert counts(summary) == (6, 3, 0, 0, 0)
    reasons = {reject.document: reject.reason for reject in summary.rejects}
    assert reasons["pricing/broken.pdf"] == "it is named .pdf but is no PDF file"
    assert reasons["notes.xyz"].startswith("its format '.xyz' is not one of")
    assert reasons["gone.txt"].startswith("it cannot be opened")


async def test_a_document_that_no_longer_reads_leaves_the_store(root: Path) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    (root / "faq/trial.txt").write_bytes(b"\x00\x01")
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert [reject.document for reject in summary.rejects] == ["faq/trial.txt"]
    assert summary.num_deleted == 1
    assert len(texts(store)) == 2


async def test_hidden_files_are_left_out(root: Path) -> None:
    write(root, ".git/config", "secret")
    write(root, "faq/.DS_Store", "x")
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), FakeIngestStore())
    assert summary.num_seen == 3


async def test_two_tenants_keep_their_documents_apart(root: Path, tmp_path: Path) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    await ingest_folder(root / "faq", "other", FakeIngestEmbedder(), store)
    assert len(store.chunks["acme"]) == 3
    assert {chunk.document for chunk in store.chunks["other"].values()} == {
        "trial.txt",
        "support.txt",
    }


async def test_a_run_that_broke_off_is_completed_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.local_stages.CHUNKS_PER_BATCH", 1)
    store = FakeIngestStore()
    store.writes_until_down = 2
    with pytest.raises(PartUnavailableError, match="does not answer"):
        await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert texts(store) == [], "nothing is seen of a run that broke off"
    store.writes_until_down = -1
    embedder = FakeIngestEmbedder()
    summary = await ingest_folder(root, "acme", embedder, store)
    assert counts(summary) == (3, 1, 0, 2, 0)
    assert len(embedder.embedded) == 1
    clean = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), clean)
    assert (store.chunks, store.hashes) == (clean.chunks, clean.hashes)


async def test_progress_names_each_document_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.local_stages.CHUNKS_PER_BATCH", 1)
    said: list[IngestProgress] = []
    await ingest_folder(
        root, "acme", FakeIngestEmbedder(), FakeIngestStore(), on_progress=said.append
    )
    assert [progress.num_done for progress in said] == [1, 2, 3]
    assert {progress.num_total for progress in said} == {3}
    assert Counter(progress.document for progress in said).most_common(1)[0][1] == 1


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere' is not a folder\. Name the folder"):
        await ingest_folder(tmp_path / "nowhere", "acme", FakeIngestEmbedder(), FakeIngestStore())


async def test_the_example_knowledge_base_has_no_rejects() -> None:
    summary = await ingest_folder(DEFAULT_FOLDER, "acme", FakeIngestEmbedder(), FakeIngestStore())
    assert summary.rejects == []
    assert summary.num_added == summary.num_seen
    assert summary.seconds.read > 0


async def test_an_unchanged_document_is_not_parsed(root: Path) -> None:
    store = FakeIngestStore()
    parsed: list[str] = []

    def parse(name: str, content: bytes) -> Document | Reject:
        parsed.append(name)
        return parse_document(name, content, IngestionSettings())

    await ingest_folder(root, "acme", FakeIngestEmbedder(), store, parse=parse)
    assert len(parsed) == 3
    write(root, "faq/trial.txt", "The trial lasts 30 days.")
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store, parse=parse)
    assert parsed[3:] == ["faq/trial.txt"]


async def test_a_document_that_cannot_be_had_just_now_stays_as_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeIngestStore()
    await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    read = DocumentSource.read

    def read_some(source: DocumentSource, file: SourceFile, limits: IngestionLimits) -> bytes:
        if file.name == "faq/trial.txt":
            raise RejectedFileError(RejectCode.UNAVAILABLE, "it cannot be opened (timed out)")
        return read(source, file, limits)

    monkeypatch.setattr(DocumentSource, "read", read_some)
    summary = await ingest_folder(root, "acme", FakeIngestEmbedder(), store)
    assert [reject.document for reject in summary.rejects] == ["faq/trial.txt"]
    assert summary.num_deleted == 0
    assert "The trial lasts 14 days." in texts(store)


async def test_the_plan_says_what_a_run_would_do_and_changes_nothing(root: Path) -> None:
    store, settings = FakeIngestStore(), IngestionSettings()
    embedder = FakeIngestEmbedder()
    await ingest_folder(root, "acme", embedder, store)
    (root / "faq/support.txt").unlink()
    write(root, "faq/trial.txt", "The trial lasts 30 days.")
    write(root, "new.txt", "New.")
    run = IngestRun(
        DocumentSource.open(str(root)),
        await store.open_draft("acme"),
        settings,
        content_hasher(embedder.fingerprint, settings),
    )
    plan = await run.scan()
    assert [file.name for file in plan.added] == ["new.txt"]
    assert [file.name for file in plan.changed] == ["faq/trial.txt"]
    assert (plan.unchanged, plan.deleted) == (["pricing/plans.md"], ["faq/support.txt"])
    assert store.num_published == 1


def test_the_embedder_waits_only_for_the_first_few_documents() -> None:
    chunk = Chunk(chunk_id="1", document="1", title="", source_type="faq", position=0, text="x")
    documents = [PreparedDocument(str(number), chunks=[chunk]) for number in range(700)]
    batches = list(batched(iter(documents), max_chunks=256))
    assert [len(batch) for batch in batches] == [32, 64, 128, 256, 220]
    assert [document for batch in batches for document in batch] == documents


async def test_what_a_stage_raises_ends_the_run(root: Path) -> None:
    class Broken(FakeIngestEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            message = "out of memory"
            raise MemoryError(message)

        def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
            message = "no tokenizer"
            raise PartUnavailableError(message)

    with pytest.raises(PartUnavailableError, match="no tokenizer"):
        await ingest_folder(root, "acme", Broken(), FakeIngestStore())


async def test_a_file_that_was_refused_is_parsed_again_only_when_it_changed(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rejects go through the file that lists them, as from run to run."""
    settings, embedder, store = IngestionSettings(), FakeIngestEmbedder(), FakeIngestStore()
    listed = tmp_path_factory.mktemp("state") / "rejects.jsonl"
    hash_content = content_hasher(embedder.fingerprint, settings)
    parsed: list[str] = []

    def parse(name: str, content: bytes) -> Document | Reject:
        parsed.append(name)
        return parse_document(name, content, settings)

    async def take_in() -> IngestSummary:
        source = DocumentSource.open(str(root))
        cutter = Cutter(parse, embedder, settings)
        chunker = ChunkStage(source, cutter.cut, settings.limits, hash_content)
        draft = await store.open_draft("acme")
        run = IngestRun(source, draft, settings, hash_content, read_rejects(listed))
        await run.scan()
        summary = await run.finish(LocalStages(chunker, embedder))
        write_rejects(listed, summary.rejects)
        return summary

    write(root, "broken.pdf", "no PDF at all")
    first = await take_in()
    assert len(parsed) == 4
    second = await take_in()
    assert len(parsed) == 4
    assert second.rejects == first.rejects
    assert counts(second) == (4, 0, 0, 3, 0)
    write(root, "broken.pdf", "no PDF, once more")
    await take_in()
    assert parsed[4:] == ["broken.pdf"]
    (root / "broken.pdf").rename(root / "mended.txt")
    assert counts(await take_in()) == (4, 1, 0, 3, 0)
