"""The adapters that an engine holds: loaded once for all who ask, the least recently used out.

An adapter in use is never unloaded. Loads of different adapters do not wait for each other, and a
load that fails fails for its own adapter alone.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from followup.backends.engines.request import engine_closed
from followup.backends.settings import AdapterSettings
from followup.errors import FollowupError, PartUnavailableError

FAILED_SECONDS = 10.0
"""How long a failed load is answered without trying again."""

logger = logging.getLogger(__name__)


class Loaded(Protocol):
    """One adapter, loaded."""

    @property
    def is_alive(self) -> bool:
        """Whether it can still be used."""

    async def close(self) -> None:
        """Free its memory."""


LoadedT = TypeVar("LoadedT", bound=Loaded)


@dataclass(eq=False, slots=True)
class _Place(Generic[LoadedT]):
    """One adapter in the pool. Its load may still be under way."""

    load: asyncio.Task[LoadedT]
    num_users: int = 0
    used_at: float = field(default_factory=time.monotonic)

    @property
    def is_idle(self) -> bool:
        return self.num_users == 0 and self.load.done()

    @property
    def is_dead(self) -> bool:
        if not self.load.done():
            return False
        failed = self.load.cancelled() or self.load.exception() is not None
        return failed or not self.load.result().is_alive


class AdapterPool(Generic[LoadedT]):
    """At most `max_loaded` adapters. Belongs to one event loop."""

    def __init__(
        self, settings: AdapterSettings, load: Callable[[str], Awaitable[LoadedT]]
    ) -> None:
        self._settings = settings
        self._load = load
        self._places: dict[str, _Place[LoadedT]] = {}
        self._failures: dict[str, tuple[float, FollowupError]] = {}
        self._freed = asyncio.Event()
        self._unloading: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def held(self) -> tuple[str, ...]:
        """The adapters that are loaded or being loaded."""
        return tuple(self._places)

    @asynccontextmanager
    async def use(self, adapter: str) -> AsyncIterator[LoadedT]:
        """The adapter, kept loaded until the block ends; loaded first where it is not.

        Where every place is in use it waits for one. Raises what the load raises, the same for all
        who waited for it, and PartUnavailableError once closed.
        """
        place = await self._take(adapter)
        try:
            # Shielded: the load goes on for the others when one caller gives up.
            yield await asyncio.shield(place.load)
        finally:
            place.num_users -= 1
            place.used_at = time.monotonic()
            self._wake()

    def check(self, adapter: str) -> None:
        """Raise what the adapter's last load raised, for FAILED_SECONDS after it."""
        failed_at, error = self._failures.get(adapter, (0.0, None))
        if error is None:
            return
        if time.monotonic() - failed_at < FAILED_SECONDS:
            # A new one: raised again and again, the same would gather tracebacks.
            raise type(error)(
                error.message, field=error.field, retry_after_seconds=error.retry_after_seconds
            )
        del self._failures[adapter]

    async def close(self) -> None:
        """Unload everything. Safe to call twice."""
        self._closed = True
        self._wake()
        for adapter in list(self._places):
            self._unload(adapter)
        if self._unloading:
            await asyncio.wait(self._unloading)

    def _wake(self) -> None:
        """Let all who wait for a place look again. Awaits nothing, so it cannot be cancelled."""
        self._freed.set()
        self._freed = asyncio.Event()

    async def _take(self, adapter: str) -> _Place[LoadedT]:
        while True:
            if self._closed:
                raise engine_closed()
            self.check(adapter)
            self._unload_forgotten()
            place = self._places.get(adapter)
            if place is None and self._has_room():
                place = _Place(asyncio.create_task(self._loading(adapter)))
                self._places[adapter] = place
            if place is not None:
                place.num_users += 1
                return place
            await self._freed.wait()

    async def _loading(self, adapter: str) -> LoadedT:
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.load_seconds):
                loaded = await self._load(adapter)
        except TimeoutError:
            limit = f"{self._settings.load_seconds:g} s"
            message = (
                f"Adapter '{adapter}' was not loaded within {limit}. Raise load_seconds in "
                "adapters.yaml, or publish it again: lead-assistant train publish"
            )
            error = PartUnavailableError(message, retry_after_seconds=FAILED_SECONDS)
            self._failures[adapter] = (time.monotonic(), error)
            raise error from None
        except FollowupError as error:
            self._failures[adapter] = (time.monotonic(), error)
            raise
        logger.info("adapter %s loaded in %.1f s", adapter, time.monotonic() - started)
        return loaded

    def _unload_forgotten(self) -> None:
        """Those that died, failed, or were idle for too long."""
        latest = time.monotonic() - self._settings.idle_seconds
        for adapter, place in list(self._places.items()):
            is_old = place.is_idle and place.used_at < latest and not self._is_pinned(adapter)
            if place.is_dead or is_old:
                self._unload(adapter)

    def _has_room(self) -> bool:
        """Whether a place is free, after unloading the least recently used idle adapter."""
        if len(self._places) < self._settings.max_loaded:
            return True
        idle = [
            adapter
            for adapter, place in self._places.items()
            if place.is_idle and not self._is_pinned(adapter)
        ]
        if not idle:
            return False
        self._unload(min(idle, key=lambda adapter: self._places[adapter].used_at))
        return True

    def _is_pinned(self, adapter: str) -> bool:
        return adapter.partition("@")[0] in self._settings.pinned

    def _unload(self, adapter: str) -> None:
        task = asyncio.create_task(_close(self._places.pop(adapter).load))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)


async def _close(load: "asyncio.Task[LoadedT]") -> None:
    if not load.done():
        load.cancel()
    with suppress(FollowupError, asyncio.CancelledError):
        loaded = await load
        await loaded.close()
