"""HTML to sections. Markdown is rendered to HTML first, so both share one walk."""

import re

from lxml import etree, html

from ingestion.document import ParsedFile, TextKind
from ingestion.encoding import decode_text
from ingestion.html_table import is_data_table, table_rows
from ingestion.html_visibility import Visibility
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.section_builder import SectionBuilder

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "summary": 6}
# Not content: neither read nor reported.
_DROPPED = {
    "script", "style", "template", "noscript", "nav", "footer", "head", "svg", "iframe", "object",
    "button", "select", "textarea", "input", "dialog", "math",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "form", "header", "hr", "html", "li", "main",
    "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
_LIST_ITEMS = {"li", "dd"}
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_CHARSET_WITHIN = 4096


def parse_html_file(content: bytes, max_nesting: int) -> ParsedFile:
    """Sections of an HTML page, decoded by the encoding that it declares where it is not UTF-8."""
    declared = _CHARSET.search(content[:_CHARSET_WITHIN])
    text = decode_text(content, declared[1].decode("ascii", "replace") if declared else "")
    return parse_html(text, max_nesting)


def parse_html(markup: str, max_nesting: int) -> ParsedFile:
    """Sections of HTML.

    Scripts, navigation, footers, forms and elements hidden from a reader are left out. The title is
    the first heading on level 1, else the page's `<title>`.

    Raises RejectedFileError where elements stand more than `max_nesting` deep in one another.
    """
    root = _parse(markup)
    if root is None:
        return ParsedFile(sections=())
    _check_nesting(root, max_nesting)
    walk = _Walk(Visibility(root))
    walk.visit(root)
    title = next(root.iter("h1", "title"), None)
    heading = next(root.iter("h1"), title)
    return ParsedFile(
        sections=walk.builder.build(),
        title=_all_text(heading) if heading is not None else "",
        hidden=walk.builder.hidden,
    )


def _parse(markup: str) -> html.HtmlElement | None:
    # huge_tree lifts libxml2's own limits, beyond which it would lose text without a word.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        return html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # a document without any element
        return None


def _check_nesting(root: html.HtmlElement, max_nesting: int) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > max_nesting:
            reason = f"its elements stand more than {max_nesting} deep in one another"
            raise RejectedFileError(RejectCode.TOO_LARGE, reason)


class _Walk:
    """Goes through the page in document order; inline text gathers until a block begins or ends."""

    def __init__(self, visibility: Visibility) -> None:
        self.builder = SectionBuilder()
        self._visibility = visibility
        self._inline: list[str] = []
        self._list_depth = 0

    def visit(self, root: html.HtmlElement) -> None:
        """Walk without recursion, so that depth costs no stack."""
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            if event == "start":
                if self._is_leaf(element):
                    walker.skip_subtree()
                else:
                    self._begin(element)
            else:
                self._end(element)
        self._flush()

    def _is_leaf(self, element: html.HtmlElement) -> bool:
        """Take an element as a whole where nothing in it is to be walked."""
        tag = element.tag
        if tag in _DROPPED:
            return True
        if self._visibility.is_hidden(element):
            if self._visibility.is_hidden_from_sight(element):
                self.builder.add_hidden(_all_text(element))
            return True
        if tag in _HEADINGS:
            self._flush()
            self.builder.add_heading(_HEADINGS[tag], self._visible_text(element))
        elif tag == "pre":
            self._flush()
            self.builder.add_paragraph(self._visible_text(element), kind=TextKind.CODE)
        elif tag == "table" and is_data_table(element):
            self._flush()
            self.builder.add_table(table_rows(element, self._cell_text))
        else:
            return False
        return True

    def _begin(self, element: html.HtmlElement) -> None:
        if element.tag in _BLOCKS:
            self._flush()
        elif element.tag in {"br", "td", "th"}:
            self._inline.append(" ")
        self._list_depth += element.tag in _LIST_ITEMS
        if element.text:
            self._inline.append(element.text)

    def _end(self, element: html.HtmlElement) -> None:
        if element.tag in _BLOCKS:
            self._flush()
        self._list_depth -= element.tag in _LIST_ITEMS
        if element.tail:
            self._inline.append(element.tail)

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline = []
        if text.strip():
            kind = TextKind.LIST_ITEM if self._list_depth else TextKind.PARAGRAPH
            self.builder.add_paragraph(text, kind=kind)

    def _cell_text(self, element: html.HtmlElement) -> str:
        return "" if self._visibility.is_hidden(element) else self._visible_text(element, " ")

    def _visible_text(self, element: html.HtmlElement, block_joiner: str = "") -> str:
        """The text in an element without what is hidden or dropped inside it."""
        parts = []
        walker = etree.iterwalk(element, events=("start", "end"))
        for event, inner in walker:
            if event == "start":
                if inner is not element and self._is_left_out(inner):
                    walker.skip_subtree()
                else:
                    parts.append("\n" if inner.tag == "br" else "")
                    parts.append(inner.text or "")
            elif inner is not element:
                parts.append(block_joiner if inner.tag in _BLOCKS else "")
                parts.append(inner.tail or "")
        return "".join(parts)

    def _is_left_out(self, element: html.HtmlElement) -> bool:
        if not self._visibility.is_hidden(element):
            return element.tag in _DROPPED
        if self._visibility.is_hidden_from_sight(element):
            self.builder.add_hidden(_all_text(element))
        return True


def _all_text(element: html.HtmlElement) -> str:
    return "".join(element.itertext())
