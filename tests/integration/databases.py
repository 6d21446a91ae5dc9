"""Fixtures: each test that asks for `database_url` or `database` runs on SQLite and PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from followup.backends.database import Database
from tests.integration.servers import PostgresServer, postgres_server
from tests.records import make_settings


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[PostgresServer]:
    """One server for all tests that leave it running."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'followup.db'}"
    server: PostgresServer = request.getfixturevalue("shared_postgres")
    return server.create_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of each kind."""
    database = Database(make_settings(database_url))
    await database.migrate()
    yield database
    await database.close()
