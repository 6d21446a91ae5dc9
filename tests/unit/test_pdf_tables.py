"""Tables, columns and margins of PDFs made for the purpose."""

import io
from collections.abc import Sequence

from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Table,
    TableStyle,
)

from config.ingestion import IngestionSettings
from ingestion import document as parsed
from ingestion.readers import parse_document

BODY = getSampleStyleSheet()["BodyText"]
LONG = "All invoices of the month in one file, with taxes split by country and by rate of the day"
PROSE = (
    "Invoices are sent on the first working day of each month and list every user that was active "
    "in the month before. A user who was active on one day only counts as a whole user. "
)


def read(content: bytes) -> parsed.Document:
    document = parse_document("a.pdf", content, IngestionSettings())
    assert isinstance(document, parsed.Document), document
    return document


def blocks(document: parsed.Document) -> list[parsed.Block]:
    return [block for section in document.sections for block in section.blocks]


def tables(document: parsed.Document) -> list[parsed.Table]:
    return [block for block in blocks(document) if isinstance(block, parsed.Table)]


def paragraphs(document: parsed.Document) -> list[str]:
    return [block.text for block in blocks(document) if isinstance(block, parsed.Paragraph)]


def pdf(flowables: Sequence[Flowable]) -> bytes:
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=LETTER).build(list(flowables))
    return buffer.getvalue()


def table(
    rows: Sequence[Sequence[str]], widths: Sequence[int], *style: tuple[object, ...]
) -> Table:
    wrapped = [[Paragraph(cell, BODY) for cell in row] for row in rows]
    return Table(wrapped, colWidths=widths, style=TableStyle(list(style)), repeatRows=1)


GRID = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)
ROWS = (
    ("Feature", "What it does", "Plan"),
    ("Export", LONG, "Growth and Enterprise"),
    ("Reminders for late payers", "Sends a reminder after 3 days", "All"),
)


def test_cells_wrapped_inside_drawn_lines_are_whole() -> None:
    found = tables(read(pdf([table(ROWS, (90, 150, 70), GRID)])))
    assert [(found[0].header, *found[0].rows)] == [ROWS]


def test_cells_wrapped_without_any_lines_are_whole() -> None:
    found = tables(read(pdf([table(ROWS, (120, 170, 90))])))
    assert [(found[0].header, *found[0].rows)] == [ROWS]


def test_a_table_with_a_line_under_its_header_only_is_read() -> None:
    rule = ("LINEBELOW", (0, 0), (-1, 0), 1, colors.black)
    found = tables(read(pdf([table(ROWS, (120, 170, 90), rule)])))
    assert [(found[0].header, *found[0].rows)] == [ROWS]


def test_a_table_of_two_columns_is_a_table() -> None:
    rows = (("Plan", "Price"), ("Starter", "$99"), ("Growth", "$299"), ("Enterprise", "$899"))
    for style in ((), (GRID,)):
        found = tables(read(pdf([table(rows, (150, 150), *style)])))
        assert [(found[0].header, *found[0].rows)] == [rows]


def test_a_cell_that_spans_columns_stands_under_each_header() -> None:
    rows = [["Plan", "Month", "Year"], ["Growth", "on request", ""], ["Starter", "$99", "$990"]]
    style = TableStyle([GRID, ("SPAN", (1, 1), (2, 1))])
    found = tables(read(pdf([Table(rows, style=style)])))
    assert found[0].rows == (("Growth", "on request", "on request"), ("Starter", "$99", "$990"))


def test_a_table_that_goes_on_over_the_page_is_one_table() -> None:
    rows = [("Plan", "Price"), *((f"Plan {number}", f"${number}") for number in range(60))]
    found = tables(read(pdf([table(rows, (150, 150), GRID)])))
    assert len(found) == 1
    assert found[0].header == ("Plan", "Price")
    assert found[0].rows == tuple(rows[1:])


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    buffer = io.BytesIO()
    width, height = LETTER
    frames = [Frame(x, 72, width / 2 - 90, height - 144) for x in (72, width / 2 + 18)]
    template = BaseDocTemplate(buffer, pagesize=LETTER)
    template.addPageTemplates([PageTemplate(frames=frames)])
    words = [f"Part {number} says: {PROSE}" for number in range(12)]
    template.build([Paragraph(text, BODY) for text in words])
    document = read(buffer.getvalue())
    assert tables(document) == []
    assert " ".join(paragraphs(document)).split() == " ".join(words).split()


def test_what_pages_repeat_in_their_margins_is_left_out() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER)
    for number in range(1, 5):
        canvas.drawString(72, 760, "TechCorp - Confidential")
        canvas.drawString(72, 600, f"Chapter {number} is about something else entirely.")
        canvas.drawString(300, 30, f"Page {number} of 4")
        canvas.showPage()
    canvas.save()
    document = read(buffer.getvalue())
    assert paragraphs(document) == [
        f"Chapter {number} is about something else entirely." for number in range(1, 5)
    ]
    assert [block.page for block in blocks(document)] == [1, 2, 3, 4]


def test_a_heading_in_bold_of_the_same_size_starts_a_section() -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER)
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawString(72, 700, "Refunds")
    canvas.setFont("Helvetica", 11)
    for line in range(4):
        canvas.drawString(
            72, 680 - 14 * line, "A refund is paid within fourteen days of the request"
        )
    canvas.save()
    document = read(buffer.getvalue())
    assert document.title == "Refunds"
    assert len(paragraphs(document)) == 1
