"""DOCX to sections: paragraphs, headings by their style, lists and tables, in reading order."""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph

from config.ingestion import IngestionLimits
from ingestion.document import ParsedFile, TextKind
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.section_builder import SectionBuilder

_HEADING_STYLE = re.compile(r"^heading (\d)$", re.IGNORECASE)
_CODE_STYLE = re.compile(r"\b(?:code|source|preformatted|macro text)\b", re.IGNORECASE)
_MAX_INVISIBLE_HALF_POINTS = 2
# Old drawings repeat the text of new ones; deleted text is no longer there.
_LEFT_OUT = {
    qn("w:del"), qn("w:moveFrom"), qn("w:instrText"),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}  # fmt: skip
_OFF = {"0", "false", "off"}


def parse_docx(content: bytes, limits: IngestionLimits) -> ParsedFile:
    """Sections of a Word document. The title is its property, else the text styled as Title.

    Raises RejectedFileError for a file that unpacks to too much or is no Word document, and
    zipfile's and lxml's errors for a damaged one.
    """
    _check_archive(content, limits)
    try:
        document = docx.Document(BytesIO(content))
    except OpcError as error:
        reason = f"it is damaged ({type(error).__name__}: {str(error)[:200]})"
        raise RejectedFileError(RejectCode.DAMAGED, reason) from error
    builder = SectionBuilder()
    for part in _blocks(document.element.body, document):
        if isinstance(part, Table):
            builder.add_table(_table_rows(part, builder))
        else:
            _add_paragraph(builder, part)
    sections = builder.build()
    title = document.core_properties.title or builder.first_heading
    return ParsedFile(sections=sections, title=title, hidden=builder.hidden)


def _check_archive(content: bytes, limits: IngestionLimits) -> None:
    """Read from the archive's directory; reading stops where an entry is longer than it says."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        reason = f"it unpacks to {unpacked} bytes, above the limit of {limits.max_unpacked_bytes}"
        raise RejectedFileError(RejectCode.TOO_LARGE, reason)
    if len(entries) > limits.max_archive_entries:
        reason = f"its {len(entries)} parts are above the limit of {limits.max_archive_entries}"
        raise RejectedFileError(RejectCode.TOO_LARGE, reason)


def _blocks(parent: Any, document: Any) -> Iterator[Paragraph | Table]:
    """Paragraphs and tables in order, also those inside content controls."""
    for child in parent.iterchildren():
        if child.tag == qn("w:p"):
            yield Paragraph(child, document)
        elif child.tag == qn("w:tbl"):
            yield Table(child, document)
        elif child.tag == qn("w:sdt"):
            for content in child.iterchildren(qn("w:sdtContent")):
                yield from _blocks(content, document)


def _add_paragraph(builder: SectionBuilder, paragraph: Paragraph) -> None:
    text = _visible_text(paragraph._p, builder)
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    heading = _HEADING_STYLE.match(style)
    if style.lower() == "title":
        builder.add_heading(0, text)
    elif heading:
        builder.add_heading(int(heading[1]), text)
    elif _CODE_STYLE.search(style):
        builder.add_paragraph(text, kind=TextKind.CODE)
    else:
        is_item = style.lower().startswith("list") or _is_numbered(paragraph)
        kind = TextKind.LIST_ITEM if is_item else TextKind.PARAGRAPH
        builder.add_paragraph(text, kind=kind)


def _is_numbered(paragraph: Paragraph) -> bool:
    properties = paragraph._p.pPr
    return properties is not None and properties.numPr is not None


def _visible_text(element: Any, builder: SectionBuilder) -> str:
    """The text of a paragraph or cell, insertions and text boxes included, hidden runs not."""
    seen: list[str] = []
    hidden: list[str] = []
    for run in element.iter(qn("w:r")):
        if any(outer.tag in _LEFT_OUT for outer in run.iterancestors()):
            continue
        (hidden if _is_hidden(run) else seen).append(_run_text(run))
    builder.add_hidden("".join(hidden))
    return "".join(seen)


def _run_text(run: Any) -> str:
    parts = []
    for child in run.iterchildren():
        if child.tag == qn("w:t"):
            parts.append(child.text or "")
        elif child.tag in {qn("w:tab"), qn("w:br"), qn("w:cr")}:
            parts.append("\n" if child.tag != qn("w:tab") else "\t")
        elif child.tag == qn("w:noBreakHyphen"):
            parts.append("-")
    return "".join(parts)


def _is_hidden(run: Any) -> bool:
    """Hidden by its property, too small to see, or white on no ground of its own."""
    properties = run.find(qn("w:rPr"))
    if properties is None:
        return False
    vanish = properties.find(qn("w:vanish"))
    if vanish is not None and vanish.get(qn("w:val"), "1") not in _OFF:
        return True
    size = properties.find(qn("w:sz"))
    if size is not None and _number(size.get(qn("w:val"))) <= _MAX_INVISIBLE_HALF_POINTS:
        return True
    color = properties.find(qn("w:color"))
    is_white = color is not None and (color.get(qn("w:val")) or "").upper() == "FFFFFF"
    return is_white and not _has_ground(run)


def _number(value: str | None) -> float:
    return float(value) if value and value.replace(".", "", 1).isdecimal() else float("inf")


def _has_ground(run: Any) -> bool:
    """Whether the run, its paragraph, its cell, its table or a drawing around it may be shaded."""
    for element in (run, *run.iterancestors()):
        if element.tag == qn("w:txbxContent"):
            return True
        for name in ("w:rPr", "w:pPr", "w:tcPr", "w:tblPr"):
            properties = element.find(qn(name))
            if properties is None:
                continue
            marks = (properties.find(qn(mark)) for mark in ("w:shd", "w:highlight", "w:tblStyle"))
            if any(mark is not None for mark in marks):
                return True
    return False


def _table_rows(table: Table, builder: SectionBuilder) -> list[list[str]]:
    """The cells of each row; a merged cell is repeated in each place that it covers."""
    texts: dict[Any, str] = {}
    rows = []
    for row in table.rows:
        cells = []
        for cell in row.cells:
            element = cell._tc
            if element not in texts:
                paragraphs = element.iter(qn("w:p"))
                texts[element] = " ".join(_visible_text(part, builder) for part in paragraphs)
            cells.append(texts[element])
        rows.append(cells)
    return rows
