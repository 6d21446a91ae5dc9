"""Tables of a PDF page: those that lines are drawn around, and those that only stand in columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from ingestion.pdf_words import Line, Word, joined_text, to_lines

_MIN_STRIP_POINTS = 3
_MIN_COLUMNS, _MIN_ROWS = 2, 2
_MIN_ROWS_OF_TWO_COLUMNS = 3
_MAX_CELL_LINE = 70
_MAX_LABEL = 30
_MAX_LINE_GAP = 2.5
_ROW_GAP = 1.25
_WIDE_GAP = 1.5
_NUMBERING = re.compile(r"(?:[•●▪◦‣·\u2013*-]|\(?\w{1,3}[.)])$")


@dataclass(frozen=True, slots=True)
class PdfTable:
    """Rows of cell texts, and the box that they fill."""

    rows: tuple[tuple[str, ...], ...]
    x0: float
    x1: float
    top: float
    bottom: float


def ruled_tables(page: Any, words: Sequence[Word]) -> list[PdfTable]:
    """Tables whose cells are drawn; a cell that spans columns or rows is repeated in each."""
    tables = []
    for found in page.find_tables():
        rows = _grid_rows(found.cells, words)
        # A text marked in colour has a box for each line: rows of one cell, no table.
        num_wide = sum(len(set(filter(None, row))) >= _MIN_COLUMNS for row in rows)
        if num_wide >= _MIN_ROWS:
            x0, top, x1, bottom = found.bbox
            tables.append(PdfTable(rows, x0, x1, top, bottom))
    return tables


def _grid_rows(
    cells: Sequence[tuple[float, float, float, float]], words: Sequence[Word]
) -> tuple[tuple[str, ...], ...]:
    texts = {cell: _text_in(cell, words) for cell in cells}
    inside = [word for word in words if any(_lies_in(word, cell) for cell in cells)]
    columns = _middles(
        [edge for cell in cells for edge in (cell[0], cell[2])],
        [(word.x0 + word.x1) / 2 for word in inside],
    )
    rows = _middles(
        [edge for cell in cells for edge in (cell[1], cell[3])],
        [(word.top + word.bottom) / 2 for word in inside],
    )
    grid = [tuple(_at(texts, column, row) for column in columns) for row in rows]
    return tuple(row for row in grid if any(row))


def _middles(edges: list[float], words: list[float]) -> list[float]:
    """The middles of the strips between the edges that hold a word.

    Word processors draw a box in a cell around its text; the strips between the two hold nothing.
    """
    strips = [
        (low, high)
        for low, high in pairwise(sorted(set(edges)))
        if high - low > _MIN_STRIP_POINTS and any(low <= word <= high for word in words)
    ]
    return [(low + high) / 2 for low, high in strips]


def _lies_in(word: Word, box: tuple[float, float, float, float]) -> bool:
    x0, top, x1, bottom = box
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return x0 <= x <= x1 and top <= y <= bottom


def _text_in(cell: tuple[float, float, float, float], words: Sequence[Word]) -> str:
    return joined_text(to_lines([word for word in words if _lies_in(word, cell)]))


def _at(texts: dict[tuple[float, float, float, float], str], column: float, row: float) -> str:
    for (x0, top, x1, bottom), text in texts.items():
        if x0 <= column <= x1 and top <= row <= bottom:
            return text
    return ""


def aligned_table(lines: Sequence[Line], rules: Sequence[float]) -> tuple[PdfTable, int] | None:
    """The table that begins with the first line, and how many lines it takes; None for no table.

    `rules` are the heights of the horizontal lines drawn on the page.
    """
    columns, rows = _grow(lines)
    while rows and len(rows[-1].cells) == 1 and 0 in rows[-1].cells:
        rows.pop()  # more likely the paragraph below
    if not _is_table(len(columns), rows):
        return None
    grouped = _group_rows(rows, rules)
    texts = tuple(
        tuple(
            joined_text([row.cells[column] for row in group if column in row.cells])
            for column in range(len(columns))
        )
        for group in grouped
    )
    if len(texts) < _MIN_ROWS:
        return None
    table = PdfTable(texts, columns[0][0], columns[-1][1], rows[0].top, rows[-1].bottom)
    return table, len(rows)


@dataclass(frozen=True, slots=True)
class _CellLine:
    """One line of a table: its cells by column."""

    cells: dict[int, Line]
    top: float
    bottom: float


def _grow(lines: Sequence[Line]) -> tuple[list[tuple[float, float]], list[_CellLine]]:
    """The columns of the first line, and the lines below that fill them without crossing any."""
    columns = [(cell.x0, cell.x1) for cell in lines[0].cells()]
    if len(columns) < _MIN_COLUMNS:
        return [], []
    rows: list[_CellLine] = []
    for line in lines:
        if rows and line.top - rows[-1].bottom > _MAX_LINE_GAP * line.size:
            break
        placed = _place(line.cells(), columns)
        if placed is None:
            break
        for number, cell in placed.items():
            x0, x1 = columns[number]
            columns[number] = min(x0, cell.x0), max(x1, cell.x1)
        if any(left[1] > right[0] for left, right in pairwise(columns)):
            break
        rows.append(_CellLine(placed, line.top, line.bottom))
    return columns, rows


def _place(cells: list[Line], columns: list[tuple[float, float]]) -> dict[int, Line] | None:
    """Each cell's column; None where a cell meets no column or two, or two meet in one."""
    placed: dict[int, Line] = {}
    for cell in cells:
        met = [number for number, (x0, x1) in enumerate(columns) if cell.x0 < x1 and cell.x1 > x0]
        if len(met) != 1 or met[0] in placed:
            return None
        placed[met[0]] = cell
    return placed


