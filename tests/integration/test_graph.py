"""The whole graph on real parts: the spec's examples, tenants, cache, audit, metrics, batching."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from config.ingestion import IngestionSettings
from config.settings import load_settings
from deployments.api import RagRequest
from followup.grounding import check_claims
from followup.passage import Passage
from followup.situation import detect_situation
from followup.validation import known_text
from ingestion.chunking import chunk_document
from ingestion.document import Document
from ingestion.readers import parse_document
from tests.integration.running_graph import (
    EXAMPLES,
    FINETUNED,
    HYBRID,
    RAG,
    RunningGraph,
    example,
    rag_lead,
    wait_until,
)

pytestmark = pytest.mark.timeout(600)
# What depends on neither database nor cache is shown once, on embedded parts.
embedded_only = pytest.mark.parametrize("graph", ["embedded"], indirect=True)
QUESTIONS = (
    "Asked what the mid-tier plan costs and how much time it saves.",
    "Asked about results that other customers had.",
    "Asked how long the trial and the onboarding take.",
)


def test_on_the_loopback_address_it_answers_without_keys_until_there_is_one(
    graph: RunningGraph,
) -> None:
    assert graph.keyless_status == 200
    wait_until(
        lambda: httpx.post(graph.url + RAG, json=example("rag"), timeout=60).status_code == 401,
        what="a call without a key is refused",
    )


@pytest.mark.parametrize("name", ["rag", "hybrid"])
def test_the_examples_of_the_spec_get_a_verified_message_from_the_documents(
    graph: RunningGraph, name: str
) -> None:
    response = graph.post({"rag": RAG, "hybrid": HYBRID}[name], example(name))
    body = response.json()
    assert response.status_code == 200, body
    sources = body["retrieval_sources" if name == "rag" else "rag_sources"]
    lead = example(name)["lead_context"]
    assert body["message"].startswith(f"Hi {lead['lead_name'].split()[0]}")
    assert len(body["message"].split()) <= 120
    assert sources
    assert all((EXAMPLES / "knowledge_base" / source).is_file() for source in sources)
    assert body["grounding"] or body["fallback"]
    assert all(claim["supported"] for claim in body["grounding"])


@embedded_only
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_message_states_nothing_that_its_documents_and_the_request_do_not_hold(
    graph: RunningGraph, question: str
) -> None:
    """Checked against the files themselves, not against what the response says of them."""
    body = rag_lead("Fay Figures", interaction_history=question)
    reply = graph.post(RAG, body).json()
    passages = [item for name in reply["retrieval_sources"] for item in passages_of(name)]
    lead = RagRequest.model_validate(body).to_followup("default").lead
    rules = load_settings().compliance
    known = known_text(lead, detect_situation(lead, rules), rules)
    verdicts = check_claims(reply["message"], passages, known)
    assert [verdict for verdict in verdicts if not verdict.supported] == []


def passages_of(name: str) -> list[Passage]:
    """A document of the example knowledge base in passages of at most 200 words."""
    root = EXAMPLES / "knowledge_base"
    document = parse_document(name, (root / name).read_bytes(), IngestionSettings())
    assert isinstance(document, Document), document
    chunks = chunk_document(document, lambda texts: [len(text.split()) for text in texts], 200)
    return [Passage(chunk=chunk, score=1) for chunk in chunks]


@embedded_only
def test_nothing_above_the_threshold_gives_a_reply_without_figures(graph: RunningGraph) -> None:
    lead = rag_lead("Nell Nothing")
    body = graph.post(RAG, {**lead, "rag_config": {"retrieval_threshold": 1.0}}).json()
    assert (body["fallback"], body["fallback_reason"]) == (True, "no_documents")
    assert not any(character.isdigit() for character in body["message"])


@embedded_only
def test_leads_are_scored(graph: RunningGraph) -> None:
    body = graph.post("/api/v1/leads/score", example("score")).json()
    for result in body["results"]:
        total = sum(part["points"] for part in result["contributions"])
        assert result["score"] == pytest.approx(total)


@embedded_only
def test_finetuned_says_which_command_publishes_an_adapter(graph: RunningGraph) -> None:
    response = graph.post(FINETUNED, example("finetuned"))
    assert (response.status_code, response.json()["error"]["code"]) == (503, "adapter_missing")
    assert "lead-assistant train publish" in response.json()["error"]["message"]


def test_health_tells_embedded_parts_from_servers(graph: RunningGraph) -> None:
    report = graph.health()
    state = "embedded" if graph.is_embedded else "connected"
    assert report["status"] == "healthy"
    assert report["services"] == {"database": state, "redis": state, "vector_db": "embedded"}
    assert report["models"]["rag"]["status"] == "active"
    assert report["models"]["finetuned"]["status"] == "unavailable"


def test_an_equal_request_comes_from_the_cache_and_both_are_in_the_audit(
    graph: RunningGraph,
) -> None:
    first = graph.post(RAG, rag_lead("Cora Cachewell")).json()
    second = graph.post(RAG, rag_lead("Cora Cachewell")).json()
    assert second["message"] == first["message"]
    assert (first["fallback"], first["cached"], second["cached"]) == (False, False, True)
    for body in (first, second):
        feedback = {"request_id": body["request_id"], "outcome": "replied"}
        assert graph.post("/api/v1/feedback", feedback).status_code == 200


def test_two_leads_of_one_name_get_their_own_messages(graph: RunningGraph) -> None:
    one = graph.post(RAG, rag_lead("Sam Twin", interaction_history="Asked about pricing."))
    two = graph.post(RAG, rag_lead("Sam Twin", interaction_history="Asked about security."))
    assert (one.json()["cached"], two.json()["cached"]) == (False, False)
    assert one.json()["retrieval_sources"] != two.json()["retrieval_sources"]


def test_tenants_share_neither_documents_nor_messages_nor_logs(
    graph: RunningGraph, tmp_path: Path
) -> None:
    facts = {
        "acme": "The Falcon plan of AI Billing Software is the mid-tier plan at $411 per month.",
        "zeta": "The Heron plan of AI Billing Software is the mid-tier plan at $522 per month.",
    }
    for tenant, fact in facts.items():
        folder = tmp_path / tenant / "pricing"
        folder.mkdir(parents=True)
        (folder / f"{tenant}.md").write_text(f"# Pricing\n\n{fact}\n")
        graph.command("ingest", str(folder.parent), "--tenant", tenant)
    bodies = {tenant: graph.post(RAG, rag_lead("Tia Tenant"), tenant).json() for tenant in facts}
    for tenant, body in bodies.items():
        assert body["retrieval_sources"] == [f"pricing/{tenant}.md"]
        assert body["cached"] is False
        foreign = "522" if tenant == "acme" else "411"
        assert foreign not in body["message"]
    theirs = {"request_id": bodies["zeta"]["request_id"], "outcome": "sent"}
    assert graph.post("/api/v1/feedback", theirs, "acme").status_code == 404


@embedded_only
def test_a_changed_document_is_seen_and_makes_a_new_message(
    graph: RunningGraph, tmp_path: Path
) -> None:
    folder = tmp_path / "pricing"
    folder.mkdir()
    tenant = "zeta"
    for price in ("$611", "$722"):
        text = f"# Pricing\n\nThe Heron plan of AI Billing Software costs {price} per month.\n"
        (folder / "plans.md").write_text(text)
        graph.command("ingest", str(tmp_path), "--tenant", tenant)
        # The ingress knows a version of the knowledge base for at most a second.
        wait_until(
            lambda price=price: (
                price  # type: ignore[misc]  # bound at once
                in str(graph.post(RAG, rag_lead("Vera Version"), tenant).json()["message"])
            ),
            seconds=30,
            what=f"a message with {price}",
        )


@embedded_only
@pytest.mark.parametrize("scopes", [("ingest",), ("approve",)], ids=lambda value: value[0])
def test_a_key_without_the_scope_is_403(graph: RunningGraph, scopes: tuple[str, ...]) -> None:
    token = graph.create_key("acme", *scopes)["token"]
    response = httpx.post(
        graph.url + RAG, json=example("rag"), headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 403


def test_a_revoked_key_is_refused_by_the_next_call(graph: RunningGraph) -> None:
    key = graph.create_key("acme", "generate")
    headers = {"Authorization": f"Bearer {key['token']}"}
    body = example("score")
    url = graph.url + "/api/v1/leads/score"
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    graph.command("keys", "revoke", key["key_id"])
    assert httpx.post(url, json=body, headers=headers).status_code == 401


@embedded_only
def test_32_requests_at_once_are_one_batch_and_not_32_turns(graph: RunningGraph) -> None:
    """acme's only document is a line, so that the time goes into writing, which a batch shares.

    The nodes before the generator take some 40 ms a request, so only a batch of the engine can
    halve the time.
    """

    def timed(names: list[str]) -> float:
        bodies = [{**rag_lead(name), "max_tokens": 100} for name in names]
        start = time.perf_counter()
        with ThreadPoolExecutor(len(names)) as pool:
            responses = list(pool.map(lambda body: graph.post(RAG, body, "acme"), bodies))
        assert all(response.status_code == 200 for response in responses)
        return time.perf_counter() - start

    alone = min(timed([f"Solo {letter}"]) for letter in "ABC")
    together = timed([f"Many {letter}{half}" for letter in "ABCDEFGHIJKLMNOP" for half in "xy"])
    assert together < 32 * alone / 2


METRICS = (
    "requests_total",
    "request_seconds",
    "node_seconds",
    "tokens_total",
    "reply_cache_total",
    "retrieval_cache_total",
    "retrieval_score",
    "fallbacks_total",
    "verdicts_total",
    "strategies_total",
    "lead_score",
)


@embedded_only
@pytest.mark.parametrize("name", METRICS)
def test_a_documented_metric_is_exported(graph: RunningGraph, name: str) -> None:
    wait_until(lambda: f"ray_lead_assistant_{name}" in graph.metrics(), what=name)


@embedded_only
def test_the_documentation_is_served(graph: RunningGraph) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert httpx.get(graph.url + path, timeout=30).status_code == 200
