"""PDF to sections. pypdf knows neither headings nor tables, so both are inferred from the page.

A heading is a short line in a larger font than most of the document's text. A table is a run of
lines that the layout of the page splits into the same columns of short cells.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

from pypdf import PageObject, PdfReader

from ingestion.document import ParsedFile, SectionBuilder, clean_text

_MIN_HEADING_SCALE = 1.1
_MAX_HEADING_LINE = 120
_MAX_HEADING_LEVELS = 6
_MIN_TABLE_COLUMNS = 3
_MIN_TABLE_ROWS = 2
_MAX_CELL = 60
_MIN_WIDE_GAP = 3
_CELL = re.compile(r"\S+(?: \S+)*")
_BULLET = re.compile(r"^(?:[•●▪◦‣\u2013*-]|\d{1,2}[.)])\s")
_SHORT_LINE_SHARE = 0.75


class EncryptedPdfError(ValueError):
    """The PDF needs a password."""


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    lines: tuple[str, ...]
    """Lines as the page lays them out, columns apart, where it holds a table; else as written."""
    font_sizes: tuple[tuple[str, float], ...]
    """Each line with its font size in points."""


def parse_pdf(content: bytes) -> ParsedFile:
    """Sections of a PDF; without any for a PDF that holds images only.

    Errors: EncryptedPdfError, and pypdf's own for a damaged file.
    """
    reader = PdfReader(BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        message = "it is encrypted and needs a password"
        raise EncryptedPdfError(message)
    pages = [_read_page(page, number) for number, page in enumerate(reader.pages, start=1)]
    levels = _heading_levels(pages)
    builder = SectionBuilder()
    for page in pages:
        _add_page(builder, page, levels)
    sections = builder.build()
    title = reader.metadata.title if reader.metadata else None
    return ParsedFile(sections=sections, title=title or builder.first_heading)


def _read_page(page: PageObject, number: int) -> _Page:
    sizes: list[tuple[str, float]] = []

    def visit(
        text: str, matrix: list[float], text_matrix: list[float], _: Any, size: float
    ) -> None:
        line = clean_text(text)
        if line:
            # Many writers set size 1 and scale with the matrices instead.
            scale = abs(text_matrix[3] or text_matrix[1]) * abs(matrix[3] or matrix[1])
            sizes.append((line, round(size * scale, 1)))

    written = page.extract_text(visitor_text=visit).splitlines()
    laid_out = page.extract_text(extraction_mode="layout").splitlines()
    has_table = any(isinstance(part, list) for part in _split_tables(laid_out))
    return _Page(number, tuple(laid_out if has_table else written), tuple(sizes))


def _heading_levels(pages: list[_Page]) -> dict[str, int]:
    """Heading text -> level, 1 for the largest font. Empty where all text has one size."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line, size in page.font_sizes:
            sizes[size] += len(line)
    if not sizes:
        return {}
    body_size = sizes.most_common(1)[0][0]
    candidates = {
        line: size
        for page in pages
        for line, size in page.font_sizes
        if size >= body_size * _MIN_HEADING_SCALE
        and len(line) <= _MAX_HEADING_LINE
        and any(character.isalpha() for character in line)
    }
    ranked = sorted(set(candidates.values()), reverse=True)
    return {
        line: min(ranked.index(size) + 1, _MAX_HEADING_LEVELS) for line, size in candidates.items()
    }


def _add_page(builder: SectionBuilder, page: _Page, levels: dict[str, int]) -> None:
    longest_line = max((len(line.strip()) for line in page.lines), default=0)
    paragraph = ""
    for part in _split_tables(page.lines):
        line = "" if isinstance(part, list) else part.strip()
        level = levels.get(clean_text(line))
        if level or not line or _BULLET.match(line):
            builder.add_paragraph(paragraph, page.number)
            paragraph = ""
        if isinstance(part, list):
            builder.add_table(part, page.number)
        elif level:
            builder.add_heading(level, line)
        else:
            paragraph = _join_lines(paragraph, line)
            if line.endswith((".", "!", "?")) and len(line) < longest_line * _SHORT_LINE_SHARE:
                builder.add_paragraph(paragraph, page.number)
                paragraph = ""
    builder.add_paragraph(paragraph, page.number)


def _join_lines(paragraph: str, line: str) -> str:
    """The paragraph with the line; a word split by a hyphen at the line's end is made whole."""
    if re.search(r"[^\W\d_]-$", paragraph) and line[:1].islower():
        return paragraph[:-1] + line
    return f"{paragraph} {line}"


def _split_tables(lines: list[str] | tuple[str, ...]) -> Iterator[str | list[list[str]]]:
    """The lines in order, with each run of lines that forms a table replaced by its rows."""
    position = 0
    while position < len(lines):
        rows = _table_at(lines, position)
        if len(rows) >= _MIN_TABLE_ROWS:
            yield rows
            position += len(rows)
        else:
            yield lines[position]
            position += 1


def _table_at(lines: list[str] | tuple[str, ...], start: int) -> list[list[str]]:
    """The cells of the lines from `start` on that fill the columns of the first; [] for none.

    Justified prose has gaps as well, but narrow ones: half of a table's are wider.
    """
    rows: list[list[re.Match[str]]] = []
    for line in lines[start:]:
        cells = list(_CELL.finditer(line))
        too_long = max((len(cell[0]) for cell in cells), default=0) > _MAX_CELL
        if len(cells) < _MIN_TABLE_COLUMNS or too_long or (rows and not _fills(rows[0], cells)):
            break
        rows.append(cells)
    gaps = [right.start() - left.end() for row in rows for left, right in pairwise(row)]
    if 2 * sum(gap >= _MIN_WIDE_GAP for gap in gaps) < len(gaps):
        return []
    return [[cell[0] for cell in row] for row in rows]


def _fills(header: list[re.Match[str]], row: list[re.Match[str]]) -> bool:
    """Whether each cell stands between the header's cells to the left and right of its own."""
    return len(header) == len(row) and all(
        (column == 0 or cell.start() > header[column - 1].end())
        and (column == len(header) - 1 or cell.end() < header[column + 1].start())
        for column, cell in enumerate(row)
    )
