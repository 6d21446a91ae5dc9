"""Cuts a document into chunks along its own structure, sized in the embedder's tokens."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from config.ingestion import FlagKind
from followup.passage import Chunk
from ingestion.document import Document, Section, Table, TextKind

CHUNKER_VERSION = 2
"""Part of every document's fingerprint: raise it when the same document gives other chunks."""

MIN_CHUNK_TOKENS = 16
# A tokenizer may take a very long word, such as encoded data, for one unknown token. No language
# has words that long in one token, so this bounds a chunk's size and changes no ordinary text.
MAX_CHARACTERS_PER_TOKEN = 16
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_SECTION_SEPARATOR = " > "
_CELL_SEPARATOR = "; "
_SENTENCE, _WORD, _LINE_END = "sentence", " ", "\n"

CountTokens = Callable[[Sequence[str]], list[int]]
"""Tokens of each text as the embedder counts them, its special tokens included."""


def chunk_document(
    document: Document,
    count_tokens: CountTokens,
    max_tokens: int,
    *,
    overlap_tokens: int = 0,
    counts_add_up: bool = False,
) -> list[Chunk]:
    """Chunks of a document in reading order; `contextual_text` of each fits in `max_tokens`.

    A chunk never spans two sections. Inside a section whole paragraphs, list items, code blocks and
    table rows are packed greedily; a line that leads in a list or a table stays with what follows.
    What does not fit in a chunk of its own is split: a paragraph between sentences, code between
    lines, a row between cells, then between words, and a word between characters. A table row is
    written out with its header. A chunk repeats up to `overlap_tokens` of the end of the one before
    it in its section, in whole sentences, lines or rows.

    Every text is counted once, in few calls. `counts_add_up`: a text has as many tokens as its
    parts between spaces have together, so that a chunk need not be counted too. Raises ValueError
    for too small a `max_tokens`.
    """
    if max_tokens < MIN_CHUNK_TOKENS:
        message = f"max_tokens is {max_tokens}; it must be at least {MIN_CHUNK_TOKENS}"
        raise ValueError(message)
    measure = _Measure(count_tokens)
    packers = [
        _SectionPacker(section, header, measure, max_tokens, overlap_tokens)
        for section, header in zip(
            document.sections, _fit_headers(document, measure, max_tokens // 2), strict=True
        )
    ]
    measure.count(
        [part for packer in packers for line in packer.lines for part in packer.first_parts(line)]
    )
    _pack_all(packers, measure, max_tokens, counts_add_up=counts_add_up)
    chunks: list[Chunk] = []
    for packer in packers:
        for packed in packer.packed:
            chunks.append(_chunk(document, packer.header, packed, len(chunks)))
    return chunks


def contextual_text(chunk: Chunk) -> str:
    """What is embedded and indexed for a chunk: its title and section, then its text."""
    return f"{_Header(chunk.title, chunk.section).text}\n{chunk.text}"


@dataclass(frozen=True, slots=True)
class _Header:
    title: str
    section: str

    @property
    def text(self) -> str:
        return f"{self.title}{_SECTION_SEPARATOR}{self.section}" if self.section else self.title


@dataclass(frozen=True, slots=True)
class _Line:
    """A paragraph, a list item, a code block or a table row. `separators` say where it may be cut:
    the first that occurs in it is used, and stands between its parts again where they meet."""

    text: str
    page: int
    flags: tuple[FlagKind, ...]
    separators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that stays whole. `joiner` stands between it and the piece before it."""

    text: str
    page: int
    num_tokens: int
    joiner: str
    flags: tuple[FlagKind, ...]

    @property
    def leads_in(self) -> bool:
        """Whether the text belongs to what follows, as 'The plans are:' does."""
        return self.text.endswith(":")


class _Measure:
    """Counts tokens without the embedder's special tokens; each text once."""

    def __init__(self, count_tokens: CountTokens) -> None:
        self._count_tokens = count_tokens
        self._known: dict[str, int] = {}
        self.special_tokens = count_tokens([""])[0]

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, in one call for those that are new."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            for text, counted in zip(new, self._count_tokens(new), strict=True):
                least = ceil(len(text) / MAX_CHARACTERS_PER_TOKEN)
                self._known[text] = max(counted - self.special_tokens, least)
        return [self._known[text] for text in texts]

    def tokens(self, text: str) -> int:
        return self.count([text])[0]


def _fit_headers(document: Document, measure: _Measure, max_tokens: int) -> list[_Header]:
    """Title and section path of each section, cut so that they take at most `max_tokens`.

    The inner headings say most about the text, so the outer ones go first, then the title's end.
    """
    paths = [section.heading_path for section in document.sections]
    full = [_Header(document.title, _SECTION_SEPARATOR.join(path)) for path in paths]
    counts = measure.count([header.text for header in full])
    return [
        header if count <= max_tokens else _cut_header(header.title, path, measure, max_tokens)
        for header, path, count in zip(full, paths, counts, strict=True)
    ]


def _cut_header(title: str, path: tuple[str, ...], measure: _Measure, max_tokens: int) -> _Header:
    header = _Header(title, _SECTION_SEPARATOR.join(path))
    while path and measure.tokens(header.text) > max_tokens:
        path = path[1:]
        header = _Header(title, _SECTION_SEPARATOR.join(path))
    while len(title) > 1 and measure.tokens(header.text) > max_tokens:
        title = title[: len(title) // 2].rstrip()
        header = _Header(title, header.section)
    return header


def _pack_all(
    packers: Sequence["_SectionPacker"], measure: _Measure, max_tokens: int, *, counts_add_up: bool
) -> None:
    """Pack every section, again with a smaller budget where a chunk came out too long.

    Parts are counted and added up; what joins them may be a token more, and some tokenizers need
    more tokens for the whole than for its parts.
    """
    for packer in packers:
        packer.pack()
    waiting = [packer for packer in packers if not (counts_add_up and packer.joins_with_spaces)]
    while waiting:
        texts = [packer.contextual_texts() for packer in waiting]
        measure.count([text for group in texts for text in group])
        again = []
        for packer, group in zip(waiting, texts, strict=True):
            longest = max(measure.count(group), default=0) + measure.special_tokens
            if longest > max_tokens and packer.shrink(longest - max_tokens):
                packer.pack()
                again.append(packer)
        waiting = again


class _SectionPacker:
    """Packs the lines of one section into chunks of a token budget."""

    def __init__(
        self,
        section: Section,
        header: _Header,
        measure: _Measure,
        max_tokens: int,
        overlap_tokens: int,
    ) -> None:
        self.header = header
        self.lines = tuple(_lines(section))
        self.packed: list[list[_Piece]] = []
        self._measure = measure
        self._budget = max_tokens - measure.special_tokens - measure.tokens(header.text)
        self._overlap = min(overlap_tokens, self._budget // 2)

    def pack(self) -> None:
        """Put the lines into chunks, in `packed`."""
        self.packed = list(self._pack())

    @property
    def joins_with_spaces(self) -> bool:
        """Whether nothing but a space or a line break stands between the pieces of its chunks."""
        return all(piece.joiner.isspace() for pieces in self.packed for piece in pieces[1:])

    def contextual_texts(self) -> list[str]:
        """What would be embedded."""
        return [f"{self.header.text}\n{_joined(pieces)}" for pieces in self.packed]

    def shrink(self, num_tokens: int) -> bool:
        """Take tokens from the budget; False where nothing is left to take."""
        before, self._budget = self._budget, max(1, self._budget - num_tokens)
        return self._budget < before

    def _pack(self) -> Iterator[list[_Piece]]:
        pieces: list[_Piece] = []
        num_tokens = 0
        for piece in self._pieces():
            if pieces and num_tokens + piece.num_tokens > self._budget:
                carried = self._carried(pieces, piece)
                leads = [last for last in pieces[-1:] if last.leads_in and last in carried]
                kept = pieces[: len(pieces) - len(leads)]
                if kept:
                    yield kept
                pieces = carried
                num_tokens = sum(part.num_tokens for part in pieces)
            pieces.append(piece)
            num_tokens += piece.num_tokens
        if pieces:
            yield pieces

    def _carried(self, pieces: list[_Piece], following: _Piece) -> list[_Piece]:
        """The end of a chunk that the next one begins with."""
        room = self._budget - following.num_tokens
        if pieces[-1].leads_in and len(pieces) > 1 and pieces[-1].num_tokens <= room:
            return [pieces[-1]]
        carried: list[_Piece] = []
        room = min(room, self._overlap)
        for piece in reversed(pieces[1:]):
            if piece.num_tokens > room:
                break
            carried.insert(0, piece)
            room -= piece.num_tokens
        return carried

    def _pieces(self) -> Iterator[_Piece]:
        for line in self.lines:
            joiner = "\n"
            for text, num_tokens, separator in self._parts(line.text, line.separators):
                yield _Piece(text, line.page, num_tokens, joiner, line.flags)
                joiner = separator

    def first_parts(self, line: _Line) -> list[str]:
        """What of a line is counted first: the whole of it, or its sentences."""
        is_cut = self._is_always_cut(line.text, line.separators)
        return _split(line.text, line.separators)[0] if is_cut else [line.text]

    def _is_always_cut(self, text: str, separators: tuple[str, ...]) -> bool:
        is_paragraph = separators[:1] == (_SENTENCE,)
        return bool(self._overlap and is_paragraph and _SENTENCE_END.search(text))

    def _parts(self, text: str, separators: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
        """The text, or the largest parts of it that fit, with their tokens and what follows them.

        Where chunks overlap, a paragraph is always taken in sentences, so that one can be repeated.
        """
        if self._is_always_cut(text, separators):
            parts, joiner, rest = _split(text, separators)
        else:
            num_tokens = self._measure.tokens(text)
            if num_tokens <= self._budget or len(text) == 1:
                yield text, num_tokens, ""
                return
            parts, joiner, rest = _split(text, separators)
        self._measure.count(parts)
        for part in parts:
            *inner, last = self._parts(part, rest)
            yield from inner
            yield last[0], last[1], joiner


def _lines(section: Section) -> Iterator[_Line]:
    for block in section.blocks:
        if isinstance(block, Table):
            separators = (_CELL_SEPARATOR, _SENTENCE, _WORD)
            for row in block.rows:
                yield _Line(block.row_text(row), block.page, block.flags, separators)
        elif block.kind is TextKind.CODE:
            yield _Line(block.text, block.page, block.flags, (_LINE_END, _WORD))
        else:
            yield _Line(block.text, block.page, block.flags, (_SENTENCE, _WORD))


def _split(text: str, separators: tuple[str, ...]) -> tuple[list[str], str, tuple[str, ...]]:
    """Parts of a text, what joins them again, and the separators left for each part."""
    for number, separator in enumerate(separators):
        if separator == _SENTENCE:
            parts, joiner = _SENTENCE_END.split(text), " "
        else:
            parts, joiner = [part for part in text.split(separator) if part.strip()], separator
        if len(parts) > 1:
            return parts, joiner, separators[number + 1 :]
    middle = len(text) // 2
    return [text[:middle], text[middle:]], "", ()


def _joined(pieces: Sequence[_Piece]) -> str:
    text = pieces[0].text
    for piece in pieces[1:]:
        text += piece.joiner + piece.text
    return text


def _chunk(document: Document, header: _Header, pieces: list[_Piece], position: int) -> Chunk:
    text = _joined(pieces)
    identity = "\0".join((document.path, str(position), header.title, header.section, text))
    return Chunk(
        chunk_id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        document=document.path,
        title=header.title,
        section=header.section,
        source_type=document.source_type,
        page=pieces[0].page,
        position=position,
        text=text,
        flags=",".join(sorted({flag.value for piece in pieces for flag in piece.flags})),
    )
