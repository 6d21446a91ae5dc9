"""What the running endpoints answer to many leads, read by a checker that is not the product's."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from config.ingestion import IngestionSettings
from ingestion.document import Document, Paragraph
from ingestion.readers import parse_document
from tests.behaviour.leads import different_leads
from tests.behaviour.stated_values import StatedValue, unsupported_values
from tests.integration.running_graph import EXAMPLES, HYBRID, RAG, RunningGraph

CONCURRENCY = 32
MAX_ROUNDS = 3
_ANSWERED: dict[tuple[str, str, int], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
MIN_WRITTEN_SHARE = 0.7
KNOWLEDGE_BASE = EXAMPLES / "knowledge_base"
HYBRID_ONLY = {
    "lead_industry",
    "company_size",
    "engagement_pattern",
    "objections_raised",
    "geographic_region",
}

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.parametrize("graph", ["embedded"], indirect=True),
    pytest.mark.parametrize(
        "num_leads",
        [
            pytest.param(6, id="6 leads"),
            pytest.param(200, id="200 leads", marks=pytest.mark.slow),
        ],
    ),
]


@pytest.mark.parametrize("approach", ["rag", "hybrid"])
def test_no_reply_carries_a_value_that_its_sources_do_not_state(
    graph: RunningGraph, approach: str, num_leads: int
) -> None:
    replies = replies_to(graph, approach, num_leads)
    unsupported = {
        reply["message"]: found for body, reply in replies if (found := unstated(body, reply))
    }
    assert unsupported == {}


def test_most_hybrid_replies_are_written_for_the_lead(
    graph: RunningGraph, num_leads: int, record_property: Any
) -> None:
    replies = [reply for _, reply in replies_to(graph, "hybrid", num_leads)]
    reasons = Counter(reply["fallback_reason"] for reply in replies if reply["fallback"])
    record_property("fallbacks", dict(reasons))
    assert sum(reasons.values()) <= (1 - MIN_WRITTEN_SHARE) * len(replies), reasons


def replies_to(
    graph: RunningGraph, approach: str, num_leads: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, reply) of each lead, asked once in a session."""
    key = (graph.url, approach, num_leads)
    if key not in _ANSWERED:
        _ANSWERED[key] = _ask(graph, approach, num_leads)
    return _ANSWERED[key]


def _ask(
    graph: RunningGraph, approach: str, num_leads: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    path = {"rag": RAG, "hybrid": HYBRID}[approach]
    bodies = [
        {"lead_context": lead if approach == "hybrid" else without_hybrid_fields(lead)}
        for lead in different_leads(num_leads)
    ]
    responses: dict[int, httpx.Response] = {}
    for _ in range(MAX_ROUNDS):
        # A machine that is busy with other work as well may pass a deadline: asked once more.
        waiting = [n for n in range(num_leads) if n not in responses or is_late(responses[n])]
        with ThreadPoolExecutor(CONCURRENCY) as threads:
            answers = threads.map(lambda number: graph.post(path, bodies[number]), waiting)
            responses.update(zip(waiting, answers, strict=True))
    statuses = Counter(response.status_code for response in responses.values())
    assert statuses == {HTTPStatus.OK: num_leads}
    return [(body, responses[number].json()) for number, body in enumerate(bodies)]


def is_late(response: httpx.Response) -> bool:
    return response.status_code == HTTPStatus.GATEWAY_TIMEOUT


def without_hybrid_fields(lead: dict[str, Any]) -> dict[str, Any]:
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
