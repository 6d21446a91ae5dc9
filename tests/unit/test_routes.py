"""The HTTP API without Ray: what the routes answer. Fake nodes, SQLite."""

import pytest

from deployments.health_api import Health
from followup.errors import PartUnavailableError
from tests.records import stored_replies
from tests.unit.api_world import FINETUNED, HYBRID, LEAD, RAG, StubHealth, World, error_of


async def test_rag_answers_with_message_sources_and_confidence(world: World) -> None:
    response = await world.post(RAG, {"lead_context": LEAD})
    body = response.json()
    assert response.status_code == 200, body
    assert body["message"].startswith("Hi Sarah")
    assert "$299" in body["message"]
    assert body["retrieval_sources"] == ["pricing/plans.pdf"]
    assert (body["model_used"], body["cached"], body["fallback"]) == ("rag_llm", False, False)
    assert body["confidence_score"] == pytest.approx(0.9)
    assert all(claim["supported"] for claim in body["grounding"])


async def test_hybrid_says_that_it_ran_without_an_adapter(world: World) -> None:
    body = (await world.post(HYBRID, {"lead_context": {**LEAD, "lead_score": 85}})).json()
    assert body["strategy_used"] == "high_intent"
    assert body["grounding_verified"] is True
    assert body["hybrid_confidence"] == pytest.approx(
        0.6 * body["rag_confidence"] + 0.4 * body["strategy_confidence"]
    )
    metadata = body["generation_metadata"]
    assert "lead-assistant train publish" in metadata["note"]
    assert [item["name"] for item in metadata["candidates"]] == ["base_documents"]
    assert (metadata["num_docs_used"], metadata["fusion_weight"]) == (1, 0.6)
    assert metadata["timestamp"].endswith(("Z", "+00:00"))


async def test_finetuned_without_an_adapter_is_503_and_names_the_command(world: World) -> None:
    response = await world.post(FINETUNED, {"lead_profile": LEAD})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (503, "adapter_missing")
    assert "lead-assistant train publish" in error["message"]
    assert int(response.headers["Retry-After"]) >= 1


async def test_rag_needs_no_adapter_and_the_others_wait_for_the_database_that_names_it(
    world: World,
) -> None:
    world.aliases.failure = PartUnavailableError("The database is not available: it is away.")
    assert (await world.post(RAG, {"lead_context": LEAD})).status_code == 200
    for path, body in ((FINETUNED, {"lead_profile": LEAD}), (HYBRID, {"lead_context": LEAD})):
        response = await world.post(path, body)
        error = error_of(response)
        assert (response.status_code, error["code"]) == (503, "part_unavailable")
        assert "Retry-After" in response.headers


async def test_a_reply_names_the_version_that_wrote_it_by_industry_and_after_a_flip(
    world: World,
) -> None:
    async def model_version(**lead: str) -> str:
        response = await world.post(FINETUNED, {"lead_profile": {**LEAD, **lead}})
        assert response.status_code == 200, response.text
        version: str = response.json()["model_version"]
        return version

    world.promote("acme@0123456789ab")
    world.promote("health@0123456789ab", industry="health-care")
    assert await model_version() == "acme@0123456789ab"
    assert await model_version(lead_industry="Health Care") == "health@0123456789ab"
    assert await model_version(lead_industry="Retail") == "acme@0123456789ab"
    world.promote("acme@ba9876543210")
    # The same request again: what the old version wrote lies in the cache under its own name.
    assert await model_version() == "acme@ba9876543210"


async def test_an_opted_out_lead_gets_no_message(world: World) -> None:
    lead = {**LEAD, "interaction_history": "Please unsubscribe me from your emails."}
    response = await world.post(RAG, {"lead_context": lead})
    assert (response.status_code, error_of(response)["code"]) == (409, "lead_opted_out")
    assert world.num_writes == 0


async def test_nothing_above_the_threshold_gives_the_conservative_reply(world: World) -> None:
    world.passages = []
    body = (await world.post(RAG, {"lead_context": LEAD})).json()
    assert (body["fallback"], body["fallback_reason"]) == (True, "no_documents")
    assert body["confidence_score"] == 0
    assert not any(character.isdigit() for character in body["message"])


async def test_every_reply_is_in_the_audit_under_its_tenant(world: World) -> None:
    first = (await world.post(RAG, {"lead_context": LEAD})).json()
    second = (await world.post(RAG, {"lead_context": LEAD})).json()
    stored = await stored_replies(world.database, "default")
    assert set(stored) == {first["request_id"], second["request_id"]}
    cached = stored[second["request_id"]]
    assert (cached.cached, cached.cached_from) == (True, first["request_id"])
    made = stored[first["request_id"]]
    assert made.message == first["message"]
    assert made.model_version == "model@1"
    assert made.knowledge_base_version == "kb-1"
    assert made.num_completion_tokens == 20
    assert set(made.timings_ms) == {"embedder", "retriever", "generator", "validator"}


async def test_scores_say_why(world: World) -> None:
    lead = {"lead_id": "7", "engagement_score": 90, "engagement_pattern": "daily"}
    one = await world.post("/api/v1/leads/score", {"lead": lead})
    many = await world.post("/api/v1/leads/score", {"leads": [lead, {**LEAD, "lead_score": 10}]})
    [result] = one.json()["results"]
    assert result["lead_id"] == "7"
    assert result["score"] == pytest.approx(sum(p["points"] for p in result["contributions"]))
    assert [item["strategy"] for item in many.json()["results"]] == ["high_intent", "low_intent"]


@pytest.mark.parametrize(
    "body", [{}, {"leads": []}, {"lead": {}, "leads": [{}]}], ids=["none", "empty", "both"]
)
async def test_scoring_needs_either_a_lead_or_leads(world: World, body: object) -> None:
    assert (await world.post("/api/v1/leads/score", body)).status_code == 422


async def test_health_is_503_when_nothing_can_answer(world: World) -> None:
    assert (await world.client.get("/health")).status_code == 200
    StubHealth.report_to_give = Health(status="unhealthy", models={}, services={}, version="1")
    try:
        assert (await world.client.get("/health")).status_code == 503
    finally:
        StubHealth.report_to_give = Health(status="healthy", models={}, services={}, version="1")


async def test_only_configured_origins_may_call_from_a_browser(world: World) -> None:
    for origin, allowed in (("https://crm.example", True), ("https://evil.example", False)):
        response = await world.client.get("/health", headers={"Origin": origin})
        assert (response.headers.get("Access-Control-Allow-Origin") == origin) is allowed


async def test_the_documentation_is_served(world: World) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await world.client.get(path)).status_code == 200