def _is_table(num_columns: int, rows: list[_CellLine]) -> bool:
    wide = [row for row in rows if len(row.cells) >= _MIN_COLUMNS]
    is_narrow = num_columns == _MIN_COLUMNS
    if len(wide) < (_MIN_ROWS_OF_TWO_COLUMNS if is_narrow else _MIN_ROWS):
        return False
    cells = [cell for row in rows for cell in row.cells.values()]
    if max(len(cell.text) for cell in cells) > _MAX_CELL_LINE and not is_narrow:
        return False
    labels = [row.cells[0].text for row in rows if 0 in row.cells]
    if not labels or all(_NUMBERING.match(label) for label in labels):
        return False
    if is_narrow and median(len(label) for label in labels) > _MAX_LABEL:
        return False
    gaps = [
        (right.x0 - left.x1) / left.size
        for row in wide
        for left, right in pairwise([row.cells[number] for number in sorted(row.cells)])
    ]
    # Justified prose has gaps as well, but narrow ones: half of a table's are wider.
    return 2 * sum(gap >= _WIDE_GAP for gap in gaps) >= len(gaps)


def _group_rows(lines: list[_CellLine], rules: Sequence[float]) -> list[list[_CellLine]]:
    """Lines that form one row together: a cell may be wrapped over several lines."""
    starts = _row_starts(lines, rules)
    groups: list[list[_CellLine]] = []
    for line, is_start in zip(lines, starts, strict=True):
        if is_start or not groups:
            groups.append([])
        groups[-1].append(line)
    return groups


def _row_starts(lines: list[_CellLine], rules: Sequence[float]) -> list[bool]:
    num_columns = max(len(line.cells) for line in lines)
    if all(len(line.cells) == num_columns for line in lines):
        return [True] * len(lines)
    ruled = [
        any(above.top < rule < below.bottom and rule > (above.top + above.bottom) / 2
            and rule < (below.top + below.bottom) / 2 for rule in rules)
        for above, below in pairwise(lines)
    ]  # fmt: skip
    if sum(ruled) >= 2:  # noqa: PLR2004 - one is the line under the header
        return [True, *ruled]
    pitches = [below.top - above.top for above, below in pairwise(lines)]
    spaced = [pitch > _ROW_GAP * min(pitches) for pitch in pitches]
    starts = [True, *(gap or rule for gap, rule in zip(spaced, ruled, strict=True))]
    if any(spaced) and _most_full_lines(lines, starts, num_columns) == 1:
        return starts  # rows are set apart by space
    return [True, *(rule or _starts_row(line) for line, rule in zip(lines[1:], ruled, strict=True))]


def _most_full_lines(lines: list[_CellLine], starts: list[bool], num_columns: int) -> int:
    """Lines that fill every column, in the row that has most of them."""
    counts = [0]
    for line, is_start in zip(lines, starts, strict=True):
        if is_start:
            counts.append(0)
        counts[-1] += len(line.cells) == num_columns
    return max(counts)


def _starts_row(line: _CellLine) -> bool:
    """A line without a label goes on with the row above, and so does the rest of a label."""
    if 0 not in line.cells:
        return False
    return len(line.cells) > 1 or not line.cells[0].text[:1].islower()
