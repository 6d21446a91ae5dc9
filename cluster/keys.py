"""The key commands on the database; it is migrated first, so that they work before `up`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from config.settings import Settings
from followup.backends.access import Scope
from followup.backends.api_keys import ApiKeys, CreatedKey
from followup.backends.database import Database
from followup.backends.tables import ApiKey


async def create_key(
    settings: Settings, tenant: str, name: str, scopes: Sequence[Scope]
) -> CreatedKey:
    """Make a key. Errors: InvalidInputError, PartUnavailableError."""
    async with _open(settings) as keys:
        return await keys.create_key(tenant, name, scopes)


async def list_keys(settings: Settings, tenant: str | None) -> list[ApiKey]:
    """The keys of one tenant or of all. Errors: PartUnavailableError."""
    async with _open(settings) as keys:
        return await keys.list_keys(tenant)


async def revoke_key(settings: Settings, key_id: str) -> ApiKey:
    """Refuse a key from now on. Errors: NotFoundError, PartUnavailableError."""
    async with _open(settings) as keys:
        return await keys.revoke_key(key_id)


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[ApiKeys]:
    database = Database(settings.database)
    try:
        await database.migrate()
        yield ApiKeys(database)
    finally:
        await database.close()
