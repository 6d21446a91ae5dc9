"""What the HTTP API refuses, with which status and in which words."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from deployments.auth import Authenticator
from deployments.middleware import MAX_BODY_BYTES
from followup.backends.access import Scope
from followup.backends.rate_limiter import RateLimiter
from followup.errors import FollowupError, OverloadedError, PartUnavailableError
from tests.fakes import FakeNodes
from tests.unit.api_world import FINETUNED, HYBRID, LEAD, RAG, World, client_of, error_of


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
    world.change_service(timeout_seconds=0.05)
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


async def test_a_wrong_method_is_405_and_says_which_are_allowed(world: World) -> None:
    response = await world.client.get(RAG)
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


async def test_an_unknown_path_is_404_in_the_one_shape(world: World) -> None:
    response = await world.client.get("/nothing")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
