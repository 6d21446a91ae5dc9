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
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from followup.errors import InvalidInputError
from followup.passage import Chunk
from ingestion.chunking import CHUNKER_VERSION, chunk_document, contextual_text
from ingestion.errors import UnreadableDocumentError
from ingestion.readers import READER_VERSION, document_name, read_document

CHUNKS_PER_WRITE = 256


class IngestEmbedder(Protocol):
    """What ingestion needs of the embedder."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest text that is embedded whole, special tokens included."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, special tokens included."""

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


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that could not be read."""

    document: str
    reason: str


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
    seconds: StageSeconds = field(default_factory=StageSeconds)


async def ingest_folder(
    root: Path,
    tenant: str,
    embedder: IngestEmbedder,
    vector_store: IngestStore,
    *,
    on_progress: Callable[[IngestProgress], None] | None = None,
) -> IngestSummary:
    """Make the tenant's documents in the store those under `root`; hidden files are left out.

    A document that cannot be read becomes a reject and never stops the run. Errors:
    InvalidInputError where `root` is no folder, and what embedder and store raise.
    """
    if not await asyncio.to_thread(root.is_dir):
        message = f"'{root}' is not a folder. Name the folder that holds the documents."
        raise InvalidInputError(message, field="root")
    run = _Run(root, tenant, embedder, vector_store)
    await vector_store.ensure_collection()
    stored = await vector_store.document_hashes(tenant)
    paths = await asyncio.to_thread(_list_files, root)
    run.summary.num_seen = len(paths)
    for num_done, path in enumerate(paths, start=1):
        name = document_name(path, root)
        await run.take(path, name, stored.get(name))
        if on_progress:
            on_progress(IngestProgress(num_done, len(paths), name))
    await run.write()
    await run.delete([name for name in stored if name not in run.kept])
    return run.summary


class _Run:
    """One run over a folder: takes documents one by one, writes them in batches."""

    def __init__(
        self, root: Path, tenant: str, embedder: IngestEmbedder, vector_store: IngestStore
    ) -> None:
        self._root = root
        self._tenant = tenant
        self._embedder = embedder
        self._store = vector_store
        self._chunks: list[Chunk] = []
        self._hashes: dict[str, str] = {}
        self._wrote = False
        self.kept: set[str] = set()
        self.summary = IngestSummary()

    async def take(self, path: Path, name: str, stored_hash: str | None) -> None:
        """Read and chunk a document unless it is stored as it is; write when a batch is full."""
        summary, seconds = self.summary, self.summary.seconds
        try:
            # Hashed before it is read: a file that changes in between is taken again next time.
            with _timed(seconds, "scan"):
                content_hash = await asyncio.to_thread(self._hash, path, name)
            if content_hash == stored_hash:
                summary.num_unchanged += 1
                self.kept.add(name)
                return
            with _timed(seconds, "read"):
                document = await asyncio.to_thread(read_document, path, self._root)
        except UnreadableDocumentError as error:
            summary.rejects.append(Reject(error.document, error.reason))
            return
        with _timed(seconds, "chunk"):
            chunks = await asyncio.to_thread(
                chunk_document, document, self._embedder.count_tokens, self._embedder.max_tokens
            )
        self._chunks.extend(chunks)
        self._hashes[name] = content_hash
        self.kept.add(name)
        summary.num_added += stored_hash is None
        summary.num_changed += stored_hash is not None
        if len(self._chunks) >= CHUNKS_PER_WRITE:
            await self.write()

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

    def _hash(self, path: Path, name: str) -> str:
        made_by = f"{READER_VERSION}:{CHUNKER_VERSION}:{self._embedder.fingerprint}\0"
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(
                    file, lambda: hashlib.sha256(made_by.encode())
                ).hexdigest()
        except OSError as error:
            raise UnreadableDocumentError(name, f"it cannot be opened ({error})") from error


def _list_files(root: Path) -> list[Path]:
    """Files under the root in a fixed order. Links are listed too, so that none is lost unsaid."""
    return sorted(
        path
        for path in root.rglob("*")
        if (path.is_file() or path.is_symlink())
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


@contextmanager
def _timed(seconds: StageSeconds, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        setattr(seconds, stage, getattr(seconds, stage) + time.perf_counter() - started)
