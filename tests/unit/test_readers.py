import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from config.ingestion import IngestionLimits, IngestionSettings
from examples.make_knowledge_base_pdfs import PRICING_SHEET, write_pdf
from ingestion.document import Document, Paragraph, Table, TextKind
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode

SETTINGS = IngestionSettings(
    limits=IngestionLimits(max_document_bytes=1_000_000, max_unpacked_bytes=2_000_000, max_pages=20)
)


NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def read(name: str, content: str | bytes) -> Document:
    data = content.encode() if isinstance(content, str) else content
    document = parse_document(name, data, SETTINGS)
    assert isinstance(document, Document), document
    return document


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


def test_markdown_keeps_headings_paragraphs_lists_and_tables_in_order() -> None:
    document = read(
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


def test_front_matter_names_title_and_source_type_before_heading_and_folder() -> None:
    document = read(
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
def test_the_source_type_comes_from_the_first_folder(name: str, source_type: str) -> None:
    assert read(name, "Text.").source_type == source_type


def test_html_leaves_out_what_a_reader_does_not_see() -> None:
    document = read(
        "faq/a.html",
        "<html><head><title>Page</title><style>p{}</style></head><body><nav>Menu</nav><!-- note -->"
        "<h1>Questions</h1><p>Seen <b>text</b>.</p><p style='display: none'>Hidden one.</p>"
        "<p hidden>Hidden two.</p><div>Loose<p>Inner</p>tail</div><script>x()</script>"
        "<footer>Foot</footer></body></html>",
    )
    assert document.title == "Questions"
    assert paragraphs(document) == ["Seen text.", "Loose", "Inner", "tail"]


def test_an_html_cell_that_spans_is_repeated_under_each_header() -> None:
    document = read(
        "a.html",
        "<table><tr><th>Plan</th><th>Month</th><th>Year</th></tr>"
        "<tr><td rowspan=2>Growth</td><td colspan=2>on request</td></tr>"
        "<tr><td>$299</td><td>$2,990</td></tr></table>",
    )
    assert tables(document)[0].rows == (
        ("Growth", "on request", "on request"),
        ("Growth", "$299", "$2,990"),
    )


def test_docx_keeps_headings_and_tables_in_reading_order() -> None:
    document = read("pricing/a.docx", docx_bytes())
    assert (document.title, document.format) == ("Price list", "docx")
    assert heading_paths(document) == [("Plans",)]
    assert document.sections[0].blocks == (
        Paragraph("Three plans."),
        Table(("Plan", "Price"), (("Growth", "$299"),)),
        Paragraph("After the table."),
    )


def test_pdf_gives_headings_by_font_size_tables_by_layout_and_pages(tmp_path: Path) -> None:
    document = read("pricing/sheet.pdf", write_pdf(PRICING_SHEET, tmp_path).read_bytes())
    assert document.title == "AI Billing Software Pricing"
    assert heading_paths(document)[:2] == [("Plans and prices",), ("What each plan includes",)]
    assert ("Growth (mid-tier)", "$299", "$2,990", "10", "2,000") in tables(document)[0].rows
    assert tables(document)[0].page == 1
    assert paragraphs(document)[0].startswith("TechCorp sells AI Billing Software in three plans")


def test_a_pdf_paragraph_is_one_line_and_split_words_are_whole() -> None:
    def draw(canvas: Canvas) -> None:
        for number, line in enumerate(
            ("Invoices go out to every customer auto-", "matically.", "Bye.")
        ):
            canvas.drawString(72, 700 - 14 * number, line)

    document = read("a.pdf", pdf_of(draw))
    assert paragraphs(document) == ["Invoices go out to every customer automatically.", "Bye."]


def test_justified_pdf_prose_is_not_taken_for_a_table() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Courier", 10)
        for number in range(3):
            canvas.drawString(72, 700 - 14 * number, "rinse the salt  off and pat dry  the slices")

    assert tables(read("a.pdf", pdf_of(draw))) == []


def test_csv_is_a_table_whatever_its_delimiter() -> None:
    document = read("plans.csv", 'Plan;Price\nGrowth;"$2,990; yearly"\nStarter;$990\n')
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
def test_text_is_normalised_whatever_its_encoding(content: bytes) -> None:
    assert paragraphs(read("a.txt", content)) == ["Café first line second", "Next."]


def encrypted_pdf() -> bytes:
    writer = PdfWriter(
        clone_from=PdfReader(io.BytesIO(pdf_of(lambda canvas: canvas.drawString(72, 700, "Text"))))
    )
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def zip_of(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


BROKEN_DOCX = zip_of(word__document_xml=b"<w", **{"[Content_Types]_xml": b"<Types"})
DOCX_BOMB = zip_of(word__document_xml=b" " * 3_000_000)
EXCEL = zip_of(xl__workbook_xml=b"<workbook/>", **{"[Content_Types]_xml": b"<Types/>"})
ENCRYPTED_DOCX = b"\xd0\xcf\x11\xe0" + bytes(500) + "EncryptedPackage".encode("utf-16-le")
DEEP_HTML = "<html><body>" + "<div>" * 300 + "x" + "</div>" * 300
VERY_DEEP_HTML = "<html><body>" + "<b>" * 100_000 + "x"


def many_pages(canvas: Canvas) -> None:
    for _ in range(20):
        canvas.drawString(72, 700, "Text")
        canvas.showPage()


@pytest.mark.parametrize(
    ("name", "content", "code", "reason"),
    [
        pytest.param("a.txt", b"", "empty", "it is empty", id="empty"),
        pytest.param("a.txt", b" \n\t ", "no_text", "it holds no text", id="only white space"),
        pytest.param("a.txt", b"x" * 1_000_001, "too_large", "limit of 1000000", id="too large"),
        pytest.param("a.xlsx", b"PK", "unknown_format", "format '.xlsx' is not one", id="unknown"),
        pytest.param("a", b"Text", "unknown_format", "format '' is not one", id="no ending"),
        pytest.param("a.pdf", b"Hello", "wrong_name", ".pdf but is no PDF", id="text as .pdf"),
        pytest.param("a.docx", b"Hello", "wrong_name", "but is no Word", id="text as .docx"),
        pytest.param("a.docx", EXCEL, "wrong_name", "but is an Excel", id="Excel as .docx"),
        pytest.param("a.html", b"Hello", "wrong_name", "holds no HTML", id="text as .html"),
        pytest.param("a.txt", b"%PDF-1.7", "wrong_name", ".txt but is a PDF", id="PDF as .txt"),
        pytest.param(
            "a.md", b"<!DOCTYPE html><html>", "wrong_name", ".md but is an HTML", id="HTML as .md"
        ),
        pytest.param("a.txt", b"a\x00b", "wrong_name", "binary data where", id="binary as .txt"),
        pytest.param("a.csv", b"\x89PNG\r\n", "wrong_name", "a PNG image", id="image as .csv"),
        pytest.param("a.docx", b"\xd0\xcf\x11\xe0" * 9, "wrong_name", "old Office", id="old Word"),
        pytest.param("a.docx", ENCRYPTED_DOCX, "encrypted", "a password", id="encrypted DOCX"),
        pytest.param("a.docx", BROKEN_DOCX, "damaged", "it is damaged", id="damaged DOCX"),
        pytest.param("a.docx", docx_bytes()[:2_000], "damaged", "it is damaged", id="cut DOCX"),
        pytest.param("a.docx", DOCX_BOMB, "too_large", "it unpacks to 3000000", id="DOCX bomb"),
        pytest.param("a.md", b"---\ntitle: [\n---\nText", "damaged", "damaged", id="bad YAML"),
        pytest.param("a.html", DEEP_HTML, "too_large", "more than 200 deep", id="nested HTML"),
        pytest.param("a.html", VERY_DEEP_HTML, "too_large", "than 200 deep", id="deeply nested"),
        pytest.param("a.pdf", b"%PDF-1.7\ngarbage", "damaged", "it is damaged", id="damaged PDF"),
        pytest.param("a.pdf", encrypted_pdf(), "encrypted", "a password", id="encrypted PDF"),
        pytest.param("a.pdf", pdf_of(many_pages), "too_large", "21 pages", id="too many pages"),
        pytest.param(
            "a.pdf",
            pdf_of(lambda canvas: canvas.rect(9, 9, 9, 9)),
            "no_text",
            "a scanned PDF needs text recognition",
            id="PDF without text",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    name: str, content: str | bytes, code: str, reason: str
) -> None:
    data = content.encode() if isinstance(content, str) else content
    rejected = parse_document(name, data, SETTINGS)
    assert isinstance(rejected, Reject)
    assert (rejected.document, rejected.code) == (name, RejectCode(code))
    assert reason in rejected.reason


def test_a_list_and_code_keep_what_they_are() -> None:
    document = read("a.md", "Run:\n\n```\nif x:\n    go()\n\nend\n```\n\n1. One\n2. Two\n")
    blocks = [block for section in document.sections for block in section.blocks]
    assert blocks == [
        Paragraph("Run:"),
        Paragraph("if x:\n    go()\n\nend", kind=TextKind.CODE),
        Paragraph("One", kind=TextKind.LIST_ITEM),
        Paragraph("Two", kind=TextKind.LIST_ITEM),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("Grüße aus Köln, schöne Aussicht für später".encode("utf-16-le"),
                     "Grüße aus Köln, schöne Aussicht für später", id="UTF-16 without a mark"),
        pytest.param("Прайс-лист компании на русском языке, цены в рублях".encode("cp1251"),
                     "Прайс-лист компании на русском языке, цены в рублях", id="Cyrillic"),
        pytest.param("Zażółć gęślą jaźń — 5 €".encode(), "Zażółć gęślą jaźń — 5 €", id="UTF-8"),
        pytest.param("Preis: 5 € für “Größe”".encode("cp1252"), "Preis: 5 € für “Größe”",
                     id="Windows-1252"),
        pytest.param(b"one\rtwo\r\nthree", "one two three", id="mixed line ends"),
        pytest.param("\uff30\uff32\uff29\uff23\uff25 10² ½".encode(), "PRICE 10² ½",
                     id="full width letters, but figures keep their form"),
        pytest.param("auto\u00admatic".encode(), "automatic", id="soft hyphen"),
    ],
)  # fmt: skip
def test_text_in_any_encoding_reads_the_same(content: bytes, text: str) -> None:
    assert paragraphs(read("a.txt", content)) == [text]


def test_an_html_page_is_decoded_as_it_declares() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Цена</p></body></html>'
    assert paragraphs(read("a.html", page.encode("cp1251"))) == ["Цена"]


def test_docx_text_in_content_controls_and_insertions_is_read_and_deleted_text_is_not() -> None:
    document = docx.Document()
    body = document.add_paragraph("Kept. ")
    inserted = parse_xml(f'<w:ins {NAMESPACE} w:id="1"><w:r><w:t>Inserted.</w:t></w:r></w:ins>')
    deleted = parse_xml(
        f'<w:del {NAMESPACE} w:id="2"><w:r><w:delText>Deleted.</w:delText></w:r></w:del>'
    )
    body._p.extend([inserted, deleted])
    control = parse_xml(
        f"<w:sdt {NAMESPACE}><w:sdtContent><w:p><w:r><w:t>Controlled.</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    document.element.body.insert(0, control)
    buffer = io.BytesIO()
    document.save(buffer)
    assert paragraphs(read("a.docx", buffer.getvalue())) == ["Controlled.", "Kept. Inserted."]
