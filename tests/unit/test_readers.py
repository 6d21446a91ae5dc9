import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from examples.make_knowledge_base_pdfs import PRICING_SHEET, write_pdf
from ingestion.document import Document, Paragraph, Table
from ingestion.errors import UnreadableDocumentError
from ingestion.readers import read_document


def read(root: Path, name: str, content: str | bytes, *, max_bytes: int = 1_000_000) -> Document:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_document(path, root, max_bytes=max_bytes)


def paragraphs(document: Document) -> list[str]:
    blocks = [block for section in document.sections for block in section.blocks]
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def tables(document: Document) -> list[Table]:
    blocks = [block for section in document.sections for block in section.blocks]
    return [block for block in blocks if isinstance(block, Table)]


def heading_paths(document: Document) -> list[tuple[str, ...]]:
    return [section.heading_path for section in document.sections]


def pdf_of(draw: Callable[[Canvas], object]) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def docx_bytes() -> bytes:
    document = docx.Document()
    document.add_heading("Price list", level=0)
    document.add_heading("Plans", level=1)
    document.add_paragraph("Three plans.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells],
        ["Plan", "Price", "Growth", "$299"],
        strict=True,
    ):
        cell.text = text
    document.add_paragraph("After the table.")
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_markdown_keeps_headings_paragraphs_lists_and_tables_in_order(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "features/reporting.md",
        "# Reporting\n\nIntro.\n\n## Reports\n\n- One\n- Two\n\n### Detail\n\nDeep.\n\n"
        "## Prices\n\n| Plan | Price |\n| --- | --- |\n| Growth | $299 |\n",
    )
    assert document.path == "features/reporting.md"
    assert document.title == "Reporting"
    assert document.format == "markdown"
    assert heading_paths(document) == [(), ("Reports",), ("Reports", "Detail"), ("Prices",)]
    assert paragraphs(document) == ["Intro.", "One", "Two", "Deep."]
    assert tables(document) == [Table(("Plan", "Price"), (("Growth", "$299"),))]


def test_front_matter_names_title_and_source_type_before_heading_and_folder(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "misc/a.md",
        "---\ntitle: Real Title\nsource_type: Pricing\n---\n# Other\n\nText.\n",
    )
    assert (document.title, document.source_type) == ("Real Title", "pricing")
    assert heading_paths(document) == [("Other",)]
    assert paragraphs(document) == ["Text."]


@pytest.mark.parametrize(
    ("name", "source_type"),
    [
        pytest.param("pricing/deep/er/a.txt", "pricing", id="first folder"),
        pytest.param("Case Studies/a.txt", "case_studies", id="spaces and capitals"),
        pytest.param("a.txt", "general", id="no folder"),
        pytest.param("价格/a.txt", "general", id="nothing left after normalising"),
        pytest.param('x" or 1==1/a.txt', "x_or_1_1", id="hostile folder name"),
    ],
)
def test_the_source_type_comes_from_the_first_folder(
    tmp_path: Path, name: str, source_type: str
) -> None:
    assert read(tmp_path, name, "Text.").source_type == source_type


def test_html_leaves_out_what_a_reader_does_not_see(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "faq/a.html",
        "<html><head><title>Page</title><style>p{}</style></head><body><nav>Menu</nav><!-- note -->"
        "<h1>Questions</h1><p>Seen <b>text</b>.</p><p style='display: none'>Hidden one.</p>"
        "<p hidden>Hidden two.</p><div>Loose<p>Inner</p>tail</div><script>x()</script>"
        "<footer>Foot</footer></body></html>",
    )
    assert document.title == "Questions"
    assert paragraphs(document) == ["Seen text.", "Loose", "Inner", "tail"]


def test_an_html_cell_that_spans_is_repeated_under_each_header(tmp_path: Path) -> None:
    document = read(
        tmp_path,
        "a.html",
        "<table><tr><th>Plan</th><th>Month</th><th>Year</th></tr>"
        "<tr><td rowspan=2>Growth</td><td colspan=2>on request</td></tr>"
        "<tr><td>$299</td><td>$2,990</td></tr></table>",
    )
    assert tables(document)[0].rows == (
        ("Growth", "on request", "on request"),
        ("Growth", "$299", "$2,990"),
    )


def test_docx_keeps_headings_and_tables_in_reading_order(tmp_path: Path) -> None:
    document = read(tmp_path, "pricing/a.docx", docx_bytes())
    assert (document.title, document.format) == ("Price list", "docx")
    assert heading_paths(document) == [("Plans",)]
    assert document.sections[0].blocks == (
        Paragraph("Three plans."),
        Table(("Plan", "Price"), (("Growth", "$299"),)),
        Paragraph("After the table."),
    )


