"""The real documents of a knowledge base as chunks, and the passages that go with a message."""

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from config.ingestion import IngestionSettings
from followup.passage import Chunk, Passage
from ingestion.chunking import CountTokens, chunk_document
from ingestion.document import Document
from ingestion.readers import parse_document

NUM_PASSAGES = 5
MAX_CHUNK_TOKENS = 256
_POOL = 12
"""Best-ranked chunks among which the distractors are drawn."""


def read_chunks(folder: Path, count_tokens: CountTokens) -> tuple[Chunk, ...]:
    """Every chunk of every readable document, by ingestion's own reader and chunker."""
    settings = IngestionSettings()
    chunks: list[Chunk] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        document = parse_document(name, path.read_bytes(), settings)
        if isinstance(document, Document):  # not a licence or an image between the documents
            chunks += chunk_document(document, count_tokens, MAX_CHUNK_TOKENS)
    return tuple(chunks)


class Ranking:
    """Chunks by shared words weighted by rarity: what a retriever would return for a message."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks
        self._words = [frozenset(_words(f"{c.title} {c.section} {c.text}")) for c in chunks]
        self._frequency = Counter(word for words in self._words for word in words)

    def distractors(
        self, text: str, taken: Sequence[Chunk], num: int, draw: random.Random
    ) -> list[Chunk]:
        """`num` chunks drawn from the best-ranked ones that are not in `taken`."""
        query = set(_words(text))
        used = {chunk.chunk_id for chunk in taken}
        # fsum is exact: the order of a set's words, another in each process, changes no ranking.
        scores = [
            math.fsum(
                math.log(1 + len(self._chunks) / self._frequency[word]) for word in query & words
            )
            for words in self._words
        ]
        order = sorted(range(len(scores)), key=lambda index: -scores[index])
        pool = [self._chunks[index] for index in order if self._chunks[index].chunk_id not in used]
        return draw.sample(pool[:_POOL], num)


def as_passages(chunks: Sequence[Chunk], draw: random.Random) -> tuple[Passage, ...]:
    """The chunks in random order, scored as a retriever might."""
    mixed = draw.sample(list(chunks), len(chunks))
    return tuple(
        Passage(chunk=chunk, score=round(0.95 - 0.05 * rank, 2)) for rank, chunk in enumerate(mixed)
    )


def passage_text(passages: Sequence[Passage]) -> str:
    """All that the passages say, titles and sections included."""
    return "\n".join(
        f"{item.chunk.title}\n{item.chunk.section}\n{item.chunk.text}" for item in passages
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
