"""The audit on real databases: groups, outages, kills. Every reply is stored exactly once."""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlmodel import select

from cluster.preflight import free_port
from followup.backends import reply_log
from followup.backends.database import Database
from followup.backends.reply_log import ReplyLog
from followup.backends.tables import Reply, ReplyRow
from followup.errors import PartUnavailableError
from tests.integration.servers import postgres_server
from tests.records import make_reply, make_settings

LIMIT_SECONDS = 20.0
UNREACHABLE = "postgresql://nobody@127.0.0.1:{port}/none"

SPOOL_UNTIL_KILLED = """
import asyncio, pathlib, sys
from followup.backends.database import Database
from followup.backends.reply_log import ReplyLog
from tests.records import make_reply, make_settings

async def append_forever():
    log = ReplyLog(Database(make_settings(sys.argv[1])), pathlib.Path(sys.argv[2]))
    async def write():
        while True:
            reply = make_reply()
            assert (await log.append(reply)).spooled
            print(reply.request_id, flush=True)
    await asyncio.gather(*(write() for _ in range(8)))

asyncio.run(append_forever())
"""

REPLAY_KILLED_AT = """
import asyncio, os, pathlib, signal, sys
from followup.backends import reply_log
from followup.backends.audit_spool import SpoolFile
from followup.backends.database import Database
from followup.backends.reply_log import ReplyLog
from tests.records import make_settings

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def insert_then_die(log, replies):
    await insert(log, replies)
    die()

step = sys.argv[3]
insert, remove = ReplyLog._insert, SpoolFile.remove
reply_log.MAX_GROUP = 4
if step == "before the first insert":
    ReplyLog._insert = die
elif step == "between two inserts":
    ReplyLog._insert = insert_then_die
elif step == "between the last insert and the removal":
    SpoolFile.remove = die
elif step == "after a removal":
    SpoolFile.remove = lambda file: (remove(file), die())

log = ReplyLog(Database(make_settings(sys.argv[1])), pathlib.Path(sys.argv[2]))
asyncio.run(log.replay())
"""


async def stored_ids(database: Database) -> list[str]:
    async with database.session() as session:
        return sorted(await session.exec(select(ReplyRow.request_id)))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ids_of(replies: Sequence[Reply]) -> list[str]:
    return sorted(reply.request_id for reply in replies)