def test_pdf_gives_headings_by_font_size_tables_by_layout_and_pages(tmp_path: Path) -> None:
    document = read_document(write_pdf(PRICING_SHEET, tmp_path), tmp_path)
    assert document.title == "AI Billing Software Pricing"
    assert heading_paths(document)[:2] == [("Plans and prices",), ("What each plan includes",)]
    assert ("Growth (mid-tier)", "$299", "$2,990", "10", "2,000") in tables(document)[0].rows
    assert tables(document)[0].page == 1
    assert paragraphs(document)[0].startswith("TechCorp sells AI Billing Software in three plans")


def test_a_pdf_paragraph_is_one_line_and_split_words_are_whole(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number, line in enumerate(
            ("Invoices go out to every customer auto-", "matically.", "Bye.")
        ):
            canvas.drawString(72, 700 - 14 * number, line)

    document = read(tmp_path, "a.pdf", pdf_of(draw))
    assert paragraphs(document) == ["Invoices go out to every customer automatically.", "Bye."]


def test_justified_pdf_prose_is_not_taken_for_a_table(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Courier", 10)
        for number in range(3):
            canvas.drawString(72, 700 - 14 * number, "rinse the salt  off and pat dry  the slices")

    assert tables(read(tmp_path, "a.pdf", pdf_of(draw))) == []


def test_csv_is_a_table_whatever_its_delimiter(tmp_path: Path) -> None:
    document = read(tmp_path, "plans.csv", 'Plan;Price\nGrowth;"$2,990; yearly"\nStarter;$990\n')
    assert tables(document)[0].rows == (("Growth", "$2,990; yearly"), ("Starter", "$990"))
    assert document.title == "Plans"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("Café ﬁrst\u200b line\r\nsecond\r\n\r\nNext.".encode(), id="UTF-8"),
        pytest.param("\ufeffCafé first line\nsecond\n\nNext.".encode(), id="UTF-8 with BOM"),
        pytest.param("Café first line\nsecond\n\nNext.".encode("utf-16"), id="UTF-16"),
        pytest.param("Café first line\nsecond\n\nNext.".encode("cp1252"), id="Windows-1252"),
        pytest.param("Cafe\u0301 first line\nsecond\n\nNext.".encode(), id="decomposed accent"),
    ],
)
def test_text_is_normalised_whatever_its_encoding(tmp_path: Path, content: bytes) -> None:
    assert paragraphs(read(tmp_path, "a.txt", content)) == ["Café first line second", "Next."]


def test_a_file_name_that_is_no_utf_8_is_written_out(tmp_path: Path) -> None:
    document = read(tmp_path, os.fsdecode(b"faq/caf\xe9.txt"), "Text.")
    assert (document.path, document.title) == ("faq/caf\\udce9.txt", "Caf")


def encrypted_pdf() -> bytes:
    writer = PdfWriter(
        clone_from=PdfReader(io.BytesIO(pdf_of(lambda canvas: canvas.drawString(72, 700, "Text"))))
    )
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def broken_docx() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("a.txt", b"", "it is empty", id="empty"),
        pytest.param("a.txt", b" \n\t ", "it holds no text", id="only white space"),
        pytest.param("a.txt", b"x" * 1_000_001, "above the limit of 1000000", id="too large"),
        pytest.param("a.xlsx", b"PK", "its format '.xlsx' is not one of", id="unknown format"),
        pytest.param("a.pdf", b"Hello, no PDF", "named .pdf but is no PDF", id="named .pdf"),
        pytest.param("a.docx", b"Hello, no Word", "named .docx but is no Word", id="named .docx"),
        pytest.param("a.docx", b"\xd0\xcf\x11\xe0" * 9, "encrypted or an old .doc", id="old Word"),
        pytest.param("a.txt", b"a\x00b", "binary data where text", id="binary .txt"),
        pytest.param("a.html", b"%PDF-\x00\x01", "binary data where text", id="binary .html"),
        pytest.param("a.md", b"---\ntitle: [\n---\nText", "it is damaged", id="bad front matter"),
        pytest.param("a.pdf", b"%PDF-1.7\ngarbage", "it is damaged", id="damaged PDF"),
        pytest.param("a.docx", broken_docx(), "it is damaged", id="damaged DOCX"),
        pytest.param("a.pdf", encrypted_pdf(), "it is encrypted", id="encrypted PDF"),
        pytest.param(
            "a.pdf",
            pdf_of(lambda canvas: canvas.rect(9, 9, 9, 9)),
            "holds no text; a scanned PDF needs text recognition",
            id="PDF without text",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableDocumentError) as caught:
        read(tmp_path, name, content)
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"Document '{name}' cannot be read: ")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Secret.")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(UnreadableDocumentError, match="a link to a file outside the folder"):
        read_document(root / "a.txt", root)
