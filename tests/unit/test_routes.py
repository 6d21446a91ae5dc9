"""The HTTP API without Ray: bodies, tenants, errors, cache and audit. Fake nodes, SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments.auth import Authenticator
from deployments.health_api import Health
from deployments.middleware import MAX_BODY_BYTES
from followup.backends.access import Scope
from followup.backends.rate_limiter import RateLimiter
from followup.errors import (
    DeadlineExceededError,
    FollowupError,
    OverloadedError,
    PartUnavailableError,
)
from followup.pipeline import Pipeline
from tests.fakes import FakeNodes
from tests.records import stored_replies
from tests.unit.api_world import (
    FINETUNED,
    HYBRID,
    LEAD,
    RAG,
    SETTINGS,
    StubHealth,
    World,
    client_of,
    error_of,
)


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


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (RAG, {"lead_context": {**LEAD, "nickname": "S"}}, "lead_context.nickname"),
        (RAG, {"lead_context": LEAD, "rag_config": {"top_k": 51}}, "rag_config.top_k"),
        (RAG, {"lead_context": LEAD, "max_tokens": 15}, "max_tokens"),
        (RAG, {"lead_context": {**LEAD, "lead_name": " \u200b"}}, "lead_context.lead_name"),
        (RAG, {"lead_context": {**LEAD, "lead_name": "x" * 201}}, "lead_context.lead_name"),
        (RAG, {}, "lead_context"),
        (
            RAG,
            {"lead_context": LEAD, "rag_config": {"source_types": ['x" or tenant != "']}},
            "rag_config.source_types.0",
        ),
        (FINETUNED, {"lead_profile": LEAD, "temperature": 2.1}, "temperature"),
        (FINETUNED, {"lead_profile": {**LEAD, "lead_stage": "lost"}}, "lead_profile.lead_stage"),
        (HYBRID, {"lead_context": {**LEAD, "lead_score": 101}}, "lead_context.lead_score"),
        (
            HYBRID,
            {"lead_context": LEAD, "generation_config": {"fusion_weight_rag": 1.5}},
            "generation_config.fusion_weight_rag",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
async def test_a_bad_field_is_422_and_named(
    world: World, path: str, body: object, field: str
) -> None:
    response = await world.post(path, body)
    error = error_of(response)
    assert (response.status_code, error["code"], error["field"]) == (422, "invalid_input", field)
    assert world.num_writes == 0


async def test_equal_requests_are_written_once_and_then_come_from_the_cache(world: World) -> None:
    world.hold = asyncio.Event()
    calls = [asyncio.create_task(world.post(RAG, {"lead_context": LEAD})) for _ in range(8)]
    await world.has_begun.wait()
    world.hold.set()
    bodies = [(await call).json() for call in calls]
    again = (await world.post(RAG, {"lead_context": LEAD})).json()
    assert world.num_writes == 1
    assert {body["message"] for body in bodies} == {again["message"]}
    assert again["cached"] is True
    assert len({body["request_id"] for body in [*bodies, again]}) == 9


async def test_one_who_joins_late_is_not_bound_to_the_first_ones_deadline(world: World) -> None:
    world.hold = asyncio.Event()
    world.passing_failures = [DeadlineExceededError("The deadline passed.")]
    first = asyncio.create_task(world.post(RAG, {"lead_context": LEAD}))
    await world.has_begun.wait()
    second = asyncio.create_task(world.post(RAG, {"lead_context": LEAD}))
    await world.has_joined.wait()
    world.hold.set()
    assert ((await first).status_code, (await second).status_code) == (504, 200)


@pytest.mark.parametrize(
    "change",
    [
        {"interaction_history": "Asked whether it works with QuickBooks."},
        {"company_name": "Other Inc"},
        {"engagement_score": 3},
        {"tone_required": "professional"},
    ],
    ids=["history", "company", "score", "tone"],
)
async def test_two_leads_of_one_name_never_share_a_message(
    world: World, change: dict[str, object]
) -> None:
    first = await world.post(RAG, {"lead_context": LEAD})
    second = await world.post(RAG, {"lead_context": {**LEAD, **change}})
    assert (first.json()["cached"], second.json()["cached"]) == (False, False)
    assert world.num_writes == 2


def with_service(**changes: object) -> Callable[[World], None]:
    def change(world: World) -> None:
        service = replace(world.parts.service, **changes)  # type: ignore[arg-type]  # test data
        world.client = client_of(replace(world.parts, service=service))

    return change


def with_new_documents(world: World) -> None:
    world.knowledge_base = "kb-2"


@pytest.mark.parametrize(
    "change",
    [
        with_new_documents,
        with_service(model_version="model@2"),
        with_service(rules_version="rules-2"),
        with_service(
            pipeline=Pipeline(
                SETTINGS.scoring,
                SETTINGS.compliance,
                SETTINGS.prompts.model_copy(
                    update={
                        "guidance": SETTINGS.prompts.guidance.model_copy(
                            update={"max_document_words": 99}
                        )
                    }
                ),
                0.65,
            )
        ),
    ],
    ids=["documents", "model", "rules", "prompt"],
)
async def test_a_change_of_what_a_message_depends_on_makes_a_new_one(
    world: World, change: Callable[[World], None]
) -> None:
    await world.post(RAG, {"lead_context": LEAD})
    change(world)
    assert (await world.post(RAG, {"lead_context": LEAD})).json()["cached"] is False


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


async def test_tenants_share_no_cached_message_and_no_feedback(world: World) -> None:
    acme = (await world.keys.create_key("acme", "crm", [Scope.GENERATE])).token
    zeta = (await world.keys.create_key("zeta", "crm", [Scope.GENERATE])).token
    first = (await world.post(RAG, {"lead_context": LEAD}, acme)).json()
    second = (await world.post(RAG, {"lead_context": LEAD}, zeta)).json()
    assert second["cached"] is False
    feedback = {"request_id": first["request_id"], "outcome": "replied"}
    foreign = await world.post("/api/v1/feedback", feedback, zeta)
    assert (foreign.status_code, error_of(foreign)["code"]) == (404, "not_found")
    assert (await world.post("/api/v1/feedback", feedback, acme)).status_code == 200
    assert set(await stored_replies(world.database, "zeta")) == {second["request_id"]}


async def test_a_wrong_revoked_or_missing_key_is_401_and_a_missing_scope_403(world: World) -> None:
    good = await world.keys.create_key("acme", "crm", [Scope.GENERATE])
    ingest = await world.keys.create_key("acme", "docs", [Scope.INGEST])
    wrong = good.token[:-1] + ("A" if good.token[-1] != "A" else "B")
    assert (await world.post(RAG, {"lead_context": LEAD}, good.token)).status_code == 200
    assert (await world.post(RAG, {"lead_context": LEAD}, wrong)).status_code == 401
    assert (await world.post(RAG, {"lead_context": LEAD}, "nonsense")).status_code == 401
    forbidden = await world.post(RAG, {"lead_context": LEAD}, ingest.token)
    assert (forbidden.status_code, error_of(forbidden)["code"]) == (403, "forbidden")
    await world.keys.revoke_key(good.key.key_id)
    revoked = await world.post(RAG, {"lead_context": LEAD}, good.token)
    assert (revoked.status_code, revoked.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_once_a_key_exists_nobody_is_let_in_without_one(world: World) -> None:
    await world.keys.create_key("acme", "crm", [Scope.GENERATE])
    response = await world.post(RAG, {"lead_context": LEAD})
    assert (response.status_code, error_of(response)["code"]) == (401, "unauthenticated")


async def test_where_keyless_access_is_not_allowed_even_the_first_caller_needs_a_key(
    world: World,
) -> None:
    closed = Authenticator(world.keys, allow_keyless=False)
    world.client = client_of(replace(world.parts, authenticator=closed))
    assert (await world.post(RAG, {"lead_context": LEAD})).status_code == 401


async def test_the_limit_of_a_tenant_is_429_with_retry_after(world: World) -> None:
    world.client = client_of(replace(world.parts, limiter=RateLimiter("", "2/minute")))
    acme = (await world.keys.create_key("acme", "crm", [Scope.GENERATE])).token
    zeta = (await world.keys.create_key("zeta", "crm", [Scope.GENERATE])).token
    statuses = [(await world.post(RAG, {"lead_context": LEAD}, acme)).status_code for _ in range(2)]
    refused = await world.post(RAG, {"lead_context": LEAD}, acme)
    other = await world.post(RAG, {"lead_context": LEAD}, zeta)
    assert statuses == [200, 200]
    assert (refused.status_code, error_of(refused)["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (PartUnavailableError("Milvus is away.", retry_after_seconds=7), 503, "part_unavailable"),
        (OverloadedError("The queue is full.", retry_after_seconds=2), 429, "overloaded"),
    ],
    ids=["part down", "queue full"],
)
async def test_a_failing_node_gives_its_status_and_retry_after(
    world: World, failure: FollowupError, status: int, code: str
) -> None:
    world.failure = failure
    response = await world.post(RAG, {"lead_context": LEAD})
    assert (response.status_code, error_of(response)["code"]) == (status, code)
    assert response.headers["Retry-After"] == f"{failure.retry_after_seconds:g}"


async def test_a_request_past_its_deadline_is_504(world: World) -> None:
    with_service(timeout_seconds=0.05)(world)
    world.hold = asyncio.Event()
    response = await world.post(RAG, {"lead_context": LEAD})
    assert (response.status_code, error_of(response)["code"]) == (504, "deadline_exceeded")


async def test_an_unforeseen_error_shows_no_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_(*_: object) -> None:
        message = "secret detail"
        raise RuntimeError(message)

    monkeypatch.setattr(FakeNodes, "validate", break_)
    response = await world.post(RAG, {"lead_context": LEAD})
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "secret" not in response.text


async def test_a_body_over_the_limit_is_413_declared_or_not(world: World) -> None:
    big = b'{"lead_context": "' + b"x" * MAX_BODY_BYTES + b'"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65_536):
            yield big[start : start + 65_536]

    for content in (big, chunks()):
        response = await world.client.post(RAG, content=content)
        assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")


async def test_a_body_over_the_limit_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[dict[str, str]] = []
    monkeypatch.setattr(world.parts.metrics.requests, "inc", lambda *, tags: counted.append(tags))
    await world.client.post(RAG, content=b"x" * (MAX_BODY_BYTES + 1))
    await world.post(RAG, {"lead_context": LEAD})
    assert counted == [
        {"endpoint": "unknown", "status": "413", "tenant": "unknown"},
        {"endpoint": RAG, "status": "200", "tenant": "default"},
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"lead_context": }',
        b"\xff\xfe",
        b'{"\xff": 1}',
        b"[]",
        b"null",
        b"",
        b'{"lead_context":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"max_tokens": ' + b"9" * 5_000 + b"}",
    ],
    ids=["cut", "syntax", "utf-16", "bytes", "list", "null", "empty", "nested", "long number"],
)
async def test_a_body_that_is_no_json_object_is_422_and_the_field_is_the_body(
    world: World, content: bytes
) -> None:
    response = await world.client.post(
        RAG, content=content, headers={"Content-Type": "application/json"}
    )
    error = error_of(response)
    assert (response.status_code, error["code"], error["field"]) == (422, "invalid_input", "body")


async def test_a_wrong_method_is_405_and_says_which_are_allowed(world: World) -> None:
    response = await world.client.get(RAG)
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


async def test_an_unknown_path_is_404_in_the_one_shape(world: World) -> None:
    response = await world.client.get("/nothing")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "occurred_at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1999-12-31T23:59:59Z",
        (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "2026-01-05T10:00:00",
    ],
    ids=["year 1", "year 9999", "before 2000", "day after tomorrow", "no offset"],
)
async def test_feedback_of_an_impossible_time_is_422_and_named(
    world: World, occurred_at: str
) -> None:
    body = {"request_id": "0" * 32, "outcome": "replied", "occurred_at": occurred_at}
    response = await world.post("/api/v1/feedback", body)
    error = error_of(response)
    assert (response.status_code, error["field"]) == (422, "occurred_at")


def num_events(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "db")) as database:
        [(number,)] = database.execute("SELECT count(*) FROM feedback")
    return int(number)


async def test_feedback_without_a_time_that_is_sent_again_is_the_same_event(
    world: World, tmp_path: Path
) -> None:
    reply = (await world.post(RAG, {"lead_context": LEAD})).json()
    body = {"request_id": reply["request_id"], "outcome": "replied"}
    first, again = [await world.post("/api/v1/feedback", body) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json())
    assert num_events(tmp_path) == 1
    other = await world.post("/api/v1/feedback", {**body, "outcome": "meeting"})
    assert other.json()["occurred_at"] > first.json()["occurred_at"]
    monday = {**body, "occurred_at": "2026-01-05T10:00:00+02:00"}
    dated = [await world.post("/api/v1/feedback", monday) for _ in range(2)]
    assert {item.json()["occurred_at"] for item in dated} == {"2026-01-05T08:00:00Z"}
    after = await world.post("/api/v1/feedback", body)
    assert after.json() == dated[0].json()
    assert num_events(tmp_path) == 3


async def test_reports_of_one_outcome_at_the_same_time_are_one_event(
    world: World, tmp_path: Path
) -> None:
    reply = (await world.post(RAG, {"lead_context": LEAD})).json()
    body = {"request_id": reply["request_id"], "outcome": "replied"}
    reports = await asyncio.gather(*(world.post("/api/v1/feedback", body) for _ in range(8)))
    assert [item.status_code for item in reports] == [200] * 8
    assert len({item.json()["occurred_at"] for item in reports}) == 1
    assert num_events(tmp_path) == 1


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
