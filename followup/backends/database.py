"""Access to the database: SQLite in a file, or PostgreSQL, by URL.

`async with database.session() as session:` is one transaction with a time limit. The tables are
in `tables.py`; `migrate` brings any database, also an empty one, to the newest of `migrations/`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from pydantic_core import to_json
from sqlalchemy import Connection, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.backends.circuit import Circuit
from followup.backends.settings import DatabaseSettings
from followup.errors import PartUnavailableError, SettingError

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
MIGRATION_SECONDS = 120.0
MIGRATION_LOCK = 5_717_046_220_391
"""Any number that no other program on the same PostgreSQL database takes as an advisory lock."""
RETRY_AFTER_SECONDS = 5.0
HANGING = "it stopped answering and is asked again in the background"
MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_BUSY_SHARE = 0.8
"""SQLite waits this share of the time limit for a lock: its own error says more than ours."""


class Database:
    """One engine with its pool. Belongs to the event loop that first uses it.

    Errors: SettingError from the constructor for a URL that cannot be used; from every call
    PartUnavailableError when the database fails or does not answer within `timeout_seconds`, and at
    once after it did not answer, until it answers again.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._url = parse_url(settings.url)
        self._timeout_seconds = settings.timeout_seconds
        self._engine = _create_engine(self._url, settings)
        self._sessions = async_sessionmaker(
            self._engine, class_=AsyncSession, expire_on_commit=False
        )
        self._circuit = Circuit(self._ping)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on an error."""
        if self._circuit.is_open:
            raise _unavailable(HANGING)
        with self._failures_named(self._timeout_seconds):
            try:
                async with (
                    asyncio.timeout(self._timeout_seconds),
                    self._sessions.begin() as session,
                ):
                    yield session
            except TimeoutError:
                self._circuit.open()
                raise

    def insert_once(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that leaves out every row that is already there by a unique key."""
        if self._is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    async def check_health(self) -> None:
        """Raise PartUnavailableError unless the database answers and has been migrated."""
        async with self.session() as session:
            connection = await session.connection()
            await connection.execute(text("SELECT version_num FROM alembic_version"))

    async def migrate(self) -> None:
        """Create or upgrade the tables. Processes that do so at the same time take turns."""
        with self._failures_named(MIGRATION_SECONDS):
            async with asyncio.timeout(MIGRATION_SECONDS):
                if self._is_sqlite:
                    await self._prepare_sqlite()
                async with self._engine.connect() as connection:
                    await connection.run_sync(_upgrade)
                    await connection.commit()
                    await connection.invalidate()  # its long busy wait stays out of the pool

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self._circuit.close()
        await self._engine.dispose()

    async def _ping(self) -> None:
        with self._failures_named(self._timeout_seconds):
            async with asyncio.timeout(self._timeout_seconds), self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    async def _prepare_sqlite(self) -> None:
        """Make the folder and switch the file to write-ahead logging, which then stays."""
        await asyncio.to_thread(
            Path(str(self._url.database)).parent.mkdir, parents=True, exist_ok=True
        )
        async with self._engine.connect() as connection:
            while True:
                try:
                    await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                except OperationalError as error:
                    # SQLite refuses the switch at once, without its busy wait, while another
                    # process makes it.
                    if "locked" not in str(error.orig):
                        raise
                    await asyncio.sleep(0.05)
                else:
                    return

    @contextmanager
    def _failures_named(self, limit_seconds: float) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:  # OSError: refused, and TimeoutError
            raise _unavailable(_cause(error, limit_seconds)) from error


def parse_url(url: str) -> URL:
    """Parse DATABASE_URL; raise SettingError, which hides the password, unless it can be used."""
    allowed = "sqlite:///folder/file.db or postgresql://user:password@host:5432/database"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # Not shown: what cannot be parsed may hold a password anywhere.
        message = f"DATABASE_URL is not a URL. Allowed: {allowed}"
        raise SettingError(message, field="DATABASE_URL") from error
    driver = DRIVERS.get(parsed.drivername)
    is_usable = driver is not None and parsed.database not in {None, "", ":memory:"}
    if driver is None or not is_usable:
        shown = parsed.render_as_string(hide_password=True)
        message = f"DATABASE_URL has value '{shown}'. Allowed: {allowed}"
        raise SettingError(message, field="DATABASE_URL")
    parsed = parsed.set(drivername=driver)
    if driver == "postgresql+asyncpg" and "sslmode" in parsed.query:
        # libpq's name for what asyncpg calls ssl; the values are the same.
        ssl_mode = parsed.query["sslmode"]
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": ssl_mode})
    return parsed


def _create_engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    create = partial(
        create_async_engine,
        url,
        json_serializer=_to_json,
        hide_parameters=True,  # leads are personal data; they stay out of error messages
    )
    if url.get_backend_name() == "sqlite":
        busy_seconds = settings.timeout_seconds * SQLITE_BUSY_SHARE
        engine = create(connect_args={"timeout": busy_seconds})
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    try:
        return create(
            pool_size=settings.pool_size,
            pool_pre_ping=True,  # a connection that died while idle is replaced, not handed out
            connect_args={"timeout": settings.timeout_seconds},
        )
    except ModuleNotFoundError as error:
        message = (
            "DATABASE_URL names PostgreSQL, but its driver is not installed. "
            "Run: pip install 'ai-lead-assistant[postgres]'"
        )
        raise SettingError(message, field="DATABASE_URL") from error


def _to_json(value: object) -> str:
    # Several times as fast as the standard library's, at every reply.
    return to_json(value).decode()


def _set_pragmas(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    # In WAL mode NORMAL never corrupts; a power cut may take back the last commits, a killed
    # process does not.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    """Run the migrations in one transaction, which no other process can enter meanwhile."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(MIGRATION_SECONDS * 1000)}")
        # Python's sqlite3 opens no transaction for DDL by itself, but stays in this one.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": MIGRATION_LOCK})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _unavailable(cause: str) -> PartUnavailableError:
    message = f"The database is not available: {cause}. Check DATABASE_URL and that it runs."
    return PartUnavailableError(message, retry_after_seconds=RETRY_AFTER_SECONDS)


def _cause(error: Exception, limit_seconds: float) -> str:
    """Say what happened without the statement, its values, or the address of the database."""
    if isinstance(error, TimeoutError):
        return f"no answer within {limit_seconds:g} s"
    # SQLAlchemy wraps the driver's error; for asyncpg in one more layer.
    original = getattr(error, "orig", None) or error
    if "alembic_version" in str(original):
        return "it has no tables yet; run: lead-assistant up"
    return type(original.__cause__ or original).__name__
