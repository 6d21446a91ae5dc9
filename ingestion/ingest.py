"""Brings a tenant's part of the vector store in line with a folder of documents.

What is in the store afterwards depends on the folder alone, not on what was there before: documents
that changed are replaced, and those that left the folder or can no longer be read are deleted. A
document whose bytes, reader, chunker and embedder are the same as last time costs no embedding.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.ingestion import IngestionSettings
from followup.passage import Chunk
from ingestion.chunking import CHUNKER_VERSION, chunk_document, contextual_text
from ingestion.document import Document, Flag
from ingestion.readers import READER_VERSION, parse_document
from ingestion.rejects import Reject, RejectedFileError
from ingestion.sources import DocumentSource, SourceFile

CHUNKS_PER_WRITE = 256

ParseDocument = Callable[[str, bytes], Document | Reject]
"""Name and bytes of a file to its document, or to why there is none; raises nothing."""


class IngestEmbedder(Protocol):
    """What ingestion needs of the embedder."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest text that is embedded whole, special tokens included."""

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension). Blocks; called in a thread."""


class IngestStore(Protocol):
    """What ingestion needs of the vector store."""

    async def ensure_collection(self) -> None:
        """Create what is missing."""

    async def document_hashes(self, tenant: str) -> dict[str, str]:
        """Content hash by name of every document that was written completely."""

    async def upsert(
        self,
        tenant: str,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        """Replace whole documents: `chunks` holds every chunk of each document it mentions."""

    async def delete_documents(self, tenant: str, documents: Iterable[str]) -> None:
        """Delete the chunks of these documents."""

    async def flush(self) -> None:
        """Seal what was written."""


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """Said after each document has been looked at."""

    num_done: int
    num_total: int
    document: str


@dataclass(slots=True)
class StageSeconds:
    """Wall time of each stage of a run."""

    scan: float = 0.0
    read: float = 0.0
    chunk: float = 0.0
    embed: float = 0.0
    store: float = 0.0


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
    """Make the tenant's documents in the store those of `root`; hidden files are left out.

    `root` is a folder, a file, a glob or a URI; see DocumentSource. `parse` is how files are
    parsed: in this process where none is given, with ParserProcess.parse out of harm's way. A
    document that cannot be read becomes a reject and never stops the run. Errors:
    InvalidInputError where `root` is not there, and what embedder and store raise.
    """
    settings = settings or IngestionSettings()
    source = await asyncio.to_thread(DocumentSource.open, str(root))
    run = _Run(source, tenant, embedder, vector_store, settings, parse)
    await vector_store.ensure_collection()
    stored = await vector_store.document_hashes(tenant)
    files = await asyncio.to_thread(source.list_files)
    run.summary.num_seen = len(files)
    for num_done, file in enumerate(files, start=1):
        await run.take(file, stored.get(file.name))
        if on_progress:
            on_progress(IngestProgress(num_done, len(files), file.name))
    await run.write()
    await run.delete([name for name in stored if name not in run.kept])
    return run.summary


class _Run:
    """One run over a source: takes documents one by one, writes them in batches."""

    def __init__(
        self,
        source: DocumentSource,
        tenant: str,
        embedder: IngestEmbedder,
        vector_store: IngestStore,
        settings: IngestionSettings,
        parse: ParseDocument | None,
    ) -> None:
        self._source = source
        self._settings = settings
        self._parse = parse or partial(parse_document, settings=settings)
        self._tenant = tenant
        self._embedder = embedder
        self._store = vector_store
        self._chunks: list[Chunk] = []
        self._hashes: dict[str, str] = {}
        self._wrote = False
        self.kept: set[str] = set()
        self.summary = IngestSummary()

    async def take(self, file: SourceFile, stored_hash: str | None) -> None:
        """Read and chunk a document unless it is stored as it is; write when a batch is full."""
        summary, seconds = self.summary, self.summary.seconds
        try:
            with _timed(seconds, "scan"):
                content = await asyncio.to_thread(self._source.read, file, self._settings.limits)
        except RejectedFileError as error:
            summary.rejects.append(Reject(file.name, str(error), error.code))
            return
        content_hash = self._hash(content)
        if content_hash == stored_hash:
            summary.num_unchanged += 1
            self.kept.add(file.name)
            return
        with _timed(seconds, "read"):
            parsed = await asyncio.to_thread(self._parse, file.name, content)
        if isinstance(parsed, Reject):
            summary.rejects.append(parsed)
            return
        with _timed(seconds, "chunk"):
            self._chunks.extend(await asyncio.to_thread(self._chunk, parsed))
        if parsed.flags:
            summary.flags[file.name] = parsed.flags
        self._hashes[file.name] = content_hash
        self.kept.add(file.name)
        summary.num_added += stored_hash is None
        summary.num_changed += stored_hash is not None
        if len(self._chunks) >= CHUNKS_PER_WRITE:
            await self.write()

    def _chunk(self, document: Document) -> list[Chunk]:
        return chunk_document(
            document,
            self._embedder.count_tokens_batch,
            self._embedder.max_tokens,
            overlap_tokens=self._settings.chunk_overlap_tokens,
        )

    async def write(self) -> None:
        """Embed and store the batch. A batch holds whole documents, as the store wants them."""
        if not self._chunks:
            return
        with _timed(self.summary.seconds, "embed"):
            texts = [contextual_text(chunk) for chunk in self._chunks]
            vectors = await asyncio.to_thread(self._embedder.embed, texts)
        with _timed(self.summary.seconds, "store"):
            await self._store.upsert(self._tenant, self._chunks, vectors, self._hashes)
        self.summary.num_chunks += len(self._chunks)
        self._chunks, self._hashes, self._wrote = [], {}, True

    async def delete(self, names: list[str]) -> None:
        """Delete the documents that are gone, and finish the run."""
        with _timed(self.summary.seconds, "store"):
            if names:
                await self._store.delete_documents(self._tenant, names)
            if names or self._wrote:
                await self._store.flush()
        self.summary.num_deleted = len(names)

    def _hash(self, content: bytes) -> str:
        """Changes with the bytes, and with anything that makes other chunks or vectors of them."""
        made_by = (
            f"{READER_VERSION}:{CHUNKER_VERSION}:{self._embedder.fingerprint}:"
            f"{self._settings.model_dump_json()}\0"
        )
        return hashlib.sha256(made_by.encode() + content).hexdigest()


@contextmanager
def _timed(seconds: StageSeconds, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(seconds, stage, getattr(seconds, stage) + time.perf_counter() - started)
