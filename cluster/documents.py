"""Ingests documents with the same embedder and store that the service uses."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cluster.ingest_cluster import connect_to_ray
from cluster.reporting import Reporter
from cluster.stored_knowledge import stored_knowledge
from config.settings import Settings
from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.settings import EmbedderSettings
from followup.backends.vector_store import VectorStore
from ingestion.ingest import IngestProgress, IngestRun, IngestSummary, Stages
from ingestion.local_stages import LocalStages
from ingestion.parser_process import ParserProcess
from ingestion.planning import IngestPlan, make_plan
from ingestion.rejects import read_rejects, write_rejects
from ingestion.sources import DocumentSource
from ingestion.stages import ChunkStage, content_hasher

if TYPE_CHECKING:
    from followup.backends.embedder import Embedder

MIN_DOCUMENTS_FOR_RAY = 500
"""Below, starting the actors takes longer than they save; see docs/ingestion.md."""


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


async def plan_documents(settings: Settings, location: Path | str, tenant: str) -> IngestPlan:
    """What an ingestion would do; changes nothing. Errors: as `ingest_documents`."""
    fingerprint = model_fingerprint(settings.embedder)
    async with stored_knowledge(settings, fingerprint) as stored:
        known = await stored.hashes(tenant)
    source = await asyncio.to_thread(DocumentSource.open, str(location))
    hash_content = content_hasher(fingerprint, settings.ingestion)
    refused = await asyncio.to_thread(read_rejects, rejects_path(settings, tenant))
    limits = settings.ingestion.limits
    return await asyncio.to_thread(make_plan, source, known, refused, limits, hash_content)


async def ingest_documents(
    settings: Settings, location: Path | str, tenant: str, reporter: Reporter
) -> IngestSummary:
    """Bring the tenant's documents in line with the location. Errors: see `ingest_folder`."""
    embedder = LazyEmbedder(settings.embedder, reporter)
    async with stored_knowledge(settings, embedder.fingerprint) as stored:
        dimension = await stored.dimension() or embedder.dimension
    store = VectorStore(settings.vector_store, dimension, model=embedder.fingerprint)
    try:
        await store.ensure_collection()
        summary = await _run(settings, str(location), tenant, reporter, store, embedder)
        path = rejects_path(settings, tenant)
        await asyncio.to_thread(write_rejects, path, summary.rejects)
        if summary.rejects:
            reporter.note(f"What was left out is listed in '{path}'")
        missing = await store.make_current()
        if missing:
            reporter.note(
                "The embedding model is another one than before. These tenants still have to be "
                f"ingested with it: {', '.join(missing)}"
            )
        return summary
    finally:
        await store.close()


async def _run(
    settings: Settings,
    location: str,
    tenant: str,
    reporter: Reporter,
    store: VectorStore,
    embedder: LazyEmbedder,
) -> IngestSummary:
    source = await asyncio.to_thread(DocumentSource.open, location)
    hash_content = content_hasher(embedder.fingerprint, settings.ingestion)
    draft = await store.open_draft(tenant)
    refused = await asyncio.to_thread(read_rejects, rejects_path(settings, tenant))
    run = IngestRun(source, draft, settings.ingestion, hash_content, refused)
    with reporter.bar(f"Ingesting {location}", None) as bar, ExitStack() as used:
        plan = await run.scan()

        def show(progress: IngestProgress) -> None:
            bar.update(progress.num_done, progress.num_total)

        stages: Stages | None = None
        if len(plan.to_make) >= MIN_DOCUMENTS_FOR_RAY:
            stages = used.enter_context(
                connect_to_ray(settings, location, embedder.fingerprint, reporter)
            )
        if stages is None:
            parser = used.enter_context(
                ParserProcess(settings.ingestion, settings.embedder.model_path)
            )
            limits = settings.ingestion.limits
            chunker = ChunkStage(source, parser.cut, limits, hash_content)
            stages = LocalStages(chunker, embedder)
        return await run.finish(stages, show)


def rejects_path(settings: Settings, tenant: str) -> Path:
    """The file that lists the documents which the tenant's last run left out."""
    return settings.environment.state_dir.absolute() / "rejects" / f"{tenant}.jsonl"


async def has_only_examples(settings: Settings, tenant: str, examples: Path) -> bool:
    """Whether every document of the tenant has the name of an example; True where it has none.

    Documents that were embedded with the model before count too: they are the tenant's own.
    """
    found: set[str] = set()
    async with stored_knowledge(settings, model_fingerprint(settings.embedder)) as stored:
        found |= (await stored.hashes(tenant)).keys()
        found |= (await stored.current_hashes(tenant)).keys()
    return found <= await asyncio.to_thread(_document_names, examples)


def describe(summary: IngestSummary) -> str:
    """What a run did, in one line."""
    return (
        f"{summary.num_seen} documents: {summary.num_added} added, {summary.num_changed} changed, "
        f"{summary.num_unchanged} unchanged, {summary.num_deleted} deleted, "
        f"{len(summary.rejects)} unreadable"
    )


def describe_seconds(summary: IngestSummary) -> str:
    """How long a run took, in one line."""
    stages = summary.seconds
    return (
        f"{summary.num_chunks} chunks in {summary.total_seconds:.1f} s "
        f"(scan {stages.scan:.1f}, read {stages.read:.1f}, chunk {stages.chunk:.1f}, "
        f"embed {stages.embed:.1f}, store {stages.store:.1f})"
    )


def _document_names(root: Path) -> set[str]:
    return {file.name for file in DocumentSource.open(str(root)).list_files()}
