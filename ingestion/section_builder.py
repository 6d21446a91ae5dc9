"""Collects what a parser finds, in reading order, into sections."""

from collections.abc import Sequence

from config.ingestion import FlagKind
from ingestion.document import Block, Paragraph, Section, Table, TextKind
from ingestion.invisible import has_invisible_characters, tag_text
from ingestion.normalisation import clean_code, clean_text

MAX_HEADING_CHARACTERS = 120


class SectionBuilder:
    """Collects headings, paragraphs and tables in reading order into sections.

    Empty text is dropped, and so is a section without blocks: its heading lives on in the paths of
    the headings below it.
    """

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._hidden: list[str] = []
        self.first_heading = ""

    @property
    def hidden(self) -> tuple[str, ...]:
        """The texts that a reader cannot see, in order."""
        return tuple(self._hidden)

    def add_heading(self, level: int, text: str) -> None:
        """Start a section; level 1 is the outermost. It closes headings of its level and below."""
        heading = clean_text(text)[:MAX_HEADING_CHARACTERS]
        if not heading:
            return
        self._close_section()
        self.first_heading = self.first_heading or heading
        self._headings = [pair for pair in self._headings if pair[0] < level]
        self._headings.append((level, heading))

    def add_paragraph(self, text: str, page: int = 0, kind: TextKind = TextKind.PARAGRAPH) -> None:
        """Add text; the lines of code are kept, others are joined."""
        cleaned = clean_code(text) if kind is TextKind.CODE else clean_text(text)
        if cleaned.strip():
            self._blocks.append(Paragraph(cleaned, page, kind, self._character_flags(text)))

    def add_table(self, rows: Sequence[Sequence[str]], page: int = 0) -> None:
        """Add a table whose first row is its header. One row or one column is running text."""
        cleaned = [tuple(clean_text(cell) for cell in row) for row in rows]
        filled = [row for row in cleaned if any(row)]
        width = max((len(row) for row in filled), default=0)
        if len(filled) < 2 or width == 1:  # noqa: PLR2004
            for row in filled:
                self.add_paragraph(" ".join(cell for cell in row if cell), page)
            return
        if all(row[0].endswith(":") for row in filled):  # labels, not a header
            filled.insert(0, ("",))
        header, *body = (row + ("",) * (width - len(row)) for row in filled)
        flags = self._character_flags(" ".join(cell for row in rows for cell in row))
        self._blocks.append(Table(header, tuple(body), page, flags))

    def add_hidden(self, text: str) -> None:
        """Note text that a reader cannot see; it becomes part of no section."""
        if cleaned := clean_text(text):
            self._hidden.append(cleaned)

    def build(self) -> tuple[Section, ...]:
        """The sections so far."""
        self._close_section()
        return tuple(self._sections)

    def _close_section(self) -> None:
        if self._blocks:
            path = tuple(heading for _, heading in self._headings)
            self._sections.append(Section(path, tuple(self._blocks)))
            self._blocks = []

    def _character_flags(self, text: str) -> tuple[FlagKind, ...]:
        if not has_invisible_characters(text):
            return ()
        self.add_hidden(tag_text(text))
        return (FlagKind.INVISIBLE_CHARACTERS,)
