"""Approval over HTTP: held messages, decisions, and what the caller gets meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from followup.backends.access import Scope
from followup.backends.database import Database
from followup.backends.settings import DatabaseSettings
from followup.backends.training_messages import list_training_messages
from tests.records import stored_replies
from tests.unit.api_world import HYBRID, LEAD, RAG, World, error_of

APPROVALS = "/api/v1/approvals"
SOUND = (
    "Hi Sarah,\n\nThe Growth plan is our mid-tier plan: $299 per month.\n\n"
    "No rush at all, just reply whenever it suits you."
)
UNSOUND = SOUND.replace("$299", "$199")
BREAKS_A_RULE = SOUND.replace("our mid-tier plan:", "our mid-tier plan, so act now:")


async def ask(world: World, key: str | None = None, **lead: Any) -> httpx.Response:
    return await world.post(RAG, {"lead_context": {**LEAD, **lead}}, key)


async def hold(world: World, **lead: Any) -> str:
    """Ask for a message that the policy holds; the id of its approval."""
    world.set_policy(random_share=1)
    response = await ask(world, **lead)
    assert response.status_code == 202
    approval: str = response.json()["approval"]["id"]
    return approval


async def decide(
    world: World, approval_id: str, action: str, key: str | None = None, **fields: object
) -> httpx.Response:
    return await world.post(f"{APPROVALS}/{approval_id}", {"action": action, **fields}, key)


async def pending(world: World, key: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get(f"{APPROVALS}?status=pending", key)).json()[
        "approvals"
    ]
    return found


async def test_without_a_policy_a_reply_says_that_no_approval_was_asked(world: World) -> None:
    response = await ask(world, deal_value=10_000_000)
    assert (response.status_code, response.json()["approval"]) == (200, None)
    assert await pending(world) == []


async def test_a_held_message_is_202_without_its_text(world: World) -> None:
    world.set_policy(deal_value_from=50_000)
    small = await ask(world, deal_value=49_999)
    large = await ask(world, deal_value=50_000)
    assert (small.status_code, small.json()["approval"]) == (200, None)
    body = large.json()
    assert (large.status_code, body["message"]) == (202, "")
    assert body["approval"]["status"] == "pending"
    assert body["approval"]["reasons"] == ["deal_value"]
    [waiting] = await pending(world)
    assert waiting["id"] == body["approval"]["id"]
    assert waiting["request_id"] == body["request_id"]
    assert "$299" in waiting["message"]


async def test_the_score_and_the_message_do_not_depend_on_the_deal_value(world: World) -> None:
    lead = {**LEAD, "engagement_score": 80}
    plain = (await world.post(HYBRID, {"lead_context": lead})).json()
    rich = (await world.post(HYBRID, {"lead_context": {**lead, "deal_value": 1e6}})).json()
    assert rich["cached"] is False
    for name in ("message", "strategy_used", "strategy_confidence", "hybrid_confidence"):
        assert rich[name] == plain[name]


@pytest.mark.parametrize("value", [-1, 2e12, "much"], ids=["negative", "too large", "text"])
async def test_an_impossible_deal_value_is_422(world: World, value: object) -> None:
    response = await ask(world, deal_value=value)
    assert (response.status_code, error_of(response)["field"]) == (
        422, "lead_context.deal_value",
    )  # fmt: skip


async def test_a_reviewer_sees_the_lead_the_claims_and_the_passages(world: World) -> None:
    approval_id = await hold(world)
    found = (await world.get(f"{APPROVALS}/{approval_id}")).json()
    assert found["lead"]["interaction_history"] == LEAD["interaction_history"]
    assert found["passages"][0]["chunk"]["document"] == "pricing/plans.pdf"
    assert [claim["supported"] for claim in found["grounding"]] == [True] * len(found["grounding"])
    assert found["grounding"]
    assert (found["status"], found["decision"]) == ("pending", None)
    assert found["model_version"] == "model@1"


async def test_an_approved_message_goes_out_as_it_was_written(world: World) -> None:
    approval_id = await hold(world)
    [waiting] = await pending(world)
    decided = await decide(world, approval_id, "approve", reason="Reads well.")
    assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    assert decided.json()["decision"]["reason"] == "Reads well."
    fetched = await world.get(f"{APPROVALS}/{approval_id}/message")
    again = await ask(world)
    assert (fetched.status_code, again.status_code) == (200, 200)
    assert fetched.json()["message"] == again.json()["message"] == waiting["message"]
    assert again.json()["approval"]["status"] == "approved"


async def test_an_edited_message_goes_out_as_it_was_edited(world: World) -> None:
    approval_id = await hold(world)
    decided = await decide(world, approval_id, "edit", message=SOUND)
    assert (decided.status_code, decided.json()["status"]) == (200, "edited")
    claims = decided.json()["decision"]["grounding"]
    assert claims
    assert all(claim["supported"] for claim in claims)
    again = (await ask(world)).json()
    assert again["message"] == SOUND
    assert again["grounding"] == claims
    assert (await world.get(f"{APPROVALS}/{approval_id}/message")).json()["message"] == SOUND


async def test_a_rejected_message_never_goes_out(world: World) -> None:
    approval_id = await hold(world)
    await decide(world, approval_id, "reject", reason="The lead called us today.")
    world.set_policy(deal_value_from=1e9)  # which alone would let it go
    for response in (await ask(world), await world.get(f"{APPROVALS}/{approval_id}/message")):
        error = error_of(response)
        assert (response.status_code, error["code"]) == (409, "message_rejected")
        assert "The lead called us today." in error["message"]
    world.forget_replies()
    assert (await ask(world)).status_code == 409
    assert world.num_writes == 2


async def test_while_it_waits_the_text_is_not_to_be_had(world: World) -> None:
    approval_id = await hold(world)
    response = await world.get(f"{APPROVALS}/{approval_id}/message")
    assert (response.status_code, response.json()["message"]) == (202, "")
    assert response.json()["approval"]["status"] == "pending"


async def test_equal_requests_wait_for_one_decision(world: World) -> None:
    world.set_policy(random_share=1)
    bodies = [(await ask(world)).json() for _ in range(5)]
    together = await asyncio.gather(*(ask(world) for _ in range(5)))
    bodies += [response.json() for response in together]
    assert {body["message"] for body in bodies} == {""}
    assert len({body["approval"]["id"] for body in bodies}) == 1
    assert len({body["request_id"] for body in bodies}) == 10
    assert len(await pending(world)) == 1
    await decide(world, bodies[0]["approval"]["id"], "approve")
    assert (await ask(world)).status_code == 200
    assert await pending(world) == []


async def test_a_cached_reply_does_not_slip_past_a_policy_that_is_new(world: World) -> None:
    assert (await ask(world)).status_code == 200
    world.set_policy(below_confidence=1)
    again = await ask(world)
    assert (again.status_code, again.json()["cached"], again.json()["message"]) == (202, True, "")


async def test_whether_a_message_is_drawn_does_not_change_when_it_is_asked_for_again(
    world: World,
) -> None:
    world.set_policy(random_share=0.5)
    for number in range(4):
        statuses = {
            (await ask(world, company_name=f"Company {number}")).status_code for _ in range(12)
        }
        assert len(statuses) == 1


async def test_a_change_of_what_a_message_depends_on_asks_again(world: World) -> None:
    first = await hold(world)
    world.knowledge_base = "kb-2"
    assert await hold(world) != first
    assert await hold(world, company_name="Other Inc") != first
    assert len(await pending(world)) == 3


async def test_a_message_is_decided_once(world: World) -> None:
    approval_id = await hold(world)
    assert (await decide(world, approval_id, "reject", reason="No.")).status_code == 200
    for action in ({"action": "approve"}, {"action": "edit", "message": SOUND}):
        response = await world.post(f"{APPROVALS}/{approval_id}", action)
        error = error_of(response)
        assert (response.status_code, error["code"]) == (409, "already_decided")
        assert "rejected" in error["message"]
    assert (await world.get(f"{APPROVALS}/{approval_id}")).json()["status"] == "rejected"


async def test_of_two_decisions_at_the_same_time_one_wins(world: World) -> None:
    approval_id = await hold(world)
    answers = await asyncio.gather(
        decide(world, approval_id, "approve"),
        decide(world, approval_id, "reject", reason="No."),
        decide(world, approval_id, "edit", message=SOUND),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await world.get(f"{APPROVALS}/{approval_id}")).json() == winner


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        pytest.param(UNSOUND, "grounding", "$199", id="unsupported claim"),
        pytest.param(BREAKS_A_RULE, "violations", "act now", id="broken rule"),
        pytest.param("Yes.", "violations", "not_empty|name_once|greeting", id="no message"),
    ],
)
async def test_an_unsound_edit_is_refused_with_the_verdicts(
    world: World, text: str, field: str, said: str
) -> None:
    approval_id = await hold(world)
    response = await decide(world, approval_id, "edit", message=text)
    error = error_of(response)
    assert (response.status_code, error["code"], error["field"]) == (422, "unsound_edit", "message")
    assert any(word in str(error[field]) for word in said.split("|"))
    [waiting] = await pending(world)
    assert waiting["id"] == approval_id
    assert (await decide(world, approval_id, "edit", message=SOUND)).status_code == 200


async def test_where_the_policy_only_labels_an_unsound_edit_is_kept_with_its_verdicts(
    world: World,
) -> None:
    approval_id = await hold(world)
    world.set_policy(random_share=1, unsound_edits="label")
    decided = (await decide(world, approval_id, "edit", message=UNSOUND)).json()
    assert decided["status"] == "edited"
    assert [claim["claim"] for claim in decided["decision"]["grounding"] if not claim["supported"]]
    again = (await ask(world)).json()
    assert again["message"] == UNSOUND
    assert not all(claim["supported"] for claim in again["grounding"])


async def test_an_edit_is_held_against_the_passages_of_its_own_time(world: World) -> None:
    approval_id = await hold(world)
    world.passages.clear()
    assert (await decide(world, approval_id, "edit", message=SOUND)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"action": "edit"},
        {"action": "edit", "message": "  "},
        {"action": "edit", "message": "x" * 8_001},
        {"action": "approve", "message": SOUND},
        {"action": "reject"},
        {"action": "reject", "reason": " "},
        {"action": "reject", "reason": "x" * 2_001},
        {"action": "postpone"},
        {"action": "approve", "by": "me"},
        {},
    ],
    ids=lambda body: "-".join(f"{key}:{str(value)[:9]}" for key, value in body.items()) or "none",
)
async def test_a_decision_that_is_none_is_422(world: World, body: dict[str, object]) -> None:
    approval_id = await hold(world)
    response = await world.post(f"{APPROVALS}/{approval_id}", body)
    assert (response.status_code, error_of(response)["code"]) == (422, "invalid_input")
    assert len(await pending(world)) == 1


async def test_pages_hold_every_held_message_once_the_oldest_first(world: World) -> None:
    ids = [await hold(world, company_name=f"Company {number}") for number in range(5)]
    await decide(world, ids[1], "approve")
    listed: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await world.get(f"{APPROVALS}?limit=2{cursor and '&cursor='}{cursor}")).json()
        assert len(page["approvals"]) <= 2
        listed += [item["id"] for item in page["approvals"]]
        cursor = page["next_cursor"]
    assert listed == ids
    waiting = [item["id"] for item in await pending(world)]
    assert waiting == [item for item in ids if item != ids[1]]
    approved = (await world.get(f"{APPROVALS}?status=approved")).json()
    assert [item["id"] for item in approved["approvals"]] == [ids[1]]
    assert approved["next_cursor"] is None


@pytest.mark.parametrize(
    "query", ["status=done", "limit=0", "limit=201", "cursor=x", "cursor=" + "0" * 32]
)
async def test_a_wrong_query_is_refused(world: World, query: str) -> None:
    response = await world.get(f"{APPROVALS}?{query}")
    assert (response.status_code, error_of(response)["code"]) in [
        (422, "invalid_input"),
        (404, "not_found"),
    ]


async def test_another_tenants_approvals_do_not_exist(world: World) -> None:
    scopes = [Scope.GENERATE, Scope.APPROVE]
    acme = (await world.keys.create_key("acme", "crm", scopes)).token
    zeta = (await world.keys.create_key("zeta", "crm", scopes)).token
    world.set_policy(random_share=1)
    approval_id = (await ask(world, acme)).json()["approval"]["id"]
    assert len(await pending(world, acme)) == 1
    assert await pending(world, zeta) == []
    foreign = [
        await world.get(f"{APPROVALS}/{approval_id}", zeta),
        await world.get(f"{APPROVALS}/{approval_id}/message", zeta),
        await world.get(f"{APPROVALS}?cursor={approval_id}", zeta),
        await decide(world, approval_id, "approve", zeta),
    ]
    assert [response.status_code for response in foreign] == [404] * 4
    assert len(await pending(world, acme)) == 1


async def test_only_a_key_that_may_approve_decides_and_is_named(world: World) -> None:
    crm = await world.keys.create_key("acme", "crm", [Scope.GENERATE])
    reviewer = await world.keys.create_key("acme", "reviewer", [Scope.APPROVE])
    world.set_policy(random_share=1)
    approval_id = (await ask(world, crm.token)).json()["approval"]["id"]
    refused = [
        await world.get(APPROVALS, crm.token),
        await world.get(f"{APPROVALS}/{approval_id}", crm.token),
        await decide(world, approval_id, "approve", crm.token),
        await world.get(f"{APPROVALS}/{approval_id}/message", reviewer.token),
    ]
    assert [response.status_code for response in refused] == [403] * 4
    decided = (await decide(world, approval_id, "approve", reviewer.token)).json()
    assert decided["requested_by"] == crm.key.key_id
    assert decided["decision"]["key_id"] == reviewer.key.key_id
    fetched = await world.get(f"{APPROVALS}/{approval_id}/message", crm.token)
    assert fetched.status_code == 200


async def test_what_never_left_has_no_outcome(world: World) -> None:
    world.set_policy(random_share=1)
    body = (await ask(world)).json()
    feedback = {"request_id": body["request_id"], "outcome": "replied"}
    early = await world.post("/api/v1/feedback", feedback)
    assert (early.status_code, error_of(early)["code"]) == (409, "message_not_released")
    await decide(world, body["approval"]["id"], "approve")
    assert (await world.post("/api/v1/feedback", feedback)).status_code == 200
    other = (await ask(world, company_name="Other Inc")).json()
    await decide(world, other["approval"]["id"], "reject", reason="No.")
    refused = await world.post("/api/v1/feedback", {**feedback, "request_id": other["request_id"]})
    assert (refused.status_code, error_of(refused)["code"]) == (409, "message_not_released")


async def test_the_audit_names_the_approval_of_each_request(world: World) -> None:
    approval_id = await hold(world)
    await decide(world, approval_id, "edit", message=SOUND)
    again = (await ask(world)).json()
    stored = await stored_replies(world.database, "default")
    assert len(stored) == 2
    assert {item.approval_id for item in stored.values()} == {approval_id}
    assert stored[again["request_id"]].message == SOUND
    assert {item.situation for item in stored.values()} == {"standard"}
    assert {item.strategy for item in stored.values()} == {"medium_intent"}
    assert {item.grounding_verified for item in stored.values()} == {True}


async def test_good_edits_and_approvals_are_kept_as_training_data(
    world: World, tmp_path: Path
) -> None:
    ids = [await hold(world, company_name=f"Company {number}") for number in range(5)]
    await decide(world, ids[0], "edit", message=SOUND, reason="Warmer.")
    await decide(world, ids[1], "approve")
    await decide(world, ids[2], "reject", reason="No.")
    await decide(world, ids[3], "approve")
    for number, outcomes in (
        (0, ["sent", "meeting"]),
        (1, ["sent"]),
        (3, ["replied", "unsubscribed"]),
    ):
        released = (await ask(world, company_name=f"Company {number}")).json()
        for outcome in outcomes:
            feedback = {"request_id": released["request_id"], "outcome": outcome}
            assert (await world.post("/api/v1/feedback", feedback)).status_code == 200
    database = Database(
        DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/db", spool_dir=tmp_path)
    )
    [kept] = await list_training_messages(database, "default")
    assert await list_training_messages(database, "default", after=ids[0]) == []
    assert await list_training_messages(database, "acme") == []
    await database.close()
    assert kept.held.approval.approval_id == ids[0]
    assert kept.held.approval.lead["company_name"] == "Company 0"
    assert "$299" in kept.held.approval.message != SOUND
    assert kept.held.released_message == SOUND
    assert kept.held.decision is not None
    assert kept.held.decision.reason == "Warmer."
    assert [event.outcome for event in kept.outcomes] == ["sent", "meeting"]


async def test_without_the_database_nothing_passes_the_policy(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.set_policy(deal_value_from=1)
    away = Database(
        DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/no/db", spool_dir=tmp_path)
    )
    monkeypatch.setattr(world.parts.service.gate.approvals, "_database", away)
    for lead in (LEAD, {**LEAD, "deal_value": 5}):
        response = await world.post(RAG, {"lead_context": lead})
        assert (response.status_code, error_of(response)["code"]) == (503, "part_unavailable")
        assert int(response.headers["Retry-After"]) >= 1
    await away.close()


async def test_held_and_decided_messages_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[dict[str, str]] = []
    monkeypatch.setattr(world.parts.metrics.approvals, "inc", lambda *, tags: counted.append(tags))
    approval_id = await hold(world)
    await ask(world)
    await decide(world, approval_id, "approve")
    await decide(world, approval_id, "approve")
    assert [(tags["status"], tags["tenant"]) for tags in counted] == [
        ("pending", "default"),
        ("approved", "default"),
    ]


async def test_the_first_messages_of_each_adapter_version_are_held(
    world: World,
) -> None:
    world.promote("acme@0123456789ab")
    world.set_policy(first_messages_of_adapter=2)

    async def statuses(numbers: range) -> list[int]:
        asked = [
            await world.post(
                HYBRID, {"lead_context": {**LEAD, "company_name": f"Company {number}"}}
            )
            for number in numbers
        ]
        assert not any(response.json()["fallback"] for response in asked)
        return [response.status_code for response in asked]

    assert await statuses(range(4)) == [202, 202, 200, 200]
    # What was held stays held, though the adapter has written enough since.
    assert await statuses(range(4)) == [202, 202, 200, 200]
    assert [item["reasons"] for item in await pending(world)] == [["new_adapter"]] * 2
    assert (await ask(world)).status_code == 200  # rag: no adapter wrote it
    world.promote("acme@ba9876543210")
    assert await statuses(range(10, 13)) == [202, 202, 200]
