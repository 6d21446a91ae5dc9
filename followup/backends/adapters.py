"""Which adapter version serves a request: the alias in the database, read about once a second."""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Protocol

from cachetools import LRUCache

from followup.backends.adapter_aliases import EVERY_INDUSTRY, industry_key
from followup.backends.single_flight import SingleFlight
from followup.errors import InvalidInputError, PartUnavailableError
from followup.passage import TENANT_PATTERN

ALIAS_SECONDS = 1.0
"""How old the known aliases of a tenant may be."""
REFRESH_SECONDS = 0.5
"""How long a request waits for newer aliases than those that are known."""
MAX_TENANTS_REMEMBERED = 10_000


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
        self._flights: SingleFlight[_Known] = SingleFlight()

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
            return await self._flights.run(tenant, lambda: self._ask(tenant))
        if time.monotonic() - known.read_at < ALIAS_SECONDS:
            return known
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                return await self._flights.run(tenant, lambda: self._ask(tenant))
        except (PartUnavailableError, TimeoutError):
            return known

    async def _ask(self, tenant: str) -> _Known:
        known = _Known(await self._aliases.serving(tenant, self._alias), time.monotonic())
        self._known[tenant] = known
        return known
