"""Ingests a folder with the same embedder and store that the service uses."""

from pathlib import Path

from cluster.reporting import Reporter
from config.settings import Settings
from ingestion.ingest import IngestProgress, IngestSummary, ingest_folder


async def ingest_documents(
    settings: Settings, folder: Path, tenant: str, reporter: Reporter
) -> IngestSummary:
    """Bring the tenant's documents in line with the folder. Errors: see `ingest_folder`."""
    from transformers.utils import logging  # noqa: PLC0415 - as below

    from followup.backends.embedder import Embedder  # noqa: PLC0415 - seconds, and an extra
    from followup.backends.vector_store import VectorStore  # noqa: PLC0415

    logging.disable_progress_bar()  # its bar would run through ours
    with reporter.waiting(f"Loading {settings.embedder.model_name}"):
        embedder = Embedder(settings.embedder)
    store = VectorStore(settings.vector_store, embedder.dimension)
    try:
        with reporter.bar(f"Ingesting {folder}", None) as bar:

            def show(progress: IngestProgress) -> None:
                bar.update(progress.num_done, progress.num_total)

            return await ingest_folder(folder, tenant, embedder, store, on_progress=show)
    finally:
        await store.close()


def describe(summary: IngestSummary) -> str:
    """What a run did, in one line."""
    return (
        f"{summary.num_seen} documents: {summary.num_added} added, {summary.num_changed} changed, "
        f"{summary.num_unchanged} unchanged, {summary.num_deleted} deleted, "
        f"{len(summary.rejects)} unreadable"
    )
