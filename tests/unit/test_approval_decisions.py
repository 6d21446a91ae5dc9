"""What a reviewer sees, may decide and leaves behind."""

import asyncio
from pathlib import Path

import pytest

from followup.backends.access import Scope
from followup.backends.database import Database
from followup.backends.settings import DatabaseSettings
from followup.backends.training_messages import list_training_messages
from tests.records import stored_replies
from tests.unit.api_world import LEAD, World, error_of
from tests.unit.approval_calls import APPROVALS, SOUND, ask, decide, hold, pending

UNSOUND = SOUND.replace("$299", "$199")
BREAKS_A_RULE = SOUND.replace("our mid-tier plan:", "our mid-tier plan, so act now:")


async def test_a_reviewer_sees_the_lead_the_claims_and_the_passages(world: World) -> None:
    approval_id = await hold(world)
    found = (await world.get(f"{APPROVALS}/{approval_id}")).json()
    assert found["lead"]["interaction_history"] == LEAD["interaction_history"]
    assert found["passages"][0]["chunk"]["document"] == "pricing/plans.pdf"
    assert [claim["supported"] for claim in found["grounding"]] == [True] * len(found["grounding"])
    assert found["grounding"]
    assert (found["status"], found["decision"]) == ("pending", None)
    assert found["model_version"] == "model@1"


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
