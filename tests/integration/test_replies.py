"""Stored replies and feedback, tenant by tenant; on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from followup.backends.database import Database
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.tables import Outcome, Reply
from followup.errors import NotFoundError
from tests.records import make_reply, stored_replies

MONDAY = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def replies(database: Database) -> Replies:
    return Replies(database)


async def store(database: Database, spool_dir: Path, *stored: Reply) -> None:
    log = ReplyLog(database, spool_dir)
    for reply in stored:
        appended = await log.append(reply)
        assert not appended.spooled
    await log.close()


async def test_a_reply_comes_back_as_it_was_stored(database: Database, tmp_path: Path) -> None:
    reply = make_reply(
        created_at=datetime(2026, 3, 2, 11, 30, 0, 123456, timezone(timedelta(hours=2)))
    )
    await store(database, tmp_path, reply)
    assert await stored_replies(database, "acme") == {reply.request_id: reply}
    assert reply.created_at == MONDAY


async def test_characters_that_a_database_cannot_hold_do_not_stop_the_audit(
    database: Database, tmp_path: Path
) -> None:
    reply = make_reply(
        message="NUL \0, surrogate \ud800, emoji 🙂, right-to-left \u202e, quote '; --",
        lead={"k\0": ["\udfff", {"deep": "\0"}]},
        sources=["\0"],
        model_version="m\0",
    )
    await store(database, tmp_path, reply)
    [stored] = (await stored_replies(database, "acme")).values()
    assert stored == reply
    assert stored.message == "NUL �, surrogate �, emoji 🙂, right-to-left \u202e, quote '; --"


async def test_the_same_feedback_twice_is_stored_once(
    database: Database, replies: Replies, tmp_path: Path
) -> None:
    reply = make_reply()
    await store(database, tmp_path, reply)
    first = await replies.add_feedback("acme", reply.request_id, Outcome.REPLIED, MONDAY, "by mail")
    same_instant = MONDAY.astimezone(timezone(timedelta(hours=-5)))
    again = await replies.add_feedback("acme", reply.request_id, Outcome.REPLIED, same_instant, "x")
    assert again == first
    assert first.note == "by mail"
    assert first.occurred_at == MONDAY


@pytest.mark.parametrize(
    ("outcome", "occurred_at"),
    [
        pytest.param(Outcome.MEETING, MONDAY, id="another outcome"),
        pytest.param(Outcome.REPLIED, MONDAY + timedelta(microseconds=1), id="another time"),
    ],
)
async def test_other_feedback_on_the_same_reply_is_stored_too(
    database: Database, replies: Replies, tmp_path: Path, outcome: Outcome, occurred_at: datetime
) -> None:
    reply = make_reply()
    await store(database, tmp_path, reply)
    first = await replies.add_feedback("acme", reply.request_id, Outcome.REPLIED, MONDAY)
    second = await replies.add_feedback("acme", reply.request_id, outcome, occurred_at)
    assert (second.outcome, second.occurred_at) == (outcome, occurred_at)
    assert second != first


@pytest.mark.parametrize("tenant", ["globex", "acme2"])
async def test_feedback_on_another_tenants_reply_is_not_found(
    database: Database, replies: Replies, tmp_path: Path, tenant: str
) -> None:
    reply = make_reply(tenant="acme")
    await store(database, tmp_path, reply)
    with pytest.raises(NotFoundError, match=f"no reply with request_id '{reply.request_id}'"):
        await replies.add_feedback(tenant, reply.request_id, Outcome.SENT, MONDAY)
