"""The database itself: migrations, time limits, health; on SQLite and PostgreSQL."""

import asyncio
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from cluster.preflight import free_port
from followup.backends import batch_table  # noqa: F401 - its table is one of the models
from followup.backends.database import Database
from followup.errors import PartUnavailableError
from tests.integration.servers import PostgresServer, postgres_server
from tests.records import make_settings

MIGRATE = """
import asyncio, pathlib, sys
from followup.backends import batch_table  # noqa: F401 - its table is one of the models
from followup.backends.database import Database
from followup.backends.settings import DatabaseSettings
settings = DatabaseSettings(url=sys.argv[1], spool_dir=pathlib.Path("unused"))
asyncio.run(Database(settings).migrate())
"""


async def run_sql(database: Database, *statements: str) -> Any:
    """Run statements in one transaction; the first value of the last one's first row, if any."""
    async with database.session() as session:
        connection = await session.connection()
        for statement in statements:
            result = await connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def find_differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, SQLModel.metadata))


async def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_models(
    database: Database,
) -> None:
    async with database.session() as session:
        connection = await session.connection()
        assert await connection.run_sync(find_differences) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await database.migrate()
    await database.check_health()


async def test_processes_that_migrate_at_the_same_time_take_turns(database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, database_url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    errors = [error.decode() for _, error in outputs]
    assert [process.returncode for process in processes] == [0] * 4, "\n".join(errors)
    database = Database(make_settings(database_url))
    await database.check_health()
    await database.close()


async def test_a_database_without_tables_is_unhealthy_and_names_the_command(
    database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    database = Database(make_settings(database_url))
    with pytest.raises(PartUnavailableError, match="run: lead-assistant up"):
        await database.check_health()
    await database.close()


async def test_sqlite_runs_with_write_ahead_log_foreign_keys_and_normal_sync(
    tmp_path: Path,
) -> None:
    database = Database(make_settings(f"sqlite:///{tmp_path / 'followup.db'}", timeout_seconds=5))
    await database.migrate()
    values = {}
    for pragma in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout"):
        values[pragma] = await run_sql(database, f"PRAGMA {pragma}")
    await database.close()
    assert values == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "synchronous": 1,
        "busy_timeout": 4_000,
    }


async def test_a_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    insert = "INSERT INTO api_key VALUES ('0123456789ab', 't', 'n', '[]', '2026-01-01', NULL, 'h')"
    with pytest.raises(PartUnavailableError):
        await run_sql(database, insert, "SELECT * FROM missing")
    assert await run_sql(database, "SELECT count(*) FROM api_key") == 0


async def test_postgresql_that_refuses_connections_is_unavailable() -> None:
    database = Database(make_settings(f"postgresql://u:hunter2@127.0.0.1:{free_port()}/d"))
    with pytest.raises(PartUnavailableError, match="ConnectionRefusedError") as caught:
        await database.check_health()
    await database.close()
    assert caught.value.retry_after_seconds == 5
    assert "hunter2" not in caught.value.message


async def test_a_missing_postgresql_database_is_unavailable(
    shared_postgres: PostgresServer,
) -> None:
    database = Database(make_settings(f"{shared_postgres.url}_missing"))
    with pytest.raises(PartUnavailableError, match="InvalidCatalogNameError"):
        await database.check_health()
    await database.close()


async def test_a_locked_sqlite_file_is_unavailable_after_the_time_limit(tmp_path: Path) -> None:
    path = tmp_path / "followup.db"
    database = Database(make_settings(f"sqlite:///{path}", timeout_seconds=0.5))
    await database.migrate()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    started_at = time.monotonic()
    with pytest.raises(PartUnavailableError, match="OperationalError"):
        await run_sql(database, "DELETE FROM api_key")
    assert time.monotonic() - started_at < 2
    blocker.execute("ROLLBACK")
    blocker.close()
    await run_sql(database, "DELETE FROM api_key")
    await database.close()


async def test_a_restarted_postgresql_is_used_again_at_once() -> None:
    with postgres_server() as server:
        database = Database(make_settings(server.url))
        await database.migrate()
        await database.check_health()
        server.stop()
        with pytest.raises(PartUnavailableError):
            await database.check_health()
        server.start()
        await database.check_health()
        await database.close()
