"""Cuts a document into chunks along its own structure, sized in the embedder's tokens."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

from followup.passage import Chunk
from ingestion.document import Document, Paragraph, Section, Table

CHUNKER_VERSION = 1
"""Part of every document's fingerprint: raise it when the same document gives other chunks."""

MIN_CHUNK_TOKENS = 16
# A tokenizer may take a very long word, such as encoded data, for one unknown token. No language
# has words that long in one token, so this bounds a chunk's size and changes no ordinary text.
MAX_CHARACTERS_PER_TOKEN = 16
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_SECTION_SEPARATOR = " > "

CountTokens = Callable[[str], int]
"""Tokens of a text as the embedder counts them, its special tokens included."""


def chunk_document(document: Document, count_tokens: CountTokens, max_tokens: int) -> list[Chunk]:
    """Chunks of a document in reading order; `contextual_text` of each fits in `max_tokens`.

    A chunk never spans two sections. Inside a section whole paragraphs and table rows are packed
    greedily; a paragraph is split between sentences, a sentence between words and a word between
    characters only where it does not fit in a chunk of its own. A table row is written out with its
    header. Token counts of the parts are added up, which for a WordPiece tokenizer is exact.
    """
    if max_tokens < MIN_CHUNK_TOKENS:
        message = f"max_tokens is {max_tokens}; it must be at least {MIN_CHUNK_TOKENS}"
        raise ValueError(message)
    measure = _Measure(count_tokens)
    chunks: list[Chunk] = []
    for section in document.sections:
        title, heading = _fit_header(document, section, measure, max_tokens // 2)
        header_tokens = measure.tokens(_header(title, heading))
        budget = max_tokens - measure.special_tokens - header_tokens
        for text, page in _pack(_pieces(section, measure, budget), budget):
            chunks.append(_chunk(document, title, heading, page, len(chunks), text))
    return chunks


def contextual_text(chunk: Chunk) -> str:
    """What is embedded and indexed for a chunk: its title and section, then its text."""
    return f"{_header(chunk.title, chunk.section)}\n{chunk.text}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that stays whole. `joiner` stands between it and the piece before it."""

    text: str
    page: int
    num_tokens: int
    joiner: str


class _Measure:
    """Counts the tokens of a text without the embedder's special tokens."""

    def __init__(self, count_tokens: CountTokens) -> None:
        self._count_tokens = count_tokens
        self.special_tokens = count_tokens("")

    def tokens(self, text: str) -> int:
        counted = self._count_tokens(text) - self.special_tokens
        return max(counted, ceil(len(text) / MAX_CHARACTERS_PER_TOKEN))


def _header(title: str, section: str) -> str:
    return f"{title}{_SECTION_SEPARATOR}{section}" if section else title


def _fit_header(
    document: Document, section: Section, measure: _Measure, max_tokens: int
) -> tuple[str, str]:
    """Title and section path, cut so that they take at most `max_tokens`.

    The inner headings say most about the text, so the outer ones go first, then the title's end.
    """
    title, path = document.title, section.heading_path
    while path and measure.tokens(_header(title, _SECTION_SEPARATOR.join(path))) > max_tokens:
        path = path[1:]
    while len(title) > 1 and measure.tokens(title) > max_tokens:
        title = title[: len(title) // 2].rstrip()
    return title, _SECTION_SEPARATOR.join(path)


def _pieces(section: Section, measure: _Measure, budget: int) -> Iterator[_Piece]:
    for block in section.blocks:
        lines = [block.text] if isinstance(block, Paragraph) else _row_texts(block)
        for line in lines:
            joiner = "\n"
            for text, num_tokens in _fitting_parts(line, measure, budget):
                yield _Piece(text, block.page, num_tokens, joiner)
                joiner = " "


def _row_texts(table: Table) -> list[str]:
    """Each row as 'Plan: Growth; Price per month: $299', so that a figure keeps its subject."""
    texts = []
    for row in table.rows:
        named = zip(table.header, row, strict=True)
        cells = [f"{name}: {cell}" if name else cell for name, cell in named if cell]
        texts.append("; ".join(cells))
    return texts


def _fitting_parts(text: str, measure: _Measure, budget: int) -> Iterator[tuple[str, int]]:
    """The text, or the largest of its sentences, words or halves that fit, with their tokens."""
    num_tokens = measure.tokens(text)
    if num_tokens <= budget or len(text) == 1:
        yield text, num_tokens
        return
    parts = _SENTENCE_END.split(text)
    if len(parts) == 1:
        parts = text.split()
    if len(parts) == 1:
        middle = len(text) // 2
        parts = [text[:middle], text[middle:]]
    for part in parts:
        yield from _fitting_parts(part, measure, budget)


def _pack(pieces: Iterator[_Piece], budget: int) -> Iterator[tuple[str, int]]:
    """Texts of at most `budget` tokens with the page on which each begins."""
    text, page, num_tokens = "", 0, 0
    for piece in pieces:
        if text and num_tokens + piece.num_tokens > budget:
            yield text, page
            text, num_tokens = "", 0
        if not text:
            page = piece.page
        text = f"{text}{piece.joiner}{piece.text}" if text else piece.text
        num_tokens += piece.num_tokens
    if text:
        yield text, page


def _chunk(
    document: Document, title: str, heading: str, page: int, position: int, text: str
) -> Chunk:
    identity = "\0".join((document.path, str(position), title, heading, text))
    return Chunk(
        chunk_id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        document=document.path,
        title=title,
        section=heading,
        source_type=document.source_type,
        page=page,
        position=position,
        text=text,
    )
