"""Loads the adapters that aliases name before a request asks for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from followup.backends.settings import AdapterSettings
from followup.backends.tables import AliasChange
from followup.errors import FollowupError

LOOK_SECONDS = 2.0
"""Between two looks at the aliases."""

logger = logging.getLogger(__name__)


class CurrentAliases(Protocol):
    """Tells what the aliases of all tenants name. `AdapterAliases` is one."""

    async def current(self, aliases: Sequence[str]) -> list[AliasChange]:
        """The newest change of each, latest first."""


class AdapterPrefetch:
    """Loads each version once, when an alias in `prefetch` first names it.

    No more than fit beside each other, the latest flips first. One that was unloaded since for want
    of room is not loaded again: that would drive out what requests are using.
    """

    def __init__(
        self,
        aliases: CurrentAliases,
        load: Callable[[str], Awaitable[None]],
        settings: AdapterSettings,
    ) -> None:
        self._aliases = aliases
        self._load = load
        self._settings = settings
        self._begun: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as loads:
            while True:
                for version in await self._new_versions():
                    self._begun.add(version)
                    loads.create_task(self._load_one(version))
                await asyncio.sleep(LOOK_SECONDS)

    async def _new_versions(self) -> list[str]:
        try:
            changes = await self._aliases.current(self._settings.prefetch)
        except FollowupError:  # the database is away; requests resolve what they knew
            return []
        named = dict.fromkeys(change.version for change in changes if change.version)
        fitting = list(named)[: self._settings.max_loaded]
        return [version for version in fitting if version not in self._begun]

    async def _load_one(self, version: str) -> None:
        try:
            await self._load(version)
        except FollowupError as error:
            logger.warning("adapter %s was not loaded ahead: %s", version, error.message)
