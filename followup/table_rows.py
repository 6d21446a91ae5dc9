"""Finds table rows in the text of a passage, and reads each cell with what its row says of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from followup.rates import EVERY
from followup.tokens import CURRENCY_CODES
from followup.units import CURRENCIES

# No sentence ends in a cell's name: "Ward gets two. Most need none: the guide is enough" is prose.
_NAMED_CELL = re.compile(r"((?:[^:;|.?!]|[.?!](?!\s)){1,80}): (.+)")
_SEPARATOR_ROW = re.compile(r"[\s|:+-]+")
_MIN_CELLS = 2
_COLUMN = re.compile(r"\w+(?:[ _/-]\w+){0,3}")
_BARE_FIGURE = re.compile(r"\d[\d., ]*")
_WORD = re.compile(r"[^\W\d_]+|[$€£¥]")
_RATE_SIGN = re.compile(r"\s*/\s*|\bper\b\s*")
_LEADING_FIGURE = re.compile(r"^\W*\d[\d.,]*\s*")
_NAMING = frozenset(
    """name description product plan service model item article edition package tier module course
    variant customer client""".split()  # noqa: SIM905
)
"""Columns whose cells say what their rows are of, where the first one is of codes."""
_CODING = frozenset("sku code id no nr ref key item number".split())  # noqa: SIM905
_DIVIDING = frozenset("unit units per basis billing billed period interval uom".split())  # noqa: SIM905
"""Columns whose cells say what the row's price is divided by."""
_CURRENCY_NAMES = {"dollars": "USD", "euros": "EUR", "pounds": "GBP"} | {
    sign: code for sign, code in CURRENCIES.items() if len(sign) == 1
}
_RATES = EVERY.keys() | {"once", "onetime"}


@dataclass(frozen=True, slots=True)
class Row:
    """A table row as (column name, cell) pairs, and as it stood."""

    cells: tuple[tuple[str, str], ...]
    shown: str

    @property
    def head(self) -> tuple[str, str]:
        """The cell that says what the row is of, behind its column: "product", "Endpoint Pro"."""
        if _CODING.isdisjoint(_words(self.cells[0][0])):
            return self.cells[0]
        named = (c for c in self.cells if c[1] and not _NAMING.isdisjoint(_words(c[0])[-1:]))
        return next(named, self.cells[0])

    def read(self, column: str, cell: str) -> str:
        """The cell as a sentence, with the currency and rate that other cells of the row tell.

        "list_usd: 94" beside "unit: device/year" reads "list usd: 94 USD per device per year".
        """
        name = column.replace("_", " ")
        currency = self._currency(column) if _BARE_FIGURE.fullmatch(cell) else ""
        said = f"{cell} {currency}{self._rate()}" if currency else cell
        return f"{name}: {said}" if name else said

    def _currency(self, column: str) -> str:
        """The currency that a column's name tells, or the cell of a column "currency"."""
        words = _words(column)
        if "currency" in words:
            return ""
        is_priced = not {"price", "cost", "fee", "amount", "rate"}.isdisjoint(words)
        if is_priced:
            told = (cell for name, cell in self.cells if "currency" in _words(name))
            words += [word for cell in told for word in _words(cell)]
        return next(filter(None, map(_currency_of, words)), "")

    def _rate(self) -> str:
        """ " per device per year" of a cell "device/year"."""
        found = ""
        for column, cell in self.cells:
            if _DIVIDING.isdisjoint(_words(column)[-1:]):
                continue
            for part in filter(None, _RATE_SIGN.split(cell)):
                bare = _LEADING_FIGURE.sub("", part).strip()
                if bare.lower().replace("-", "") in _RATES:
                    found += f" {bare}"
                elif bare and bare == part.strip():
                    found += f" per {bare}"
        return found


def split_rows(text: str) -> Iterator[str | Row]:
    """Runs of running text and single table rows, in order."""
    running: list[str] = []
    header: tuple[str, ...] = ()
    delimiter = ""
    lines = text.split("\n")
    for place, line in enumerate(lines):
        delimiter = delimiter if header else _delimiter(lines, place)
        cells = tuple(map(str.strip, line.split(delimiter))) if delimiter else _pipe_cells(line)
        if len(cells) < _MIN_CELLS:
            cells, delimiter = (), ""
        named = _named_cells(line) or _row_beside(lines, place)
        prose = [] if named or header or delimiter else _prose_of(cells, lines, place)
        if prose or not (cells or named):
            running.extend(prose or [line])
            header = header if prose else ()
            continue
        if running:
            yield "\n".join(running)
            running = []
        if named:
            yield Row(named, line.strip())
        elif not header:
            header = cells
        elif not _SEPARATOR_ROW.fullmatch(line):
            names = (*header, *[""] * (len(cells) - len(header)))
            yield Row(tuple(zip(names, cells, strict=False)), line.strip())
    if running:
        yield "\n".join(running)


def _prose_of(cells: tuple[str, ...], lines: Sequence[str], place: int) -> list[str]:
    """The sentences of a line with strokes that begins no table; none where it may begin one."""
    if cells and not _pipe_cells("".join(lines[place + 1 : place + 2])):
        # One line is no table: "Vehicles: 180 | Customer since: May 2021".
        return [*cells]
    # Nor is a list, "HX-40: $2,180 | delivery 2 weeks": its first line is no header.
    return [", ".join(cells)] if cells and _cell(cells[0])[0] else []


def _currency_of(word: str) -> str:
    return word.upper() if word in CURRENCY_CODES else _CURRENCY_NAMES.get(word, "")


def _delimiter(lines: Sequence[str], place: int) -> str:
    """What parts the names of a raw CSV header from each other, or ""."""
    for mark in (";", "\t", ","):
        names = lines[place].split(mark)
        is_header = len(names) > _MIN_CELLS and all(map(_COLUMN.fullmatch, names))
        below = lines[place + 1].count(mark) if place + 1 < len(lines) else 0
        if is_header and below >= len(names) - 1:
            return mark
    return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _pipe_cells(line: str) -> tuple[str, ...]:
    cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
    return cells if len(cells) >= _MIN_CELLS else ()


def _row_beside(lines: Sequence[str], place: int) -> tuple[tuple[str, str], ...]:
    """The cells of "Plan: Growth | $299 a month" where a line beside it names the same column."""
    first, *others = lines[place].strip().split(" | ")
    name = _NAMED_CELL.fullmatch(first)
    beside = (*lines[max(0, place - 1) : place], *lines[place + 1 : place + 2])
    if not (name and others and any(line.startswith(f"{name.group(1)}: ") for line in beside)):
        return ()
    return tuple(_cell(part) for part in (first, *others))


def _cell(part: str) -> tuple[str, str]:
    """Name and words of "Price: $299"; the name is empty where there is none."""
    named = _NAMED_CELL.fullmatch(part)
    return (named.group(1), named.group(2)) if named else ("", part)


def _named_cells(line: str) -> tuple[tuple[str, str], ...]:
    """The cells of "Plan: Growth; Price per month: $299", the form that ingestion gives rows."""
    # The first column of a table may have no name: "Position update; Scout: every 120 seconds".
    first, *others = map(_cell, line.strip().split("; "))
    return (first, *others) if others and all(name for name, _ in others) else ()
