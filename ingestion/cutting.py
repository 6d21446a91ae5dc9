"""One file to chunks: parsed, screened and cut. What a parser process does with each file."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from config.ingestion import IngestionSettings
from followup.passage import Chunk
from ingestion.chunking import chunk_document
from ingestion.document import Document, Flag
from ingestion.rejects import Reject

ParseDocument = Callable[[str, bytes], Document | Reject]
"""Name and bytes of a file to its document, or to why there is none; raises nothing."""


class Tokenizer(Protocol):
    """What cutting needs of the embedding model."""

    @property
    def max_tokens(self) -> int:
        """Longest text that is embedded whole, special tokens included."""

    @property
    def counts_add_up(self) -> bool:
        """Whether a text has as many tokens as its parts between spaces have together."""

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A file's chunks, what was suspicious in it, and how long reading and cutting took."""

    chunks: list[Chunk]
    flags: tuple[Flag, ...]
    read_seconds: float
    chunk_seconds: float


CutFile = Callable[[str, bytes], CutDocument | Reject]
"""Name and bytes of a file to its chunks, or to why there are none; raises nothing of the file's
making."""


class Cutter:
    """Cuts files in the process that calls it."""

    def __init__(
        self, parse: ParseDocument, tokenizer: Tokenizer, settings: IngestionSettings
    ) -> None:
        self._parse = parse
        self._tokenizer = tokenizer
        self._settings = settings

    def cut(self, name: str, content: bytes) -> CutDocument | Reject:
        """See `CutFile`. Raises what the tokenizer raises."""
        started = time.perf_counter()
        parsed = self._parse(name, content)
        if isinstance(parsed, Reject):
            return parsed
        read = time.perf_counter()
        chunks = chunk_document(
            parsed,
            self._tokenizer.count_tokens_batch,
            self._tokenizer.max_tokens,
            overlap_tokens=self._settings.chunk_overlap_tokens,
            counts_add_up=self._tokenizer.counts_add_up,
        )
        return CutDocument(chunks, parsed.flags, read - started, time.perf_counter() - read)
