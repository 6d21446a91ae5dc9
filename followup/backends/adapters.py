"""Which adapter version serves a request: the alias in the database, read about once a second."""

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import Protocol

from cachetools import LRUCache

from followup.backends.adapter_aliases import EVERY_INDUSTRY, industry_key
from followup.errors import InvalidInputError
from followup.passage import TENANT_PATTERN

ALIAS_SECONDS = 1.0
"""How old the known aliases of a tenant may be."""
REFRESH_SECONDS = 0.5
"""How long a request waits for newer aliases while those that are known will still do."""
STALE_SECONDS = 5.0
"""Older ones will not do: a request waits for the database's answer, or for its failure."""
MAX_TENANTS_REMEMBERED = 10_000

logger = logging.getLogger(__name__)


class Aliases(Protocol):
    """Tells the versions of a tenant's alias. `AdapterAliases` is one."""

    async def serving(self, tenant: str, alias: str) -> dict[str, str]:
        """Version by industry."""


@dataclass(frozen=True, slots=True)
class _Known:
    versions: dict[str, str]
    read_at: float


class AdapterStore:
    """Resolves an alias. While the database is away, what was last read goes on serving."""

    def __init__(self, aliases: Aliases, alias: str) -> None:
        self._aliases = aliases
        self._alias = alias
        self._known: LRUCache[str, _Known] = LRUCache(MAX_TENANTS_REMEMBERED)
        self._reading: dict[str, asyncio.Task[_Known]] = {}

    async def resolve(self, tenant: str, industry: str | None = None) -> str | None:
        """The version of the tenant's industry if it has one, else the tenant's; None: no adapter.

        Raises InvalidInputError for what is no tenant, and PartUnavailableError when the database
        is away and nothing is known of the tenant.
        """
        if re.fullmatch(TENANT_PATTERN, tenant) is None:
            message = f"'tenant' has value {tenant!r}; it must match {TENANT_PATTERN}."
            raise InvalidInputError(message, field="tenant")
        versions = (await self._read(tenant)).versions
        default = versions.get(EVERY_INDUSTRY)
        return versions.get(industry_key(industry), default)

    async def _read(self, tenant: str) -> _Known:
        known = self._known.get(tenant)
        if known is None:
            return await asyncio.shield(self._read_again(tenant))
        age = time.monotonic() - known.read_at
        if age < ALIAS_SECONDS:
            return known
        reading = self._read_again(tenant)
        # Not cancelled when the time is up: on a busy machine no reading would ever come to an end.
        await asyncio.wait({reading}, timeout=REFRESH_SECONDS if age < STALE_SECONDS else None)
        if not reading.done() or reading.exception() is not None:
            return known
        return reading.result()

    def _read_again(self, tenant: str) -> asyncio.Task[_Known]:
        """One reading for all who ask meanwhile."""
        reading = self._reading.get(tenant)
        if reading is None:
            reading = asyncio.create_task(self._ask(tenant))
            self._reading[tenant] = reading
            reading.add_done_callback(lambda done: self._end(tenant, done))
        return reading

    def _end(self, tenant: str, reading: asyncio.Task[_Known]) -> None:
        del self._reading[tenant]
        if not reading.cancelled() and reading.exception() is not None:
            logger.warning("the aliases of %s could not be read", tenant)

    async def _ask(self, tenant: str) -> _Known:
        asked_at = time.monotonic()
        known = _Known(await self._aliases.serving(tenant, self._alias), asked_at)
        self._known[tenant] = known
        return known
