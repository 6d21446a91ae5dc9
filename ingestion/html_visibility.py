"""Which elements of a page a reader cannot see.

Inline styles, the attributes made for it, and the page's own style rules for a class or an id are
looked at; style sheets elsewhere are not fetched.
"""

import re

from lxml import html

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE_SELECTOR = re.compile(r"[.#][\w-]+")
_MAX_STYLE_CHARACTERS = 1_000_000
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0?(?:\.0+)?(?:[;!]|$)"
    r"|font-size:(?:0*(?:\.\d+)?|1)(?:px|pt|em|rem|%)?(?:[;!]|$)"
    r"|(?:text-indent|left|top|margin-left):-\d{4,}"
    r"|clip:rect\(0(?:px)?,?0(?:px)?,?0(?:px)?,?0(?:px)?\)"
)
_COLOR = re.compile(r"(?:^|;)color:([^;!]+)")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_WHITE = re.compile(
    r"white|#f[a-f]f[a-f]f[a-f]|#fff|rgba?\(25[0-5],25[0-5],25[0-5].*\)|transparent"
)


class Visibility:
    """Answers for the elements of one page."""

    def __init__(self, root: html.HtmlElement) -> None:
        self._hiding_selectors = _hiding_selectors(root)
        # A sheet elsewhere may put white text on a dark ground.
        self._knows_colors = next(root.iter("link"), None) is None

    def is_hidden(self, element: html.HtmlElement) -> bool:
        """Whether the element is left out: unseen, or marked as no content for a screen reader."""
        if not element.attrib:
            return False
        return element.get("aria-hidden") == "true" or self.is_hidden_from_sight(element)

    def is_hidden_from_sight(self, element: html.HtmlElement) -> bool:
        """Whether a reader of the page cannot see the element's text."""
        if "hidden" in element.attrib or self._has_hiding_selector(element):
            return True
        style = re.sub(r"\s+", "", element.get("style", "")).lower()
        if not style:
            return False
        return bool(_HIDING.search(style)) or self._has_color_of_ground(element, style)

    def _has_hiding_selector(self, element: html.HtmlElement) -> bool:
        if not self._hiding_selectors:
            return False
        names = {f".{name}" for name in element.get("class", "").split()}
        names.add(f"#{element.get('id', '')}")
        return not names.isdisjoint(self._hiding_selectors)

    def _has_color_of_ground(self, element: html.HtmlElement, style: str) -> bool:
        color, ground = _COLOR.search(style), _BACKGROUND.search(style)
        if not color:
            return False
        if ground:
            return color[1] == ground[1]
        return (
            self._knows_colors
            and bool(_WHITE.fullmatch(color[1]))
            and not any(_may_have_ground(outer) for outer in [element, *element.iterancestors()])
        )


def _may_have_ground(element: html.HtmlElement) -> bool:
    return (
        "class" in element.attrib
        or "bgcolor" in element.attrib
        or "background" in element.get("style", "")
    )


def _hiding_selectors(root: html.HtmlElement) -> set[str]:
    """Classes and ids that a style rule of the page hides, such as '.note'."""
    selectors: set[str] = set()
    for style in root.iter("style"):
        rules = re.sub(
            r"/\*.*?\*/", "", (style.text or "")[:_MAX_STYLE_CHARACTERS], flags=re.DOTALL
        )
        for names, body in _RULE.findall(rules):
            if _HIDING.search(re.sub(r"\s+", "", body).lower()):
                selectors.update(
                    name.strip()
                    for name in names.split(",")
                    if _SIMPLE_SELECTOR.fullmatch(name.strip())
                )
    return selectors
