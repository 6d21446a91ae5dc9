"""Runs the stages in this process: files are cut in one thread while another one embeds."""

import queue
import threading
from collections.abc import Iterator, Sequence

from ingestion.sources import SourceFile
from ingestion.stages import (
    ChunkStage,
    PreparedDocument,
    TextEmbedder,
    batched,
    embed_documents,
)

CHUNKS_PER_BATCH = 256
MAX_WAITING_BATCHES = 2
"""Bounds the memory: cutting waits while so many batches wait for the embedder."""
_POLL_SECONDS = 0.1


class LocalStages:
    """Makes documents of files, in memory that does not grow with their number."""

    def __init__(self, chunker: ChunkStage, embedder: TextEmbedder) -> None:
        self._chunker = chunker
        self._embedder = embedder

    def run(self, files: Sequence[SourceFile]) -> Iterator[list[PreparedDocument]]:
        """Embedded documents and rejects, in the order of `files`. Raises what a stage raises."""
        waiting: queue.Queue[list[PreparedDocument] | BaseException | None] = queue.Queue(
            MAX_WAITING_BATCHES
        )
        left = threading.Event()
        worker = threading.Thread(
            target=self._cut, args=(files, waiting, left), name="chunks", daemon=True
        )
        worker.start()
        try:
            while (batch := waiting.get()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                embed_documents(batch, self._embedder)
                yield batch
        finally:
            left.set()

    def _cut(
        self,
        files: Sequence[SourceFile],
        waiting: "queue.Queue[list[PreparedDocument] | BaseException | None]",
        left: threading.Event,
    ) -> None:
        try:
            for batch in batched(map(self._chunker.take, files), CHUNKS_PER_BATCH):
                if not _put(waiting, batch, left):
                    return
        except Exception as error:  # noqa: BLE001 - raised again by who waits for the batch
            _put(waiting, error, left)
        else:
            _put(waiting, None, left)


def _put(
    waiting: "queue.Queue[list[PreparedDocument] | BaseException | None]",
    item: list[PreparedDocument] | BaseException | None,
    left: threading.Event,
) -> bool:
    """Hand over; False when nobody waits any more."""
    while not left.is_set():
        try:
            waiting.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
