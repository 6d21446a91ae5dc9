"""python -m examples.make_knowledge_base_pdfs [FOLDER]

Writes the PDFs of the example knowledge base. The files hold no date and no random id and are not
compressed, so running this again gives the same bytes on any machine; a test compares them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import StyleSheet1, getSampleStyleSheet
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

DEFAULT_FOLDER = Path(__file__).parent / "knowledge_base"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table; the first row is its header. Cells are one line each, so that they extract whole."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class PdfSection:
    """A heading with paragraphs and tables under it."""

    heading: str
    blocks: Sequence[str | TableBlock]


@dataclass(frozen=True, slots=True)
class PdfDocument:
    """One PDF: its path inside the knowledge base, title and sections."""

    path: str
    title: str
    sections: Sequence[PdfSection]


PRICING_SHEET = PdfDocument(
    path="pricing/pricing-sheet.pdf",
    title="AI Billing Software Pricing",
    sections=(
        PdfSection(
            "Plans and prices",
            (
                "TechCorp sells AI Billing Software in three plans: Starter, Growth and "
                "Enterprise. The mid-tier plan is the Growth plan, and it costs $299 per month. "
                "The Starter plan costs $99 per month. The Enterprise plan starts at $899 per "
                "month.",
                TableBlock(
                    (
                        ("Plan", "Price per month", "Price per year", "Users", "Invoices a month"),
                        ("Starter", "$99", "$990", "3", "200"),
                        ("Growth (mid-tier)", "$299", "$2,990", "10", "2,000"),
                        ("Enterprise", "from $899", "from $8,990", "Unlimited", "10,000"),
                    )
                ),
                "All prices are in US dollars and without tax. No plan has a setup fee.",
            ),
        ),
        PdfSection(
            "What each plan includes",
            (
                TableBlock(
                    (
                        ("Feature", "Starter", "Growth", "Enterprise"),
                        ("Invoicing automation", "Yes", "Yes", "Yes"),
                        ("QuickBooks and Stripe", "Yes", "Yes", "Yes"),
                        ("Salesforce", "No", "Yes", "Yes"),
                        ("Payment recovery", "No", "Yes", "Yes"),
                        ("Currencies", "1", "12", "45"),
                        ("Onboarding specialist", "No", "Yes", "Yes"),
                        ("Single sign-on", "No", "No", "Yes"),
                        ("Support", "Email", "Email and chat", "24/7 phone"),
                    )
                ),
                "The Growth plan includes Salesforce, payment recovery and an onboarding "
                "specialist at no extra charge.",
            ),
        ),
        PdfSection(
            "Extra invoices",
            (
                "An extra invoice on the Starter plan costs $0.15. An extra invoice on the Growth "
                "plan costs $0.08. An extra invoice on the Enterprise plan costs $0.05.",
            ),
        ),
        PdfSection(
            "Enterprise price",
            (
                "The Enterprise plan starts at $899 per month for 10,000 invoices a month. The "
                "final Enterprise price depends on invoice volume and on the number of companies "
                "billed. TechCorp sends an Enterprise quote within 2 business days.",
            ),
        ),
        PdfSection(
            "Trial and payment",
            (
                "Every plan starts with a free trial of 14 days, and the trial needs no credit "
                "card. Monthly plans can be cancelled at any time. Paying for a year costs ten "
                "months, so two months are free.",
            ),
        ),
    ),
)

ROI_SHEET = PdfDocument(
    path="pricing/roi-sheet.pdf",
    title="Return on Investment of AI Billing Software",
    sections=(
        PdfSection(
            "Hours saved",
            (
                "Teams that use AI Billing Software save 15\u201320 hours a week on billing work. "
                "The time comes from writing invoices, chasing payments and matching payments to "
                "invoices.",
                TableBlock(
                    (
                        ("Billing task", "Hours a week before", "Hours a week after"),
                        ("Writing invoices", "10", "2"),
                        ("Chasing payments", "7", "2"),
                        ("Matching payments", "5", "1"),
                        ("Total", "22", "5"),
                    )
                ),
                "In this example a team saves 17 hours a week.",
            ),
        ),
        PdfSection(
            "What the saved hours are worth",
            (
                "The calculation uses a staff cost of $35 an hour and four weeks a month. Saving "
                "15 hours a week is worth $2,100 a month. Saving 20 hours a week is worth $2,800 a "
                "month.",
                TableBlock(
                    (
                        ("Hours saved a week", "Value a month", "Growth price", "Gain a month"),
                        ("15", "$2,100", "$299", "$1,801"),
                        ("20", "$2,800", "$299", "$2,501"),
                    )
                ),
                "The Growth plan costs $299 per month, so it returns 7 to 9 times its price.",
            ),
        ),
        PdfSection(
            "Payback",
            (
                "The Growth plan pays for itself in the first month. At 15 hours saved a week, the "
                "Growth plan has earned back its monthly price after 3 working days.",
            ),
        ),
    ),
)

NORTHWIND_FREIGHT = PdfDocument(
    path="case_studies/northwind-freight.pdf",
    title="Case Study: Northwind Freight",
    sections=(
        PdfSection(
            "The customer",
            (
                "Northwind Freight is a logistics company with 85 employees. Northwind Freight "
                "sends 1,600 invoices a month and uses the Growth plan.",
            ),
        ),
        PdfSection(
            "The problem",
            (
                "Two people at Northwind Freight copied delivery data into invoices by hand. "
                "Customers of Northwind Freight paid after 47 days on average.",
            ),
        ),
        PdfSection(
            "The results",
            (
                "Northwind Freight saves 18 hours a week with AI Billing Software. Northwind "
                "Freight is now paid after 31 days instead of 47 days.",
                TableBlock(
                    (
                        ("Northwind Freight", "Before", "After"),
                        ("Hours of billing work a week", "26", "8"),
                        ("Days until payment", "47", "31"),
                        ("Invoices sent late", "12%", "1%"),
                    )
                ),
                "Northwind Freight was live 9 business days after signing.",
                '"We got our Fridays back," says Dana Whitlock, controller at Northwind Freight.',
            ),
        ),
    ),
)

TILLERBY_DENTAL = PdfDocument(
    path="case_studies/tillerby-dental.pdf",
    title="Case Study: Tillerby Dental Group",
    sections=(
        PdfSection(
            "The customer",
            (
                "Tillerby Dental Group is a healthcare company with 12 clinics. Tillerby Dental "
                "Group sends 1,150 invoices a month and uses the Growth plan.",
            ),
        ),
        PdfSection(
            "The problem",
            (
                "Tillerby Dental Group thought that switching was risky, because its old system "
                "held six years of patient invoices. At Tillerby Dental Group 4.5% of invoices "
                "had an error.",
            ),
        ),
        PdfSection(
            "The results",
            (
                "Tillerby Dental Group cut billing errors by 62%. Tillerby Dental Group saves 15 "
                "hours a week with AI Billing Software.",
                TableBlock(
                    (
                        ("Tillerby Dental Group", "Before", "After"),
                        ("Hours of billing work a week", "21", "6"),
                        ("Invoices with an error", "4.5%", "1.7%"),
                        ("Billing calls a week", "40", "14"),
                    )
                ),
                "Tillerby Dental Group ran both systems side by side for one billing cycle and "
                "lost no invoice in the switch.",
                '"The switch was calmer than we feared," says Marcus Oyelaran, operations manager '
                "at Tillerby Dental Group.",
            ),
        ),
    ),
)

CORVANE_SOFTWARE = PdfDocument(
    path="case_studies/corvane-software.pdf",
    title="Case Study: Corvane Software",
    sections=(
        PdfSection(
            "The customer",
            (
                "Corvane Software is a subscription software company with 410 employees. Corvane "
                "Software sends 14,000 invoices a month in 6 currencies and uses the Enterprise "
                "plan.",
            ),
        ),
        PdfSection(
            "The problem",
            (
                "Failed card payments cost Corvane Software customers every month. Corvane "
                "Software recovered only 34% of its failed payments by e-mail.",
            ),
        ),
        PdfSection(
            "The results",
            (
                "Corvane Software now recovers 71% of its failed payments. Corvane Software won "
                "back $48,000 in the first quarter with payment recovery. Corvane Software saves "
                "20 hours a week with AI Billing Software.",
                TableBlock(
                    (
                        ("Corvane Software", "Before", "After"),
                        ("Hours of billing work a week", "34", "14"),
                        ("Failed payments recovered", "34%", "71%"),
                        ("Days to close the month", "8", "3"),
                    )
                ),
                "Corvane Software was live 4 weeks after signing.",
                '"Payment recovery paid for the plan," says Ines Falkner, head of finance at '
                "Corvane Software.",
            ),
        ),
    ),
)

DOCUMENTS = (PRICING_SHEET, ROI_SHEET, NORTHWIND_FREIGHT, TILLERBY_DENTAL, CORVANE_SOFTWARE)


def write_pdf(document: PdfDocument, folder: Path) -> Path:
    """Write one document under `folder` and return the path of its file."""
    path = folder / document.path
    path.parent.mkdir(parents=True, exist_ok=True)
    template = SimpleDocTemplate(
        str(path),
        pagesize=LETTER,
        topMargin=48,
        bottomMargin=48,
        title=document.title,
        author="TechCorp",
        invariant=1,
        pageCompression=0,  # zlib builds differ in their output
    )
    template.build(_story(document))
    return path


def _story(document: PdfDocument) -> list[Flowable]:
    styles = getSampleStyleSheet()
    story: list[Flowable] = [Paragraph(document.title, styles["Title"])]
    for section in document.sections:
        story.append(Paragraph(section.heading, styles["Heading2"]))
        for block in section.blocks:
            story.append(_flowable(block, styles))
            story.append(Spacer(1, 6))
    return story


def _flowable(block: str | TableBlock, styles: StyleSheet1) -> Flowable:
    if isinstance(block, str):
        return Paragraph(block, styles["BodyText"])
    style = TableStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
            ("BACKGROUND", (0, 0), (-1, 0), colors.lightgrey),
            ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
        ]
    )
    return Table([list(row) for row in block.rows], style=style, hAlign="LEFT")


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else DEFAULT_FOLDER
    for document in DOCUMENTS:
        print(write_pdf(document, folder))


if __name__ == "__main__":
    main(sys.argv[1:])
