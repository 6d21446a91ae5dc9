"""PDF to sections. A PDF knows neither headings nor tables, so both are inferred from the page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from statistics import median
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFEncryptionError
from pdfminer.psexceptions import PSException
from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

from config.ingestion import IngestionLimits
from ingestion.document import ParsedFile, TextKind
from ingestion.normalisation import clean_text, join_lines
from ingestion.pdf_columns import reading_order
from ingestion.pdf_headings import HeadingLevels
from ingestion.pdf_margins import without_margins
from ingestion.pdf_tables import PdfTable, aligned_table, ruled_tables
from ingestion.pdf_visibility import hidden_characters, is_white_shape
from ingestion.pdf_words import Line, Word, page_words
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.section_builder import SectionBuilder

_BULLET = re.compile(r"^(?:[•●▪◦‣\u2013*-]|\(?\d{1,2}[.)])\s")
# What programs write into the title property when nobody gave a title.
_PLACEHOLDER_TITLE = re.compile(
    r"^(?:untitled|\(?anonymous\)?|unknown|document\d*)\b|^microsoft \w+ - |\.\w{2,4}$",
    re.IGNORECASE,
)
_SHORT_LINE_SHARE = 0.75
_PARAGRAPH_GAP = 1.3
_SAME_TABLE_POINTS = 3.0
_HEADING_PITCH = 1.6


@dataclass(frozen=True, slots=True)
class _Page:
    """What is taken from a page before it is let go. `rules`: heights of its horizontal lines."""

    words: list[Word]
    tables: list[PdfTable]
    rules: list[float]
    height: float
    hidden: str


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line or a table, with its 1-based page."""

    content: Line | PdfTable
    page: int
    pitch: float
    """The usual distance of the lines around it, in points."""
    width: float
    """The length of the longest line around it, in points."""


def parse_pdf(content: bytes, limits: IngestionLimits) -> ParsedFile:
    """Sections of a PDF; without any for a PDF that holds images only.

    Raises RejectedFileError for a PDF that is encrypted, damaged or has too many pages.
    """
    try:
        with pdfplumber.open(BytesIO(content)) as pdf:
            if len(pdf.pages) > limits.max_pages:
                reason = f"its {len(pdf.pages)} pages are above the limit of {limits.max_pages}"
                raise RejectedFileError(RejectCode.TOO_LARGE, reason)
            pages = [_read_page(page) for page in pdf.pages]
            title = (pdf.metadata or {}).get("Title")
    except (PSException, PdfminerException, MalformedPDFException) as error:
        raise _reject(error) from error
    return _to_sections(pages, title if isinstance(title, str) else "")


def _reject(error: Exception) -> RejectedFileError:
    """What pdfplumber's error says of the file. Raises the MemoryError that it may wrap."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    if isinstance(cause, MemoryError):
        raise cause
    if isinstance(cause, PDFEncryptionError):
        return RejectedFileError(RejectCode.ENCRYPTED, "it is encrypted and needs a password")
    reason = f"it is damaged ({type(cause).__name__}: {str(cause)[:200]})"
    return RejectedFileError(RejectCode.DAMAGED, reason)


def _read_page(page: Any) -> _Page:
    is_seen, hidden = hidden_characters(page)
    seen = page.filter(lambda item: is_seen(item) and not is_white_shape(item))
    words = page_words(seen)
    tables = ruled_tables(seen, words)
    read = _Page(
        words=[word for word in words if not any(_lies_in(word, table) for table in tables)],
        tables=tables,
        rules=[edge["top"] for edge in seen.horizontal_edges],
        height=float(page.height),
        hidden=hidden,
    )
    page.close()  # a page keeps all that it was parsed into
    return read


def _lies_in(word: Word, table: PdfTable) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return table.x0 <= x <= table.x1 and table.top <= y <= table.bottom


def _to_sections(pages: Sequence[_Page], title: str) -> ParsedFile:
    bodies = without_margins([page.words for page in pages], [page.height for page in pages])
    placed = [
        item
        for number, (page, words) in enumerate(zip(pages, bodies, strict=True), start=1)
        for item in _place(page, words, number)
    ]
    levels = HeadingLevels(item.content for item in placed if isinstance(item.content, Line))
    writer = _Writer(levels)
    for item in _joined_tables(placed):
        writer.take(item)
    writer.end_paragraph()
    for page in pages:
        writer.builder.add_hidden(page.hidden)
    sections = writer.builder.build()
    own_title = "" if _PLACEHOLDER_TITLE.search(title.strip()) else clean_text(title)
    return ParsedFile(
        sections=sections,
        title=own_title or writer.builder.first_heading,
        hidden=writer.builder.hidden,
    )


def _place(page: _Page, words: list[Word], number: int) -> Iterator[_Placed]:
    """Lines and tables of a page in reading order."""
    waiting = sorted(page.tables, key=lambda table: table.top)
    for block in reading_order(words):
        pitch = _pitch(block)
        width = max(line.x1 - line.x0 for line in block)
        position = 0
        while position < len(block):
            line = block[position]
            while waiting and _comes_before(waiting[0], line):
                yield _Placed(waiting.pop(0), number, pitch, width)
            found = aligned_table(block[position:], page.rules)
            yield _Placed(found[0] if found else line, number, pitch, width)
            position += found[1] if found else 1
    for table in waiting:
        yield _Placed(table, number, 0, 0)


def _comes_before(table: PdfTable, line: Line) -> bool:
    return table.top < line.top and table.x0 < line.x1 and table.x1 > line.x0


def _pitch(block: Sequence[Line]) -> float:
    pitches = [below.top - above.top for above, below in pairwise(block)]
    return median(pitches) if pitches else 0.0


def _joined_tables(placed: Sequence[_Placed]) -> Iterator[_Placed]:
    """The items with tables that go on over a page's end made whole."""
    before: _Placed | None = None
    for item in placed:
        if before is not None:
            if joined := _joined(before, item):
                before = joined
                continue
            yield before
        before = item
    if before is not None:
        yield before


