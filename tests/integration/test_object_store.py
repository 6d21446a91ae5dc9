"""Documents in an object store: pyarrow's real S3 client against a server on this machine."""

from collections.abc import Iterator

import pytest

from config.ingestion import IngestionLimits
from followup.errors import InvalidInputError
from ingestion.ingest import ingest_folder
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.sources import DocumentSource
from tests.fakes import FakeIngestEmbedder, FakeIngestStore
from tests.integration.object_store import ObjectStore, object_store

OBJECTS = {
    "docs/pricing/plans.md": b"# Plans\n\nThe Growth plan costs $299.",
    "docs/faq/trial.txt": b"The trial lasts 14 days.",
    "docs/faq/large.txt": b"x" * 2_000,
    "docs/.hidden/a.txt": b"Hidden.",
    "other/b.txt": b"Not asked for.",
}


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with object_store(OBJECTS) as store:
        yield store


def test_the_files_of_a_prefix_are_listed_and_read(store: ObjectStore) -> None:
    source = DocumentSource.open(store.uri("docs"))
    files = source.list_files()
    assert [file.name for file in files] == ["faq/large.txt", "faq/trial.txt", "pricing/plans.md"]
    assert source.read(files[1], IngestionLimits()) == b"The trial lasts 14 days."
    with pytest.raises(RejectedFileError, match="above the limit of 1000") as caught:
        source.read(files[0], IngestionLimits(max_document_bytes=1_000))
    assert caught.value.code is RejectCode.TOO_LARGE


def test_a_glob_and_a_single_object_are_found(store: ObjectStore) -> None:
    globbed = DocumentSource.open(store.uri("docs/*/*.md")).list_files()
    assert [file.name for file in globbed] == ["pricing/plans.md"]
    single = DocumentSource.open(store.uri("docs/faq/trial.txt")).list_files()
    assert [file.name for file in single] == ["trial.txt"]


def test_a_prefix_without_objects_is_named(store: ObjectStore) -> None:
    with pytest.raises(InvalidInputError, match="is not a folder"):
        DocumentSource.open(store.uri("nowhere"))


async def test_a_store_is_ingested_as_a_folder_is(store: ObjectStore) -> None:
    vectors = FakeIngestStore()
    summary = await ingest_folder(store.uri("docs"), "acme", FakeIngestEmbedder(), vectors)
    assert summary.num_added == 3
    kinds = {chunk.document: chunk.source_type for chunk in vectors.chunks["acme"].values()}
    assert kinds["pricing/plans.md"] == "pricing"
