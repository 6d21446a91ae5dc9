"""Text of a PDF page that a reader cannot see: too small, as white as the paper, or off the page.

Text in the invisible drawing mode is read: scanners put what they recognised there.
"""

from collections.abc import Callable
from typing import Any

_MIN_POINTS = 1.0
_WHITE = 0.97


def hidden_characters(page: Any) -> tuple[Callable[[dict[str, Any]], bool], str]:
    """A test for the objects of a pdfplumber page that are seen, and the text that is not."""
    grounds = [
        shape
        for shape in (*page.rects, *page.curves)
        if shape.get("fill") and not _is_white(shape.get("non_stroking_color"))
    ]
    grounds += page.images
    x0, top, x1, bottom = page.bbox
    hidden: list[dict[str, Any]] = []
    for character in page.chars:
        x = (character["x0"] + character["x1"]) / 2
        y = (character["top"] + character["bottom"]) / 2
        if (
            character["size"] < _MIN_POINTS
            or not (x0 <= x <= x1 and top <= y <= bottom)
            or (_is_white(character["non_stroking_color"]) and not _lies_on(grounds, x, y))
        ):
            hidden.append(character)
    identities = {id(character) for character in hidden}
    text = "".join(character["text"] for character in hidden).strip()
    return lambda item: id(item) not in identities, text


def is_white_shape(item: dict[str, Any]) -> bool:
    """Whether a shape is a white ground without an edge: it draws no line of a table."""
    return (
        item["object_type"] in {"rect", "curve"}
        and bool(item.get("fill"))
        and not item.get("stroke")
        and _is_white(item.get("non_stroking_color"))
    )


def _lies_on(grounds: list[dict[str, Any]], x: float, y: float) -> bool:
    return any(
        ground["x0"] <= x <= ground["x1"] and ground["top"] <= y <= ground["bottom"]
        for ground in grounds
    )


def _is_white(color: Any) -> bool:
    """Whether a colour in grey, RGB or CMYK is white; patterns and unknown spaces are not."""
    if isinstance(color, (int, float)):
        color = (color,)
    if not isinstance(color, (tuple, list)) or not color:
        return False
    if not all(isinstance(part, (int, float)) for part in color):
        return False
    if len(color) == 4:  # noqa: PLR2004 - CMYK counts ink
        return all(part <= 1 - _WHITE for part in color)
    return all(part >= _WHITE for part in color)
