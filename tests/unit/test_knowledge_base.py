"""The example knowledge base holds the facts that the README and the examples rely on."""

import csv
import json
from pathlib import Path

import pytest

from config.ingestion import IngestionSettings
from examples.make_knowledge_base_pdfs import DEFAULT_FOLDER, DOCUMENTS, PdfDocument, write_pdf
from followup.lead import Lead
from followup.passage import Chunk
from ingestion.chunking import chunk_document
from ingestion.document import Document
from ingestion.readers import parse_document

EXAMPLES = DEFAULT_FOLDER.parent
PATHS = sorted(path for path in DEFAULT_FOLDER.rglob("*") if path.is_file())


def read(path: Path) -> Document:
    name = path.relative_to(DEFAULT_FOLDER).as_posix()
    document = parse_document(name, path.read_bytes(), IngestionSettings())
    assert isinstance(document, Document), document
    return document


def chunks_of(path: Path) -> list[Chunk]:
    return chunk_document(read(path), lambda texts: [len(text.split()) + 2 for text in texts], 160)


def text_of(name: str) -> str:
    return "\n".join(chunk.text for chunk in chunks_of(DEFAULT_FOLDER / name))


def test_there_are_15_to_30_documents_of_four_source_types() -> None:
    assert 15 <= len(PATHS) <= 30
    assert {path.relative_to(DEFAULT_FOLDER).parts[0] for path in PATHS} == {
        "pricing",
        "features",
        "case_studies",
        "faq",
    }


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(DEFAULT_FOLDER)))
def test_every_document_reads_with_a_title_and_several_sections(path: Path) -> None:
    document = read(path)
    assert document.title
    assert document.flags == ()
    assert len(document.sections) >= 2
    assert document.source_type == path.relative_to(DEFAULT_FOLDER).parts[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.path)
def test_the_script_writes_the_committed_pdf_byte_for_byte(
    document: PdfDocument, tmp_path: Path
) -> None:
    made = write_pdf(document, tmp_path).read_bytes()
    assert made == (DEFAULT_FOLDER / document.path).read_bytes()


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        pytest.param(
            "pricing/pricing-sheet.pdf",
            "The mid-tier plan is the Growth plan, and it costs $299 per month.",
            id="mid-tier price in words",
        ),
        pytest.param(
            "pricing/pricing-sheet.pdf",
            "Plan: Growth (mid-tier); Price per month: $299; Price per year: $2,990; Users: 10; "
            "Invoices a month: 2,000",
            id="mid-tier price in the table",
        ),
        pytest.param(
            "pricing/roi-sheet.pdf",
            "save 15\u201320 hours a week",
            id="hours saved in the ROI sheet",
        ),
        pytest.param(
            "features/time-savings.md", "save 15\u201320 hours a week", id="hours saved in features"
        ),
        pytest.param(
            "case_studies/northwind-freight.pdf",
            "Northwind Freight saves 18 hours a week",
            id="Northwind Freight",
        ),
        pytest.param(
            "case_studies/tillerby-dental.pdf", "cut billing errors by 62%", id="Tillerby Dental"
        ),
        pytest.param(
            "case_studies/corvane-software.pdf", "won back $48,000", id="Corvane Software"
        ),
        pytest.param("faq/trial.html", "The free trial lasts 14 days.", id="trial"),
        pytest.param("features/onboarding.md", "Growth plan takes 2 weeks", id="onboarding"),
        pytest.param("faq/security.html", "SOC 2 Type II", id="SOC 2"),
    ],
)
def test_a_document_states_its_fact_in_one_piece(name: str, fact: str) -> None:
    assert fact in text_of(name)


def test_no_document_prices_the_growth_plan_differently() -> None:
    text = "\n".join(text_of(str(path.relative_to(DEFAULT_FOLDER))) for path in PATHS)
    sentences = text.replace("\n", " ").split(". ")
    prices = [
        s for s in sentences if "Growth plan costs" in s or "Growth plan is the mid-tier" in s
    ]
    assert len(prices) >= 5
    assert all("$299" in s or "$2,990" in s or s.endswith("$0.08") for s in prices)


def test_sample_leads_are_valid_and_equal_in_both_formats() -> None:
    lines = (EXAMPLES / "leads.jsonl").read_text().splitlines()
    from_json = [json.loads(line) for line in lines]
    with (EXAMPLES / "leads.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    assert len(from_json) == len(from_csv) == 20
    assert len({row["id"] for row in from_json}) == 20
    assert set(from_csv[0]) == {"id", *Lead.model_fields}
    for fields, cells in zip(from_json, from_csv, strict=True):
        assert fields.pop("id") == cells.pop("id")
        given = {name: value for name, value in cells.items() if value}
        objections = given.pop("objections_raised", "")
        given_lead = Lead.model_validate(
            {**given, "objections_raised": objections.split("; ") if objections else []}
        )
        assert given_lead == Lead.model_validate(fields)


@pytest.mark.parametrize("name", ["rag", "hybrid"])
def test_example_requests_carry_a_valid_lead(name: str) -> None:
    request = json.loads((EXAMPLES / "requests" / f"{name}.json").read_text())
    lead = Lead.model_validate(request["lead_context"])
    assert "mid-tier plan" in lead.interaction_history
