"""The cells of an HTML table, with those that span columns or rows repeated."""

from collections.abc import Callable

from lxml import html

# A table that holds one of these lays out a page; its cells are read as running text.
_LAYOUT_MARKS = ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "table", "pre")
_MAX_SPAN = 100
_MAX_CELLS = 1_000_000


def is_data_table(table: html.HtmlElement) -> bool:
    """Whether the table holds data, not other blocks of the page."""
    marks = table.iter(*_LAYOUT_MARKS)
    return all(mark is table for mark in marks)


def table_rows(
    table: html.HtmlElement, cell_text: Callable[[html.HtmlElement], str]
) -> list[list[str]]:
    """The cells of each row; a cell that spans columns or rows is repeated in each of them.

    `cell_text` gives a cell's visible text. Raises ValueError for more than a million cells.
    """
    rows = list(table.iter("tr"))
    grid: dict[tuple[int, int], str] = {}
    for row_number, row in enumerate(rows):
        column = 0
        for cell in row.iter("td", "th"):
            while (row_number, column) in grid:
                column += 1
            text = cell_text(cell)
            for down in range(_span(cell, "rowspan")):
                for right in range(_span(cell, "colspan")):
                    grid[row_number + down, column + right] = text
        if len(grid) > _MAX_CELLS:
            message = f"a table has more than {_MAX_CELLS} cells"
            raise ValueError(message)
    width = max((column for _, column in grid), default=-1) + 1
    return [
        [grid.get((row_number, column), "") for column in range(width)]
        for row_number in range(len(rows))
    ]


def _span(cell: html.HtmlElement, attribute: str) -> int:
    value = str(cell.get(attribute, "1")).strip()
    return min(int(value), _MAX_SPAN) if value.isdecimal() and int(value) > 0 else 1
