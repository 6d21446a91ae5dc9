"""The stages of an ingestion as plain classes: files to chunks, chunks to vectors.

A local run calls them from two threads, a run on Ray holds each in actors; see `local_stages` and
`ray_stages`. What they pass on are whole documents, so nothing downstream has to put one together.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from config.ingestion import IngestionLimits, IngestionSettings
from followup.backends.terms import TERMS_VERSION
from followup.passage import Chunk
from ingestion.chunking import CHUNKER_VERSION, contextual_text
from ingestion.cutting import CutFile
from ingestion.document import Flag
from ingestion.readers import READER_VERSION
from ingestion.rejects import Reject, RejectedFileError
from ingestion.sources import DocumentSource, SourceFile

FIRST_BATCH_CHUNKS = 32


class TextEmbedder(Protocol):
    """What embedding needs of the embedding model."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, shape (len(texts), dimension). Blocks."""


@dataclass(slots=True)
class StageSeconds:
    """Working time of each stage, added up over all who work in it."""

    scan: float = 0.0
    read: float = 0.0
    """Reading and parsing."""
    chunk: float = 0.0
    embed: float = 0.0
    store: float = 0.0


@dataclass(slots=True)
class PreparedDocument:
    """A document on its way to the store, or why there is none.

    `vectors` is float32, shape (len(chunks), dimension), once it is embedded.
    """

    name: str
    content_hash: str = ""
    chunks: list[Chunk] = field(default_factory=list)
    vectors: NDArray[np.float32] | None = None
    flags: tuple[Flag, ...] = ()
    reject: Reject | None = None
    seconds: StageSeconds = field(default_factory=StageSeconds)


def content_hasher(fingerprint: str, settings: IngestionSettings) -> Callable[[bytes], str]:
    """A hash that changes with a file's bytes, and with anything that makes other chunks, terms or
    vectors of them. `fingerprint` is the embedding model's."""
    made_by = (
        f"{READER_VERSION}:{CHUNKER_VERSION}:{TERMS_VERSION}:{fingerprint}:"
        f"{settings.model_dump_json()}\0"
    ).encode()
    return lambda content: hashlib.sha256(made_by + content).hexdigest()


class ChunkStage:
    """Reads, parses, screens and cuts files."""

    def __init__(
        self,
        source: DocumentSource,
        cut: CutFile,
        limits: IngestionLimits,
        hash_content: Callable[[bytes], str],
    ) -> None:
        self._source = source
        self._cut = cut
        self._limits = limits
        self._hash_content = hash_content

    def take(self, file: SourceFile) -> PreparedDocument:
        """The file's chunks or its reject; raises nothing of the file's making."""
        prepared = PreparedDocument(file.name)
        started = time.perf_counter()
        try:
            content = self._source.read(file, self._limits)
        except RejectedFileError as error:
            prepared.reject = Reject(file.name, str(error), error.code)
            return prepared
        prepared.content_hash = self._hash_content(content)
        prepared.seconds.read = time.perf_counter() - started
        cut = self._cut(file.name, content)
        if isinstance(cut, Reject):
            prepared.reject = replace(cut, content_hash=prepared.content_hash)
            return prepared
        prepared.chunks = cut.chunks
        prepared.flags = cut.flags
        prepared.seconds.read += cut.read_seconds
        prepared.seconds.chunk = cut.chunk_seconds
        return prepared


def embed_documents(documents: Sequence[PreparedDocument], embedder: TextEmbedder) -> None:
    """Give each document its vectors, all in one call: texts of one length are batched together."""
    started = time.perf_counter()
    texts = [contextual_text(chunk) for document in documents for chunk in document.chunks]
    if not texts:
        return
    vectors = embedder.embed(texts)
    start = 0
    for document in documents:
        end = start + len(document.chunks)
        document.vectors = vectors[start:end]
        start = end
    documents[0].seconds.embed += time.perf_counter() - started


def batched(
    documents: Iterator[PreparedDocument], max_chunks: int
) -> Iterator[list[PreparedDocument]]:
    """Documents in their order, in batches that end once they hold `max_chunks`.

    The first ones are smaller, so that the embedder need not wait long for its first text.
    """
    batch: list[PreparedDocument] = []
    num_chunks = 0
    enough = min(FIRST_BATCH_CHUNKS, max_chunks)
    for document in documents:
        batch.append(document)
        num_chunks += max(1, len(document.chunks))
        if num_chunks >= enough:
            yield batch
            batch, num_chunks = [], 0
            enough = min(2 * enough, max_chunks)
    if batch:
        yield batch
