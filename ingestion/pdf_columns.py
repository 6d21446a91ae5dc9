"""The reading order of a PDF page that is set in columns.

Two columns of prose are told from a table by their lines: a column's lines fill it, a table's cells
do not. Lines across both columns, such as a title, part the page into bands.
"""

from collections.abc import Sequence
from statistics import median

from ingestion.pdf_words import Line, Word, to_lines

_MIN_LINES = 5
_MIN_FILL = 0.55
_MIN_WORDS = 3
_MAX_CROSSING_SHARE = 0.4
_MAX_DEPTH = 2


def reading_order(words: Sequence[Word], depth: int = 0) -> list[list[Line]]:
    """Blocks of lines in reading order. A page in one column is one block."""
    segments = [segment for line in to_lines(words) for segment in line.cells()]
    gutter = _gutter(segments) if depth < _MAX_DEPTH else None
    if gutter is None:
        lines = to_lines(words)
        return [lines] if lines else []
    blocks: list[list[Line]] = []
    left: list[Word] = []
    right: list[Word] = []
    for segment in segments:
        if segment.x1 <= gutter:
            left.extend(segment.words)
        elif segment.x0 >= gutter:
            right.extend(segment.words)
        else:
            blocks += reading_order(left, depth + 1) + reading_order(right, depth + 1)
            blocks.append([segment])
            left, right = [], []
    return blocks + reading_order(left, depth + 1) + reading_order(right, depth + 1)


def _gutter(segments: Sequence[Line]) -> float | None:
    """The middle of the gap between two columns of prose; None where there is none."""
    if len(segments) < 2 * _MIN_LINES:
        return None
    starts = sorted({round(segment.x0) for segment in segments})
    best: tuple[int, float] | None = None
    for start in starts[1:]:
        left = [segment for segment in segments if segment.x1 < start]
        right = [segment for segment in segments if segment.x0 >= start - 1]
        num_crossing = len(segments) - len(left) - len(right)
        if _are_columns(left, right, num_crossing) and (best is None or num_crossing < best[0]):
            best = num_crossing, (max(segment.x1 for segment in left) + start) / 2
    return best[1] if best else None


def _are_columns(left: Sequence[Line], right: Sequence[Line], num_crossing: int) -> bool:
    num_lines = min(len(left), len(right))
    if num_lines < _MIN_LINES or num_crossing > _MAX_CROSSING_SHARE * (len(left) + len(right)):
        return False
    overlap = min(left[-1].bottom, right[-1].bottom) - max(left[0].top, right[0].top)
    height = min(left[-1].bottom - left[0].top, right[-1].bottom - right[0].top)
    return overlap > height / 2 and _is_prose(left) and _is_prose(right)


def _is_prose(lines: Sequence[Line]) -> bool:
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    fill = median((line.x1 - line.x0) / width for line in lines) if width else 0
    return fill >= _MIN_FILL and median(len(line.words) for line in lines) >= _MIN_WORDS
