"""The cache of replies and passages: in this process, or in Redis for all processes.

A cache never fails a request. When Redis is away `get` finds nothing and `set` drops the value;
`check_health` says so.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cachetools import TLRUCache

from followup.backends.redis_connection import RedisAwayError, RedisConnection
from followup.backends.redis_turn import RedisTurn, TurnLimits
from followup.backends.settings import CacheSettings

NAMESPACE = "lead-assistant"


class Made(NamedTuple):
    """A value that was just made, and whether it may be kept for others (a fallback may not)."""

    value: bytes
    cacheable: bool


class Answer(NamedTuple):
    """A value, and whether it was made for another request, earlier or at the same time."""

    value: bytes
    cached: bool


Make = Callable[[], Awaitable[Made]]


class Cache(Protocol):
    """Keeps bytes for a time. A time of 0 s or less keeps nothing."""

    async def get(self, key: str) -> bytes | None:
        """The value kept under `key`, or None."""

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        """Keep `value` for `ttl_seconds`, in place of what was there."""

    async def delete(self, key: str) -> None:
        """Forget `key`, known or not."""

    async def fill(self, key: str, ttl_seconds: float, make: Make) -> Answer:
        """Make and keep the value, or take the one that another process is making.

        Calls in this process at the same time each make theirs, unless they come by `ReplyCache`.
        Raises what `make` raises.
        """

    async def check_health(self) -> None:
        """Raise PartUnavailableError when values are neither kept nor found."""

    async def close(self) -> None:
        """Give connections back. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    ttl_seconds: float


class MemoryCache:
    """A cache in this process; when full, the entry that was used longest ago goes first."""

    def __init__(self, max_entries: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._entries = TLRUCache(maxsize=max_entries, ttu=_expires_at, timer=clock)

    async def get(self, key: str) -> bytes | None:
        entry: _Entry | None = self._entries.get(key)
        return None if entry is None else entry.value

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self._entries[key] = _Entry(value, ttl_seconds)

    async def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    async def fill(self, key: str, ttl_seconds: float, make: Make) -> Answer:
        value, cacheable = await make()
        if cacheable:
            await self.set(key, value, ttl_seconds)
        return Answer(value, cached=False)

    async def check_health(self) -> None:
        """A cache in this process is there as long as the process is."""

    async def close(self) -> None:
        self._entries.clear()


class RedisCache:
    """A cache in Redis that all processes share. Bound to one event loop."""

    def __init__(
        self, url: str, *, timeout_seconds: float, turn_limits: TurnLimits | None = None
    ) -> None:
        """Connects on first use. Raises SettingError when `url` is not an address of Redis."""
        self._redis = RedisConnection(url, timeout_seconds=timeout_seconds)
        self._turn_limits = turn_limits or TurnLimits()

    @property
    def is_available(self) -> bool:
        """False while Redis does not answer and requests go on without it."""
        return self._redis.is_available

    @property
    def num_failed_calls(self) -> int:
        """Calls that Redis did not carry out, since the start."""
        return self._redis.num_failed_calls

    async def get(self, key: str) -> bytes | None:
        try:
            return await self._redis.get(_namespaced(key))
        except RedisAwayError:
            return None

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        ttl_ms = round(ttl_seconds * 1_000)
        if ttl_ms <= 0:
            await self.delete(key)
            return
        try:
            await self._redis.call(
                lambda: self._redis.client.set(_namespaced(key), value, px=ttl_ms)
            )
        except RedisAwayError:
            return  # The next request makes it again.

    async def delete(self, key: str) -> None:
        try:
            await self._redis.call(lambda: self._redis.client.delete(_namespaced(key)))
        except RedisAwayError:
            return  # What Redis still holds ends with its time to live.

    async def fill(self, key: str, ttl_seconds: float, make: Make) -> Answer:
        async with RedisTurn(self._redis, _namespaced(key), self._turn_limits) as turn:
            found = await turn.wait()
            if found is not None:
                return Answer(found, cached=True)
            value, cacheable = await make()
            if cacheable and ttl_seconds > 0:
                await self.set(key, value, ttl_seconds)
                turn.has_shared = True
            return Answer(value, cached=False)

    async def check_health(self) -> None:
        await self._redis.check_health()

    async def close(self) -> None:
        await self._redis.close()


def build_cache(settings: CacheSettings) -> Cache:
    """Redis where the settings name one, else this process. Raises SettingError."""
    if settings.redis_url:
        return RedisCache(settings.redis_url, timeout_seconds=settings.timeout_seconds)
    return MemoryCache(settings.max_entries)


def _namespaced(key: str) -> str:
    return f"{NAMESPACE}:{key}"


def _expires_at(_key: str, entry: _Entry, now: float) -> float:
    return now + entry.ttl_seconds
