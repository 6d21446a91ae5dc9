"""Brings a tenant's part of the vector store in line with a folder of documents.

What is in the store afterwards depends on the folder alone, not on what was there before: documents
that changed are replaced, and those that left the folder or can no longer be read are deleted. A
document whose bytes, reader, chunker, terms and embedder are the same as last time is not even
parsed. Everything becomes visible in one step at the end; a run that was broken off has changed
nothing that readers see, and the next one goes on with what it wrote.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.ingestion import IngestionSettings
from followup.passage import Chunk
from ingestion.cutting import Cutter, ParseDocument, Tokenizer
from ingestion.document import Flag
from ingestion.local_stages import LocalStages
from ingestion.planning import IngestPlan, make_plan
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode
from ingestion.sources import DocumentSource, SourceFile
from ingestion.stages import (
    ChunkStage,
    PreparedDocument,
    StageSeconds,
    TextEmbedder,
    content_hasher,
)


class IngestEmbedder(Tokenizer, TextEmbedder, Protocol):
    """What ingestion in one process needs of the embedder."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes a vector."""


class Draft(Protocol):
    """A tenant's next state; see `followup.backends.knowledge_draft`."""

    def hashes(self) -> dict[str, str]:
        """Content hash by name of every document that need not be written again."""

    async def write(
        self,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        """Take in whole documents."""

    async def publish(self, documents: Set[str]) -> bool:
        """Make readers see exactly these documents; False where they do already."""


class IngestStore(Protocol):
    """What ingestion needs of the vector store."""

    async def ensure_collection(self) -> None:
        """Create what is missing."""

    async def open_draft(self, tenant: str) -> Draft:
        """The tenant's next state."""


class Stages(Protocol):
    """Files to embedded documents, streamed: LocalStages or RayStages."""

    def run(self, files: Sequence[SourceFile]) -> Iterator[list[PreparedDocument]]:
        """Batches of documents and rejects, in any order. Blocks; called in a thread."""


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """Said after each batch of documents; `document` is the last of them."""

    num_done: int
    num_total: int
    document: str


@dataclass(slots=True)
class IngestSummary:
    """What a run did. num_seen = added + changed + unchanged + rejects."""

    num_seen: int = 0
    num_added: int = 0
    num_changed: int = 0
    num_unchanged: int = 0
    num_deleted: int = 0
    num_chunks: int = 0
    """Chunks embedded and written by this run."""
    rejects: list[Reject] = field(default_factory=list)
    flags: dict[str, tuple[Flag, ...]] = field(default_factory=dict)
    """Suspicious text in documents that were added or changed all the same, by document."""
    seconds: StageSeconds = field(default_factory=StageSeconds)
    total_seconds: float = 0.0


async def ingest_folder(
    root: Path | str,
    tenant: str,
    embedder: IngestEmbedder,
    vector_store: IngestStore,
    *,
    settings: IngestionSettings | None = None,
    parse: ParseDocument | None = None,
    on_progress: Callable[[IngestProgress], None] | None = None,
) -> IngestSummary:
    """Make the tenant's documents in the store those of `root`, in this process; hidden files are
    left out.

    `root` is a folder, a file, a glob or a URI; see DocumentSource. `parse` is how files are
    parsed: in this process where none is given, with ParserProcess.parse out of harm's way. A
    document that cannot be read becomes a reject and never stops the run. Errors:
    InvalidInputError where `root` is not there, and what embedder and store raise.
    """
    settings = settings or IngestionSettings()
    source = await asyncio.to_thread(DocumentSource.open, str(root))
    hash_content = content_hasher(embedder.fingerprint, settings)
    parse = parse or partial(parse_document, settings=settings)
    cutter = Cutter(parse, embedder, settings)
    stages = LocalStages(ChunkStage(source, cutter.cut, settings.limits, hash_content), embedder)
    await vector_store.ensure_collection()
    run = IngestRun(source, await vector_store.open_draft(tenant), settings, hash_content)
    await run.scan()
    return await run.finish(stages, on_progress)


class IngestRun:
    """One run over a source: `scan` says what is to be done, `finish` does it."""

    def __init__(
        self,
        source: DocumentSource,
        draft: Draft,
        settings: IngestionSettings,
        hash_content: Callable[[bytes], str],
        refused: Mapping[str, Reject] | None = None,
    ) -> None:
        """`refused` are the rejects of the last run, see `read_rejects`."""
        self._source = source
        self._refused = refused or {}
        self._draft = draft
        self._settings = settings
        self._hash_content = hash_content
        self._started = time.perf_counter()
        self._changed: set[str] = set()
        self.plan = IngestPlan()
        self.summary = IngestSummary()

    async def scan(self) -> IngestPlan:
        """Compare the files with what is stored; only files that are stored are read."""
        with _timed(self.summary.seconds, "scan"):
            self.plan = await asyncio.to_thread(
                make_plan,
                self._source,
                self._draft.hashes(),
                self._refused,
                self._settings.limits,
                self._hash_content,
            )
        self._changed = {file.name for file in self.plan.changed}
        return self.plan

    async def finish(
        self, stages: Stages, on_progress: Callable[[IngestProgress], None] | None = None
    ) -> IngestSummary:
        """Make, write and publish what the plan says. Errors: what stages and store raise."""
        plan, summary = self.plan, self.summary
        summary.rejects = list(plan.rejects)
        files = plan.to_make
        kept = {*plan.unchanged, *plan.unavailable}
        num_done = 0
        async with aclosing(_in_thread(stages.run(files) if files else iter(()))) as batches:
            async for batch in batches:
                kept |= await self._write(batch)
                num_done += len(batch)
                if on_progress:
                    on_progress(IngestProgress(num_done, len(files), batch[-1].name))
        stored = self._draft.hashes().keys()
        with _timed(summary.seconds, "store"):
            await self._draft.publish(kept)
        summary.num_seen = len(files) + len(plan.unchanged) + len(plan.rejects)
        summary.num_unchanged = len(plan.unchanged)
        summary.num_deleted = len(stored - kept)
        summary.rejects.sort(key=lambda reject: reject.document)
        summary.total_seconds = time.perf_counter() - self._started
        return summary

    async def _write(self, batch: Sequence[PreparedDocument]) -> set[str]:
        """Write a batch of documents; the names of those that are stored afterwards."""
        summary = self.summary
        changed = self._changed
        written = [document for document in batch if document.reject is None]
        kept = {document.name for document in written}
        for document in batch:
            for stage in ("read", "chunk", "embed"):
                _add(summary.seconds, stage, getattr(document.seconds, stage))
            if document.reject is not None:
                summary.rejects.append(document.reject)
                if document.reject.code is RejectCode.UNAVAILABLE:
                    kept |= {document.name} & changed
            elif document.flags:
                summary.flags[document.name] = document.flags
        chunks = [chunk for document in written for chunk in document.chunks]
        vectors = [document.vectors for document in written if document.vectors is not None]
        if chunks:
            with _timed(summary.seconds, "store"):
                hashes = {document.name: document.content_hash for document in written}
                await self._draft.write(chunks, np.concatenate(vectors), hashes)
        summary.num_chunks += len(chunks)
        summary.num_changed += sum(document.name in changed for document in written)
        summary.num_added += sum(document.name not in changed for document in written)
        return kept


async def _in_thread(
    batches: Iterator[list[PreparedDocument]],
) -> AsyncGenerator[list[PreparedDocument]]:
    """The batches, the next one in the making while one is written.

    All in one and the same thread: torch keeps helpers for every thread that calls it.
    """
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "ingest") as thread:
        making = loop.run_in_executor(thread, next, batches, None)
        try:
            while (batch := await making) is not None:
                making = loop.run_in_executor(thread, next, batches, None)
                yield batch
        finally:
            # The stages end too where the run breaks off.
            await asyncio.gather(making, return_exceptions=True)
            if isinstance(batches, Generator):
                await loop.run_in_executor(thread, batches.close)


@contextmanager
def _timed(seconds: StageSeconds, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        _add(seconds, stage, time.perf_counter() - started)


def _add(seconds: StageSeconds, stage: str, more: float) -> None:
    setattr(seconds, stage, getattr(seconds, stage) + more)
