"""Held messages and decisions in the database: once, for good; on SQLite and PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from followup.approval import ApprovalAction, ApprovalStatus
from followup.backends import database as database_module
from followup.backends.approvals import Approvals
from followup.backends.database import Database
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.tables import Outcome
from followup.errors import AlreadyDecidedError, NotFoundError, PartUnavailableError
from tests.integration.servers import PostgresServer
from tests.integration.test_database import run_sql
from tests.records import make_approval, make_decision, make_reply, make_settings, stored_replies

MONDAY = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database)


async def test_a_held_message_comes_back_as_it_was_stored_the_first_time(
    approvals: Approvals,
) -> None:
    approval = make_approval(message="NUL \0 and ' quotes")
    held, is_new = await approvals.hold(approval)
    assert (held.approval, held.status, is_new) == (approval, ApprovalStatus.PENDING, True)
    later = make_approval(approval_id=approval.approval_id, reasons=["random_share"])
    again, is_new = await approvals.hold(later)
    assert (again.approval, is_new) == (approval, False)


async def test_holding_the_same_message_at_the_same_time_stores_one(approvals: Approvals) -> None:
    approval_id = make_approval().approval_id
    stored = await asyncio.gather(
        *(approvals.hold(make_approval(approval_id=approval_id)) for _ in range(8))
    )
    assert sorted(is_new for _, is_new in stored) == [False] * 7 + [True]
    assert len({held.approval.request_id for held, _ in stored}) == 1


async def test_of_many_decisions_at_the_same_time_exactly_one_is_kept(
    approvals: Approvals,
) -> None:
    held, _ = await approvals.hold(make_approval())
    decisions = [
        make_decision(held.approval.approval_id, action=action, reason=f"{action} {number}")
        for number in range(4)
        for action in ApprovalAction
    ]
    results = await asyncio.gather(
        *(approvals.decide("acme", decision) for decision in decisions), return_exceptions=True
    )
    [winner] = [item for item in results if not isinstance(item, BaseException)]
    assert sum(isinstance(item, AlreadyDecidedError) for item in results) == len(decisions) - 1
    assert await approvals.get("acme", held.approval.approval_id) == winner


async def test_another_tenants_held_message_cannot_be_decided(approvals: Approvals) -> None:
    held, _ = await approvals.hold(make_approval(tenant="acme"))
    decision = make_decision(held.approval.approval_id)
    with pytest.raises(NotFoundError, match=held.approval.approval_id):
        await approvals.decide("globex", decision)
    assert (await approvals.get("acme", held.approval.approval_id)).decision is None


@pytest.mark.parametrize("table", ["approval", "approval_decision"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET key_id = 'ffffffffffff'",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE key_id = '0123456789ab'",
    ],
    ids=["update", "delete all", "delete one"],
)
async def test_the_database_itself_refuses_to_change_the_audit_trail(
    database: Database, approvals: Approvals, table: str, statement: str
) -> None:
    held, _ = await approvals.hold(make_approval())
    decided = await approvals.decide("acme", make_decision(held.approval.approval_id))
    with pytest.raises(PartUnavailableError) as caught:
        await run_sql(database, statement.format(table=table))
    assert f"{table} is append-only" in str(caught.value.__cause__)
    assert await approvals.get("acme", held.approval.approval_id) == decided


async def test_postgresql_refuses_to_empty_the_audit_trail_at_once(
    shared_postgres: PostgresServer,
) -> None:
    database = Database(make_settings(shared_postgres.create_database()))
    await database.migrate()
    await Approvals(database).hold(make_approval())
    with pytest.raises(PartUnavailableError) as caught:
        await run_sql(database, "TRUNCATE approval CASCADE")
    await database.close()
    assert "is append-only" in str(caught.value.__cause__)


async def test_sqlite_refuses_to_replace_a_row_of_the_audit_trail(tmp_path: Path) -> None:
    database = Database(make_settings(f"sqlite:///{tmp_path / 'followup.db'}"))
    await database.migrate()
    approvals = Approvals(database)
    held, _ = await approvals.hold(make_approval())
    decided = await approvals.decide("acme", make_decision(held.approval.approval_id))
    for table in ("approval", "approval_decision"):
        await run_sql(database, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608 - no input
        await run_sql(database, f"REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608 - no input
    row = f"'{held.approval.approval_id}', 'reject', '2026-01-01', NULL, NULL, NULL, '[]', '[]'"
    await run_sql(database, f"REPLACE INTO approval_decision VALUES ({row})")  # noqa: S608 - no input
    found = await approvals.get("acme", held.approval.approval_id)
    await database.close()
    assert found == decided


async def test_pages_of_one_instant_hold_every_message_once(approvals: Approvals) -> None:
    stored = [
        make_approval(created_at=MONDAY + timedelta(seconds=number // 3)) for number in range(8)
    ]
    for approval in stored:
        await approvals.hold(approval)
    for approval in stored[::2]:
        await approvals.decide("acme", make_decision(approval.approval_id))
    expected = sorted(stored, key=lambda item: (item.created_at, item.approval_id))
    decided = {item.approval_id for item in stored[::2]}
    for status, wanted in (
        (None, expected),
        (ApprovalStatus.PENDING, [item for item in expected if item.approval_id not in decided]),
        (ApprovalStatus.APPROVED, [item for item in expected if item.approval_id in decided]),
        (ApprovalStatus.REJECTED, []),
    ):
        listed: list[Any] = []
        while page := await approvals.list_held(
            "acme", status, limit=3, after=listed[-1].approval_id if listed else None
        ):
            assert len(page) <= 3
            listed += [held.approval for held in page]
        assert listed == wanted


@pytest.mark.parametrize(("num_written", "num_counted"), [(0, 0), (3, 3), (7, 5)])
async def test_an_adapters_messages_are_counted_up_to_the_limit(
    database: Database, tmp_path: Path, num_written: int, num_counted: int
) -> None:
    version = "acme@0123456789ab"
    written = {"adapter_version": version, "cached": False, "fallback": False}
    others = (
        {"tenant": "globex"}, {"fallback": True}, {"cached": True}, {"adapter_version": "acme@2"},
        {"adapter_version": None},
    )  # fmt: skip
    log = ReplyLog(database, tmp_path)
    for _ in range(num_written):
        await log.append(make_reply(**written))
    for other in others:
        await log.append(make_reply(**(written | other)))
    await log.close()
    counted = await Replies(database).count_messages_of_adapter("acme", version, up_to=5)
    assert counted == num_counted


def migrate_to(revision: str) -> Any:
    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(database_module.MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    return upgrade


async def test_replies_from_before_approvals_survive_the_migration(database_url: str) -> None:
    database = Database(make_settings(database_url))
    if database_url.startswith("sqlite"):
        await database._prepare_sqlite()
    async with database.session() as session:
        await (await session.connection()).run_sync(migrate_to("0001"))
    verdicts = {
        "a": "[]",
        "b": '[{"supported": true}, {"supported": true}]',
        "c": '[{"supported": true}, {"supported": false}]',
        "d": '[{"claim": "says nothing"}]',
    }
    async with database.session() as session:
        connection = await session.connection()
        for letter, stored in verdicts.items():
            await connection.execute(
                text(
                    "INSERT INTO reply VALUES (:id, 'acme', 'rag', '2026-01-01 00:00:00', '{}', "
                    "'m', false, false, NULL, '{}', :verdicts, '[]', 'p', 'm', NULL, 'k', '{}', "
                    "1, 1, NULL)"
                ),
                {"id": letter * 32, "verdicts": stored},
            )
        await connection.execute(
            text(
                "INSERT INTO feedback (tenant, request_id, outcome, occurred_at, recorded_at) "
                "VALUES ('acme', :id, 'replied', '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
            ),
            {"id": "a" * 32},
        )
    await database.migrate()
    migrated = await stored_replies(database, "acme")
    found = {request_id[0]: reply for request_id, reply in migrated.items()}
    assert {letter: item.grounding_verified for letter, item in found.items()} == {
        "a": True, "b": True, "c": False, "d": False,
    }  # fmt: skip
    assert {(item.strategy, item.situation, item.approval_id) for item in found.values()} == {
        (None, None, None)
    }
    sent = await Replies(database).add_feedback("acme", "b" * 32, Outcome.SENT, MONDAY)
    assert sent.request_id == "b" * 32
    assert await run_sql(database, "SELECT count(*) FROM feedback") == 2
    held, _ = await Approvals(database).hold(make_approval())
    assert held.status is ApprovalStatus.PENDING
    await database.close()
