"""Ingests a folder with the same embedder and store that the service uses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cluster.reporting import Reporter
from config.settings import Settings
from followup.backends.milvus_connection import MAINTENANCE_TIMEOUT_SECONDS, MilvusConnection
from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.settings import EmbedderSettings
from followup.backends.stored_documents import StoredDocuments
from followup.backends.vector_store import VectorStore
from ingestion.ingest import IngestProgress, IngestSummary, ingest_folder
from ingestion.parser_process import ParserProcess
from ingestion.rejects import write_rejects
from ingestion.sources import DocumentSource

if TYPE_CHECKING:
    from followup.backends.embedder import Embedder


class LazyEmbedder:
    """The embedder, loaded when the first text is embedded: often none has changed."""

    def __init__(self, settings: EmbedderSettings, reporter: Reporter) -> None:
        self._settings = settings
        self._reporter = reporter
        self.fingerprint = model_fingerprint(settings)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._loaded.dimension

    @property
    def max_tokens(self) -> int:
        """Longest text that is embedded whole."""
        return self._loaded.max_tokens

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""
        return self._loaded.count_tokens_batch(texts)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension)."""
        return self._loaded.embed(texts)

    @cached_property
    def _loaded(self) -> "Embedder":
        from transformers.utils import logging  # noqa: PLC0415 - as below

        from followup.backends.embedder import Embedder  # noqa: PLC0415 - seconds, and an extra

        logging.disable_progress_bar()  # its bar would run through ours
        self._reporter.step(f"Loading {self._settings.model_name}")
        return Embedder(self._settings)


async def ingest_documents(
    settings: Settings, folder: Path | str, tenant: str, reporter: Reporter
) -> IngestSummary:
    """Bring the tenant's documents in line with the folder. Errors: see `ingest_folder`."""
    embedder = LazyEmbedder(settings.embedder, reporter)
    # A model that makes other vectors has another fingerprint, is loaded, and is refused then.
    async with _stored_documents(settings) as stored:
        dimension = await stored.dimension() or embedder.dimension
    store = VectorStore(settings.vector_store, dimension)
    try:
        with reporter.bar(f"Ingesting {folder}", None) as bar:

            def show(progress: IngestProgress) -> None:
                bar.update(progress.num_done, progress.num_total)

            with ParserProcess(settings.ingestion) as parser:
                summary = await ingest_folder(
                    folder,
                    tenant,
                    embedder,
                    store,
                    settings=settings.ingestion,
                    parse=parser.parse,
                    on_progress=show,
                )
        path = rejects_path(settings, tenant)
        await asyncio.to_thread(write_rejects, path, summary.rejects)
        if summary.rejects:
            reporter.note(f"What was left out is listed in '{path}'")
        return summary
    finally:
        await store.close()


def rejects_path(settings: Settings, tenant: str) -> Path:
    """The file that lists the documents which the tenant's last run left out."""
    return settings.environment.state_dir.absolute() / "rejects" / f"{tenant}.jsonl"


async def has_only_examples(settings: Settings, tenant: str, examples: Path) -> bool:
    """Whether every document of the tenant has the name of an example; True where it has none."""
    async with _stored_documents(settings) as stored:
        if await stored.dimension() is None:
            return True
        found = await stored.hashes(tenant)
    return found.keys() <= await asyncio.to_thread(_document_names, examples)


def describe(summary: IngestSummary) -> str:
    """What a run did, in one line."""
    return (
        f"{summary.num_seen} documents: {summary.num_added} added, {summary.num_changed} changed, "
        f"{summary.num_unchanged} unchanged, {summary.num_deleted} deleted, "
        f"{len(summary.rejects)} unreadable"
    )


def _document_names(root: Path) -> set[str]:
    return {file.name for file in DocumentSource.open(str(root)).list_files()}


@asynccontextmanager
async def _stored_documents(settings: Settings) -> AsyncIterator[StoredDocuments]:
    # A large collection may have to be loaded first.
    patient = settings.vector_store.model_copy(
        update={"timeout_seconds": MAINTENANCE_TIMEOUT_SECONDS}
    )
    connection = MilvusConnection(patient, [patient.collection])
    try:
        yield StoredDocuments(connection, patient.collection)
    finally:
        await connection.close()
