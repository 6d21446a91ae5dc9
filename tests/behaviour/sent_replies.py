"""Holds replies of the running endpoints against the documents that they name."""

from functools import cache
from typing import Any

from config.ingestion import IngestionSettings
from ingestion.document import Document, Paragraph
from ingestion.readers import parse_document
from tests.behaviour.stated_values import StatedValue, unsupported_values
from tests.integration.running_graph import EXAMPLES

KNOWLEDGE_BASE = EXAMPLES / "knowledge_base"
HYBRID_ONLY = {
    "lead_industry",
    "company_size",
    "engagement_pattern",
    "objections_raised",
    "geographic_region",
}


def without_hybrid_fields(lead: dict[str, Any]) -> dict[str, Any]:
    """What of a hybrid request's lead the rag endpoint takes."""
    return {name: value for name, value in lead.items() if name not in HYBRID_ONLY}


def unstated(body: dict[str, Any], reply: dict[str, Any]) -> set[StatedValue]:
    """Values of the reply that neither the documents it names nor the request state."""
    named = reply["retrieval_sources" if "retrieval_sources" in reply else "rag_sources"]
    lead = body["lead_context"]
    told = [lead["interaction_history"], *lead.get("objections_raised", [])]
    told.append(str(lead["days_since_contact"]))
    return unsupported_values(reply["message"], "\n".join([*map(text_of, named), *told]))


@cache
def text_of(name: str) -> str:
    """A document of the knowledge base as the reader reads it, title and headings included."""
    content = (KNOWLEDGE_BASE / name).read_bytes()
    document = parse_document(name, content, IngestionSettings())
    assert isinstance(document, Document), document
    lines = [document.title]
    for section in document.sections:
        lines += section.heading_path
        for block in section.blocks:
            if isinstance(block, Paragraph):
                lines.append(block.text)
            else:
                lines += [" ; ".join(row) for row in (block.header, *block.rows)]
    return "\n".join(lines)
