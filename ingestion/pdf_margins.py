"""Running headers, footers and page numbers of a PDF: what its pages repeat at their edges."""

import re
from collections import Counter
from collections.abc import Sequence

from ingestion.pdf_words import Word, to_lines

_MARGIN_SHARE = 0.09
_MIN_PAGES = 2
_MIN_PAGE_SHARE = 0.3
_POSITION_POINTS = 4
_PAGE_NUMBER = re.compile(
    r"(?:page|p\.|[-\u2013\s])*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?[-\u2013\s]*$", re.IGNORECASE
)


def without_margins(pages: Sequence[Sequence[Word]], heights: Sequence[float]) -> list[list[Word]]:
    """The words of each page without the lines in its margins that other pages repeat there.

    Numbers may differ between the pages, as page numbers do.
    """
    keyed = [
        [(_key(words), words) for words in _margin_lines(page, height)]
        for page, height in zip(pages, heights, strict=True)
    ]
    counts = Counter(key for page in keyed for key in {key for key, _ in page})
    least = max(_MIN_PAGES, _MIN_PAGE_SHARE * len(pages))
    kept = []
    for page, lines in zip(pages, keyed, strict=True):
        dropped = {id(word) for key, words in lines if counts[key] >= least for word in words}
        kept.append([word for word in page if id(word) not in dropped])
    return kept


def _margin_lines(page: Sequence[Word], height: float) -> list[tuple[Word, ...]]:
    """The lines in the margins, and a page number that is the first or last line anywhere."""
    lines = to_lines(page)
    return [
        line.words
        for number, line in enumerate(lines)
        if line.bottom < _MARGIN_SHARE * height
        or line.top > (1 - _MARGIN_SHARE) * height
        or (number in {0, len(lines) - 1} and _is_page_number(line.words))
    ]


def _key(words: tuple[Word, ...]) -> tuple[str, int]:
    text = re.sub(r"\d+", "#", " ".join(word.text for word in words))
    return text, round(min(word.top for word in words) / _POSITION_POINTS)


def _is_page_number(words: tuple[Word, ...]) -> bool:
    return bool(_PAGE_NUMBER.match(" ".join(word.text for word in words)))
