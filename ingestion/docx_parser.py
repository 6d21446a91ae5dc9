"""DOCX to sections: paragraphs, headings by their style, and tables, in reading order."""

import re
from io import BytesIO
from zipfile import ZipFile

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from ingestion.document import ParsedFile, SectionBuilder

_MAX_UNPACKED_BYTES = 500 * 1024 * 1024
_HEADING_STYLE = re.compile(r"^heading (\d)$", re.IGNORECASE)


def parse_docx(content: bytes) -> ParsedFile:
    """Sections of a Word document. The title is its property, else the text styled as Title.

    Errors: ValueError for an archive that unpacks to more than 500 MiB, and python-docx's own for a
    damaged file.
    """
    with ZipFile(BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED_BYTES:
            message = f"it unpacks to more than {_MAX_UNPACKED_BYTES} bytes"
            raise ValueError(message)
    document = docx.Document(BytesIO(content))
    builder = SectionBuilder()
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            builder.add_table([[cell.text for cell in row.cells] for row in part.rows])
        else:
            _add_paragraph(builder, part)
    sections = builder.build()
    title = document.core_properties.title or builder.first_heading
    return ParsedFile(sections=sections, title=title)


def _add_paragraph(builder: SectionBuilder, paragraph: Paragraph) -> None:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    heading = _HEADING_STYLE.match(style)
    if style.lower() == "title":
        builder.add_heading(0, paragraph.text)
    elif heading:
        builder.add_heading(int(heading[1]), paragraph.text)
    else:
        builder.add_paragraph(paragraph.text)
