"""A document as every reader returns it: sections of paragraphs and tables, in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass

from followup.lead import normalise_text

MAX_TITLE_CHARACTERS = 200
MAX_HEADING_CHARACTERS = 120

# PDF fonts draw these pairs as one glyph; as single characters they match no query.
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. `page` is 1-based; 0 where the format has no pages."""

    text: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; every row is as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    page: int = 0


Block = Paragraph | Table


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading. `heading_path` runs from the outermost heading inwards."""

    heading_path: tuple[str, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `path` is relative to its knowledge base, with forward slashes."""

    path: str
    title: str
    source_type: str
    format: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a parser makes of one file. Empty title or source_type: the file names none."""

    sections: tuple[Section, ...]
    title: str = ""
    source_type: str = ""


def clean_text(text: str) -> str:
    """Normalised text on one line: NFC, ligatures spelled out, no invisible characters."""
    return normalise_text(text.translate(_LIGATURES))


class SectionBuilder:
    """Collects headings, paragraphs and tables in reading order into sections.

    Empty text is dropped, and so is a section without blocks: its heading lives on in the paths of
    the headings below it.
    """

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self.first_heading = ""

    def add_heading(self, level: int, text: str) -> None:
        """Start a section; level 1 is the outermost. It closes headings of its level and below."""
        heading = clean_text(text)[:MAX_HEADING_CHARACTERS]
        if not heading:
            return
        self._close_section()
        self.first_heading = self.first_heading or heading
        self._headings = [pair for pair in self._headings if pair[0] < level]
        self._headings.append((level, heading))

    def add_paragraph(self, text: str, page: int = 0) -> None:
        cleaned = clean_text(text)
        if cleaned:
            self._blocks.append(Paragraph(cleaned, page))

    def add_table(self, rows: Sequence[Sequence[str]], page: int = 0) -> None:
        """Add a table whose first row is its header. One row or one column is running text."""
        cleaned = [tuple(clean_text(cell) for cell in row) for row in rows]
        filled = [row for row in cleaned if any(row)]
        width = max((len(row) for row in filled), default=0)
        if len(filled) < 2 or width == 1:  # noqa: PLR2004
            for row in filled:
                self.add_paragraph(" ".join(row), page)
            return
        header, *body = (row + ("",) * (width - len(row)) for row in filled)
        self._blocks.append(Table(header, tuple(body), page))

    def build(self) -> tuple[Section, ...]:
        self._close_section()
        return tuple(self._sections)

    def _close_section(self) -> None:
        if self._blocks:
            path = tuple(heading for _, heading in self._headings)
            self._sections.append(Section(path, tuple(self._blocks)))
            self._blocks = []
