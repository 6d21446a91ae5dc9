"""Which messages are held for a person, and what their callers get meanwhile and afterwards."""

import asyncio
from pathlib import Path

import pytest

from followup.backends.database import Database
from followup.backends.settings import DatabaseSettings
from tests.unit.api_world import HYBRID, LEAD, RAG, World, error_of
from tests.unit.approval_calls import APPROVALS, SOUND, ask, decide, hold, pending


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


async def test_whether_a_message_is_drawn_does_not_change_when_it_is_asked_for_again(
    world: World,
) -> None:
    world.set_policy(random_share=0.5)
    for number in range(4):
        statuses = {
            (await ask(world, company_name=f"Company {number}")).status_code for _ in range(12)
        }
        assert len(statuses) == 1


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


async def test_a_change_of_what_a_message_depends_on_asks_again(world: World) -> None:
    first = await hold(world)
    world.knowledge_base = "kb-2"
    assert await hold(world) != first
    assert await hold(world, company_name="Other Inc") != first
    assert len(await pending(world)) == 3


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