def _joined(before: _Placed, item: _Placed) -> _Placed | None:
    above, below = before.content, item.content
    if not (isinstance(above, PdfTable) and isinstance(below, PdfTable)):
        return None
    if item.page != before.page + 1 or len(above.rows[0]) != len(below.rows[0]):
        return None
    if (
        abs(above.x0 - below.x0) > _SAME_TABLE_POINTS
        or abs(above.x1 - below.x1) > _SAME_TABLE_POINTS
    ):
        return None
    rows = below.rows[1:] if below.rows[0] == above.rows[0] else below.rows
    table = PdfTable((*above.rows, *rows), below.x0, below.x1, below.top, below.bottom)
    return _Placed(table, item.page, item.pitch, item.width)


class _Writer:
    """Turns lines into headings and paragraphs, and passes tables on."""

    def __init__(self, levels: HeadingLevels) -> None:
        self.builder = SectionBuilder()
        self._levels = levels
        self._paragraph = ""
        self._page = 0
        self._last_page = 0
        self._bullet_x0 = 0.0
        self._kind = TextKind.PARAGRAPH
        self._last: Line | None = None
        self._last_level = 0
        self._heading = ""

    def take(self, item: _Placed) -> None:
        """Add the next line or table in reading order."""
        if isinstance(item.content, PdfTable):
            self.end_paragraph()
            self._add_table(item.content, item.page)
            return
        line = item.content
        level = self._levels.level(line)
        if level:
            self._add_heading(line, level)
            return
        self._end_heading()
        if self._starts_paragraph(line, item):
            self.end_paragraph()
            self._page, self._bullet_x0 = item.page, line.x0
            self._kind = TextKind.LIST_ITEM if _BULLET.match(line.text) else TextKind.PARAGRAPH
        self._paragraph = join_lines(self._paragraph, line.text)
        self._last, self._last_page = line, item.page

    def end_paragraph(self) -> None:
        """Pass on what has gathered."""
        self._end_heading()
        self.builder.add_paragraph(self._paragraph, self._page, self._kind)
        self._paragraph = ""
        self._last = None

    def _add_heading(self, line: Line, level: int) -> None:
        goes_on = (
            self._heading
            and level == self._last_level
            and self._last is not None
            and 0 < line.top - self._last.top < _HEADING_PITCH * line.size
        )
        if goes_on:
            self._heading = join_lines(self._heading, line.text)
        else:
            self.end_paragraph()
            self._heading, self._last_level = line.text, level
        self._last = line

    def _end_heading(self) -> None:
        if self._heading:
            self.builder.add_heading(self._last_level, self._heading)
            self._heading = ""
            self._last = None

    def _starts_paragraph(self, line: Line, item: _Placed) -> bool:
        last = self._last
        if last is None or _BULLET.match(line.text):
            return True
        if self._kind is TextKind.LIST_ITEM and line.x0 <= self._bullet_x0:
            return True  # an item's further lines stand under its text
        if item.page == self._last_page and line.top - last.top > _PARAGRAPH_GAP * item.pitch > 0:
            return True
        is_short = last.x1 - last.x0 < item.width * _SHORT_LINE_SHARE
        may_end = is_short or item.page != self._last_page
        return may_end and last.text.endswith((".", "!", "?", ":"))

    def _add_table(self, table: PdfTable, page: int) -> None:
        rows = list(table.rows)
        # A first row of one cell across the table is its caption.
        while len(rows) > 1 and len(set(rows[0])) == 1:
            self.builder.add_paragraph(rows.pop(0)[0], page)
        self.builder.add_table([_without_repeats(row) for row in rows], page)


def _without_repeats(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row of one cell across the table says it once."""
    return (row[0], *("" for _ in row[1:])) if len(set(row)) == 1 else row