async def wait_until_stored(database: Database, replies: Sequence[Reply]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while await stored_ids(database) != ids_of(replies):  # noqa: ASYNC110 - no event to wait on
            await asyncio.sleep(0.05)


async def spool(spool_dir: Path, num_files: int, num_replies: int) -> list[Reply]:
    """Spool replies against a database that refuses connections, file by file."""
    replies = [make_reply() for _ in range(num_files * num_replies)]
    for start in range(0, len(replies), num_replies):
        database = Database(make_settings(UNREACHABLE.format(port=free_port())))
        log = ReplyLog(database, spool_dir)
        for reply in replies[start : start + num_replies]:
            assert (await log.append(reply)).spooled
        await log.close()
        await database.close()
    return replies


async def run_child(source: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, *arguments, stdout=asyncio.subprocess.PIPE
    )


async def test_replies_appended_at_the_same_time_share_transactions_and_are_all_stored(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group_sizes: list[int] = []
    insert = ReplyLog._insert

    async def count(log: ReplyLog, replies: Sequence[Reply]) -> None:
        group_sizes.append(len(replies))
        await insert(log, replies)

    monkeypatch.setattr(ReplyLog, "_insert", count)
    monkeypatch.setattr(reply_log, "MAX_GROUP", 100)
    log = ReplyLog(database, tmp_path / "spool")
    replies = [make_reply() for _ in range(250)]
    appended = await asyncio.gather(*(log.append(reply) for reply in replies))
    await log.close()
    assert not any(one.spooled for one in appended)
    assert await stored_ids(database) == ids_of(replies)
    assert group_sizes == [100, 100, 50]
    assert not (tmp_path / "spool").exists()


async def test_appending_a_reply_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    log = ReplyLog(database, tmp_path)
    reply = make_reply()
    for _ in range(2):
        assert not (await log.append(reply)).spooled
    await log.close()
    assert await stored_ids(database) == [reply.request_id]


async def test_a_caller_that_gives_up_does_not_take_its_reply_or_its_group_along(
    database: Database, tmp_path: Path
) -> None:
    log = ReplyLog(database, tmp_path)
    replies = [make_reply() for _ in range(3)]
    calls = [asyncio.create_task(log.append(reply)) for reply in replies]
    await asyncio.sleep(0)
    calls[0].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    await log.close()
    assert isinstance(results[0], asyncio.CancelledError)
    assert [isinstance(result, BaseException) for result in results] == [True, False, False]
    assert await stored_ids(database) == ids_of(replies)


async def test_closing_waits_for_what_was_appended(database: Database, tmp_path: Path) -> None:
    log = ReplyLog(database, tmp_path)
    replies = [make_reply() for _ in range(50)]
    calls = [asyncio.create_task(log.append(reply)) for reply in replies]
    await asyncio.sleep(0)
    await log.close()
    assert await stored_ids(database) == ids_of(replies)
    await asyncio.gather(*calls)


async def test_replies_of_a_postgresql_outage_are_stored_once_it_is_back(tmp_path: Path) -> None:
    with postgres_server() as server:
        database = Database(make_settings(server.url))
        await database.migrate()
        log = ReplyLog(database, tmp_path)
        log.start()
        replies = [make_reply() for _ in range(40)]
        assert not (await log.append(replies[0])).spooled
        server.stop()
        appended = await asyncio.gather(*(log.append(reply) for reply in replies[1:]))
        assert all(one.spooled for one in appended)
        with pytest.raises(PartUnavailableError):
            await log.replay()
        server.start()
        await wait_until_stored(database, replies)
        last = make_reply()
        assert not (await log.append(last)).spooled
        await log.close()
        assert await stored_ids(database) == ids_of([*replies, last])
        await database.close()
    assert names_in(tmp_path) == []


async def test_a_postgresql_that_stops_under_load_loses_nothing(tmp_path: Path) -> None:
    with postgres_server() as server:
        database = Database(make_settings(server.url))
        await database.migrate()
        log = ReplyLog(database, tmp_path)
        replies: list[Reply] = []
        is_stopping = asyncio.Event()

        async def write() -> None:
            while not is_stopping.is_set():
                replies.append(make_reply())
                await log.append(replies[-1])

        writers = [asyncio.create_task(write()) for _ in range(16)]
        for _ in range(2):
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await log.replay()
        is_stopping.set()
        await asyncio.gather(*writers)
        await log.replay()
        await log.close()
        assert await stored_ids(database) == ids_of(replies)
        await database.close()


async def test_replies_go_to_the_spool_while_another_process_locks_the_sqlite_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "followup.db"
    database = Database(make_settings(f"sqlite:///{path}", timeout_seconds=0.3))
    await database.migrate()
    log = ReplyLog(database, tmp_path / "spool")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    reply = make_reply()
    assert (await log.append(reply)).spooled
    with pytest.raises(PartUnavailableError):
        await log.replay()
    blocker.execute("ROLLBACK")
    blocker.close()
    assert await log.replay() == 1
    assert await log.replay() == 0
    await log.close()
    assert await stored_ids(database) == [reply.request_id]
    await database.close()


@pytest.mark.parametrize(
    "step",
    [
        "before the first insert",
        "between two inserts",
        "between the last insert and the removal",
        "after a removal",
    ],
)
async def test_a_replay_killed_at_any_step_neither_loses_nor_doubles_a_reply(
    database: Database, database_url: str, tmp_path: Path, step: str
) -> None:
    spool_dir = tmp_path / "spool"
    replies = await spool(spool_dir, num_files=2, num_replies=10)
    child = await run_child(REPLAY_KILLED_AT, database_url, str(spool_dir), step)
    assert await asyncio.wait_for(child.wait(), LIMIT_SECONDS) == -9
    log = ReplyLog(database, spool_dir)
    await log.replay()
    await log.close()
    assert await stored_ids(database) == ids_of(replies)
    assert names_in(spool_dir) == []


async def test_a_process_killed_while_it_spools_loses_nothing_it_acknowledged(
    database: Database, tmp_path: Path
) -> None:
    spool_dir = tmp_path / "spool"
    children = [
        await run_child(SPOOL_UNTIL_KILLED, UNREACHABLE.format(port=free_port()), str(spool_dir))
        for _ in range(2)
    ]
    acknowledged: list[str] = []
    for child in children:
        assert child.stdout is not None
        for _ in range(100):
            acknowledged.append((await child.stdout.readline()).decode().strip())
        child.kill()
        acknowledged += (await child.stdout.read()).decode().split()
        await child.wait()
    log = ReplyLog(database, spool_dir)
    await log.replay()
    await log.close()
    assert set(acknowledged) <= set(await stored_ids(database))
    assert len(acknowledged) >= 200


async def test_two_processes_that_replay_one_folder_store_each_reply_once(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    replies = await spool(tmp_path / "spool", num_files=6, num_replies=20)
    children = [
        await run_child(REPLAY_KILLED_AT, database_url, str(tmp_path / "spool"), "never")
        for _ in range(2)
    ]
    for child in children:
        assert await asyncio.wait_for(child.wait(), LIMIT_SECONDS) == 0
    assert await stored_ids(database) == ids_of(replies)
    assert names_in(tmp_path / "spool") == []


async def test_a_damaged_spool_file_is_kept_aside_and_its_good_records_are_stored(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (reply,) = await spool(tmp_path / "spool", num_files=1, num_replies=1)
    (path,) = (tmp_path / "spool").iterdir()
    path.write_bytes(b'{"request_id": "of another version"}\n' + path.read_bytes())
    log = ReplyLog(database, tmp_path / "spool")
    assert await log.replay() == 1
    assert await log.replay() == 0
    await log.close()
    assert await stored_ids(database) == [reply.request_id]
    assert names_in(tmp_path / "spool") == [path.with_suffix(".unreadable").name]
    assert "records that cannot be read" in caplog.text


async def test_a_reply_that_neither_database_nor_disk_takes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    database = Database(make_settings(UNREACHABLE.format(port=free_port())))
    log = ReplyLog(database, tmp_path / "spool")
    with pytest.raises(PartUnavailableError, match="Neither the database nor the spool"):
        await log.append(make_reply())
    await database.close()
