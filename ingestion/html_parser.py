"""HTML and Markdown to sections. Markdown is rendered to HTML first, so both share one walk."""

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString
from markdown_it import MarkdownIt

from ingestion.document import ParsedFile, SectionBuilder

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "summary": 6}
# Not content, or not visible to a reader of the page.
_DROPPED = {
    "script", "style", "template", "noscript", "nav", "footer", "head", "svg", "iframe", "object",
    "button", "select", "textarea", "input", "dialog",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "form", "header", "hr", "html", "li", "main",
    "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip
# A table that holds one of these lays out a page; its cells are read as running text.
_LAYOUT_MARKS = [*_HEADINGS, "table", "pre"]
_MAX_SPAN = 100


def parse_markdown(text: str) -> ParsedFile:
    """Sections of a Markdown text without its front matter. Raw HTML in it is read as HTML."""
    return parse_html(MarkdownIt("commonmark").enable("table").render(text))


def parse_html(markup: str | bytes) -> ParsedFile:
    """Sections of an HTML page. Bytes are decoded by the encoding that the page declares.

    Scripts, navigation, footers, forms and elements hidden from a reader are left out. The title is
    the first heading on level 1, else the page's `<title>`.
    """
    soup = BeautifulSoup(markup, "html.parser")
    builder = SectionBuilder()
    walk = _Walk(builder)
    walk.visit(soup)
    walk.flush()
    title = soup.find("h1") or soup.title
    return ParsedFile(sections=builder.build(), title=title.get_text() if title else "")


class _Walk:
    """Goes through the page in document order; inline text gathers until a block begins or ends."""

    def __init__(self, builder: SectionBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []

    def flush(self) -> None:
        self._builder.add_paragraph("".join(self._inline))
        self._inline = []

    def visit(self, parent: Tag) -> None:
        for child in parent.children:
            if isinstance(child, Tag):
                self._visit_tag(child)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._inline.append(child)

    def _visit_tag(self, tag: Tag) -> None:
        if tag.name in _DROPPED or _is_hidden(tag):
            return
        if tag.name in _HEADINGS:
            self.flush()
            self._builder.add_heading(_HEADINGS[tag.name], tag.get_text())
        elif tag.name == "table" and not tag.find(_LAYOUT_MARKS):
            self.flush()
            self._builder.add_table(_table_rows(tag))
        elif tag.name in _BLOCKS:
            self.flush()
            self.visit(tag)
            self.flush()
        else:
            if tag.name in {"br", "td", "th"}:
                self._inline.append(" ")
            self.visit(tag)


def _is_hidden(tag: Tag) -> bool:
    style = str(tag.get("style", "")).replace(" ", "").lower()
    return (
        tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or "display:none" in style
        or "visibility:hidden" in style
    )


def _table_rows(table: Tag) -> list[list[str]]:
    """The cells of each row; a cell that spans columns or rows is repeated in each of them."""
    rows = [row for row in table.find_all("tr") if not _is_hidden(row)]
    grid: dict[tuple[int, int], str] = {}
    for row_number, row in enumerate(rows):
        column = 0
        for cell in row.find_all(["td", "th"]):
            while (row_number, column) in grid:
                column += 1
            text = "" if _is_hidden(cell) else cell.get_text(" ")
            for down in range(_span(cell, "rowspan")):
                for right in range(_span(cell, "colspan")):
                    grid[row_number + down, column + right] = text
    width = max((column for _, column in grid), default=-1) + 1
    return [
        [grid.get((row_number, column), "") for column in range(width)]
        for row_number in range(len(rows))
    ]


def _span(cell: Tag, attribute: str) -> int:
    value = str(cell.get(attribute, "1"))
    return min(int(value), _MAX_SPAN) if value.isdecimal() and int(value) > 0 else 1
