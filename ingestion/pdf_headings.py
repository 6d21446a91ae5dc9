"""Headings of a PDF: short lines in a larger font than most of its text, or in bold."""

from collections import Counter
from collections.abc import Iterable

from ingestion.pdf_words import Line

_MIN_SCALE = 1.1
_MAX_LINE = 120
_MAX_BOLD_LINE = 80
_MAX_LEVELS = 6


class HeadingLevels:
    """Says which lines of a document are headings, and on which level.

    The largest font is level 1; bold lines in the font size of the text come last.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        sizes: Counter[float] = Counter()
        bold: Counter[bool] = Counter()
        heading_sizes: set[float] = set()
        kept = list(lines)
        for line in kept:
            sizes[line.size] += len(line.text)
            bold[line.is_bold] += len(line.text)
        self._body_size = sizes.most_common(1)[0][0] if sizes else 0.0
        self._bold_means_heading = bold[False] > bold[True]
        for line in kept:
            if self._is_large(line):
                heading_sizes.add(line.size)
        self._ranks = {size: rank for rank, size in enumerate(sorted(heading_sizes, reverse=True))}

    def level(self, line: Line) -> int:
        """The level, 1 the outermost; 0 where the line is no heading."""
        if self._is_large(line):
            return min(self._ranks[line.size] + 1, _MAX_LEVELS)
        if self._bold_means_heading and self._is_bold_heading(line):
            return min(len(self._ranks) + 1, _MAX_LEVELS)
        return 0

    def _is_large(self, line: Line) -> bool:
        return line.size >= self._body_size * _MIN_SCALE and _may_be_heading(line.text, _MAX_LINE)

    def _is_bold_heading(self, line: Line) -> bool:
        return (
            line.is_bold
            and line.size >= self._body_size
            and _may_be_heading(line.text, _MAX_BOLD_LINE)
            and not line.text.endswith((".", ",", ";", ":"))
        )


def _may_be_heading(text: str, max_characters: int) -> bool:
    return len(text) <= max_characters and any(character.isalpha() for character in text)
