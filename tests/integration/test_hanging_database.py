"""A PostgreSQL that keeps its connections and answers nothing, really frozen."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from followup.backends.access import Scope
from followup.backends.api_keys import ApiKeys
from followup.backends.database import Database
from followup.backends.reply_log import ReplyLog
from followup.backends.tables import ReplyRow
from followup.errors import PartUnavailableError
from tests.integration.servers import PostgresServer, postgres_server
from tests.records import make_reply, make_settings

TIMEOUT_SECONDS = 2.0
DRIVER_CLOSE_SECONDS = 2.0
"""How long SQLAlchemy waits for asyncpg to close a connection that it gives up."""
AT_ONCE_SECONDS = 0.2
BACK_SECONDS = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
async def database(server: PostgresServer) -> AsyncIterator[Database]:
    made = Database(make_settings(server.create_database(), timeout_seconds=TIMEOUT_SECONDS))
    await made.migrate()
    await made.check_health()
    yield made
    server.thaw()
    await made.close()


async def until_back(database: Database) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while True:
            try:
                await database.check_health()
            except PartUnavailableError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_hanging_database_is_waited_for_once_and_used_again_when_it_answers(
    server: PostgresServer, database: Database
) -> None:
    server.freeze()
    start = time.monotonic()
    with pytest.raises(PartUnavailableError, match=f"no answer within {TIMEOUT_SECONDS:g} s"):
        await database.check_health()
    assert time.monotonic() - start < TIMEOUT_SECONDS + DRIVER_CLOSE_SECONDS + 1
    start = time.monotonic()
    for _ in range(20):
        with pytest.raises(PartUnavailableError, match="stopped answering"):
            await database.check_health()
    assert time.monotonic() - start < AT_ONCE_SECONDS
    server.thaw()
    await until_back(database)


async def test_a_known_key_is_accepted_at_once_while_the_database_hangs(
    server: PostgresServer, database: Database
) -> None:
    keys = ApiKeys(database)
    token = (await keys.create_key("acme", "test", [Scope.GENERATE])).token
    await keys.authenticate(token)
    server.freeze()
    await keys.authenticate(token)
    start = time.monotonic()
    for _ in range(20):
        assert (await keys.authenticate(token)).tenant == "acme"
    assert time.monotonic() - start < AT_ONCE_SECONDS


async def test_a_reply_whose_time_is_up_goes_to_the_spool_and_is_stored_once(
    server: PostgresServer, database: Database, tmp_path: Path
) -> None:
    log = ReplyLog(database, tmp_path)
    server.freeze()
    start = time.monotonic()
    reply = make_reply()
    assert (await log.append(reply, patience_seconds=0.1)).spooled
    assert time.monotonic() - start < TIMEOUT_SECONDS / 2
    server.thaw()
    await until_back(database)
    await log.replay()
    await log.close()
    async with database.session() as session:
        assert [*await session.exec(select(ReplyRow.request_id))] == [reply.request_id]
