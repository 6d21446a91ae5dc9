"""What the running endpoints answer to many leads, read by a checker that is not the product's."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from tests.behaviour.leads import different_leads
from tests.behaviour.sent_replies import unstated, without_hybrid_fields
from tests.integration.running_graph import HYBRID, RAG, RunningGraph

CONCURRENCY = 32
MAX_ROUNDS = 3
_ANSWERED: dict[tuple[str, str, int], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
MIN_WRITTEN_SHARE = 0.7

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
