"""Which requests share a message over HTTP, and which never do."""

import asyncio
from collections.abc import Callable

import pytest

from followup.backends.access import Scope
from followup.errors import DeadlineExceededError
from followup.pipeline import Pipeline
from tests.records import stored_replies
from tests.unit.api_world import LEAD, RAG, SETTINGS, World, error_of


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
        world.change_service(**changes)

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
