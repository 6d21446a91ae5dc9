"""The report's counts, against a plain count in Python; on SQLite and PostgreSQL."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import SQLModel

from followup.approval import ApprovalAction
from followup.backends.database import Database
from followup.backends.outcome_counts import (
    GroupCounts,
    OutcomeCounts,
    Selection,
    count_outcomes,
)
from tests.records import make_approval, make_decision, make_reply, make_settings

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NUM_MANY = 100_000
MAX_SECONDS = 20.0
"""For 100,000 replies on two busy cores; measured: see docs/decisions.md."""


async def insert(database: Database, table: str, rows: Sequence[dict[str, Any]]) -> None:
    async with database.session() as session:
        connection = await session.connection()
        for start in range(0, len(rows), 5_000):
            statement = SQLModel.metadata.tables[table].insert()
            await connection.execute(statement, rows[start : start + 5_000])


def reply_row(**changes: Any) -> dict[str, Any]:
    plain = {"cached": False, "cached_from": None, "fallback": False, "created_at": MONDAY}
    return make_reply(**(plain | changes)).model_dump()


def event(request_id: str, outcome: str, tenant: str = "acme", minutes: int = 0) -> dict[str, Any]:
    at = MONDAY + timedelta(minutes=minutes)
    return {
        "tenant": tenant, "request_id": request_id, "outcome": outcome, "occurred_at": at,
        "recorded_at": at, "note": None,
    }  # fmt: skip


async def counts_of(database: Database, selection: Selection = Selection()) -> OutcomeCounts:  # noqa: B008 - frozen
    found = await count_outcomes(database, selection)
    return sum((group.counts for group in found), OutcomeCounts())


async def test_an_empty_database_has_no_groups(database: Database) -> None:
    assert await count_outcomes(database, Selection()) == []


async def test_a_message_counts_once_however_often_it_was_delivered_or_answered(
    database: Database,
) -> None:
    made = reply_row()
    copies = [reply_row(cached=True, cached_from=made["request_id"]) for _ in range(3)]
    await insert(database, "reply", [made, *copies, reply_row()])
    await insert(
        database,
        "feedback",
        [
            event(made["request_id"], "sent"),
            event(copies[0]["request_id"], "replied"),
            event(copies[0]["request_id"], "replied", minutes=5),
            event(copies[1]["request_id"], "meeting"),
        ],
    )
    counts = await counts_of(database)
    assert (counts.num_messages, counts.num_sent, counts.num_replied) == (2, 1, 1)
    assert (counts.num_converted, counts.num_unsubscribed) == (0, 0)


async def test_messages_are_grouped_by_approach_adapter_and_strategy(database: Database) -> None:
    rows = [
        reply_row(approach="rag", adapter_version=None, strategy="low_intent"),
        reply_row(approach="rag", adapter_version=None, strategy=None),
        reply_row(approach="hybrid", fallback=True, grounding_verified=True),
        reply_row(approach="hybrid", grounding_verified=False),
        reply_row(approach="hybrid", grounding_verified=None),
    ]
    await insert(database, "reply", rows)
    found = await count_outcomes(database, Selection())
    adapter = rows[2]["adapter_version"]
    expected = [
        GroupCounts("hybrid", adapter, "high_intent", OutcomeCounts(3, 1, 1)),
        GroupCounts("rag", None, "low_intent", OutcomeCounts(1, 1)),
        GroupCounts("rag", None, None, OutcomeCounts(1, 1)),
    ]
    assert sorted(map(str, found)) == sorted(map(str, expected))


async def test_what_waits_or_was_rejected_is_not_released(database: Database) -> None:
    approvals = [make_approval() for _ in range(4)]
    await insert(database, "approval", [item.model_dump() for item in approvals])
    actions = [ApprovalAction.APPROVE, ApprovalAction.EDIT, ApprovalAction.REJECT]
    await insert(
        database,
        "approval_decision",
        [
            make_decision(item.approval_id, action=action).model_dump()
            for item, action in zip(approvals, actions, strict=False)
        ],
    )
    rows = [reply_row(approval_id=item.approval_id) for item in approvals]
    again = reply_row(approval_id=approvals[0].approval_id)
    free = reply_row()
    await insert(database, "reply", [*rows, again, free])
    await insert(database, "feedback", [event(row["request_id"], "converted") for row in rows])
    counts = await counts_of(database)
    assert counts.num_messages == 5
    assert (counts.num_approved, counts.num_edited, counts.num_rejected, counts.num_pending) == (
        1, 1, 1, 1,
    )  # fmt: skip
    assert counts.num_released == 3
    # What never left has no outcome, whatever the table holds.
    assert (counts.num_replied, counts.num_converted) == (2, 2)


async def test_a_selection_keeps_to_its_tenant_and_its_time(database: Database) -> None:
    rows = [
        reply_row(tenant="acme", created_at=MONDAY),
        reply_row(tenant="acme", created_at=MONDAY + timedelta(days=1)),
        reply_row(tenant="globex", created_at=MONDAY),
    ]
    await insert(database, "reply", rows)
    await insert(
        database, "feedback", [event(row["request_id"], "replied", row["tenant"]) for row in rows]
    )
    tuesday = MONDAY + timedelta(days=1)
    for selection, number in (
        (Selection(), 3),
        (Selection(tenant="acme"), 2),
        (Selection(tenant="initech"), 0),
        (Selection(since=tuesday), 1),
        (Selection(until=tuesday), 2),
        (Selection("acme", MONDAY, tuesday), 1),
    ):
        counts = await counts_of(database, selection)
        assert (counts.num_messages, counts.num_replied) == (number, number)


@pytest.mark.slow
async def test_a_hundred_thousand_replies_are_counted_in_the_database(database_url: str) -> None:
    database = Database(make_settings(database_url, timeout_seconds=120))
    await database.migrate()
    template = reply_row()
    rows = [
        {
            **template,
            "request_id": uuid4().hex,
            "approach": ("rag", "finetuned", "hybrid")[number % 3],
            "adapter_version": None if number % 3 == 0 else f"acme@{number % 4:012x}",
            "strategy": ("low_intent", "medium_intent", "high_intent")[number % 7 % 3],
            "fallback": number % 10 == 0,
            "created_at": MONDAY + timedelta(seconds=number),
        }
        for number in range(NUM_MANY)
    ]
    await insert(database, "reply", rows)
    events = [event(row["request_id"], "sent") for row in rows[::2]]
    events += [event(row["request_id"], "replied") for row in rows[::5]]
    events += [event(row["request_id"], "converted") for row in rows[::50]]
    await insert(database, "feedback", events)
    started_at = time.perf_counter()
    found = await count_outcomes(database, Selection(tenant="acme", since=MONDAY))
    seconds = time.perf_counter() - started_at
    await database.close()
    total = sum((group.counts for group in found), OutcomeCounts())
    print(f"{database_url.partition(':')[0]}: {NUM_MANY} replies counted in {seconds:.2f} s")
    assert total == OutcomeCounts(
        num_messages=100_000, num_grounded=100_000, num_fallbacks=10_000,
        num_sent=50_000, num_replied=20_000, num_converted=2_000,
    )  # fmt: skip
    expected_rag_low = sum(
        row["approach"] == "rag" and row["strategy"] == "low_intent" for row in rows
    )
    [rag_low] = [g for g in found if (g.approach, g.strategy) == ("rag", "low_intent")]
    assert rag_low.counts.num_messages == expected_rag_low
    assert seconds < MAX_SECONDS
