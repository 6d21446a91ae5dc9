"""One real Redis server for many modules, and caches on it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import redis

from followup.backends.cache import Made, RedisCache
from followup.backends.redis_turn import TurnLimits
from tests.integration.servers import RedisServer, redis_server

OUTAGE_TIMEOUT_SECONDS = 0.3
LIMITS = TurnLimits(lock_seconds=1.0, poll_seconds=0.02)
PATIENCE_SECONDS = 20


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def admin(shared_redis: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(shared_redis.url) as admin:
        admin.flushall()
        admin.config_resetstat()
        yield admin


@asynccontextmanager
async def open_cache(
    url: str, limits: TurnLimits = LIMITS, timeout_seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[RedisCache]:
    """Patient unless the test is about an outage: a busy machine must not look like one."""
    cache = RedisCache(url, timeout_seconds=timeout_seconds, turn_limits=limits)
    try:
        yield cache
    finally:
        await cache.close()


@pytest.fixture
async def cache(shared_redis: RedisServer, admin: redis.Redis) -> AsyncIterator[RedisCache]:
    async with open_cache(shared_redis.url) as cache:
        yield cache


@pytest.fixture
async def other_cache(shared_redis: RedisServer, admin: redis.Redis) -> AsyncIterator[RedisCache]:
    """What another process would hold: nothing is shared with `cache` but Redis."""
    async with open_cache(shared_redis.url) as cache:
        yield cache


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - Redis tells nobody of these conditions
            await asyncio.sleep(0.01)


async def until_called(admin: redis.Redis, command: str, num_calls: int) -> None:
    """Wait until Redis has carried out so many of these commands since the test began.

    Each try for a maker's lock is one `set`: a maker tries once, one that waits again and again.
    Each renewal of the lock is one `evalsha`.
    """

    async def is_called() -> bool:
        stats = admin.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
        return int(stats["calls"]) >= num_calls

    await until(is_called)


def kill(admin: redis.Redis, number: signal.Signals) -> int:
    pid = int(admin.info("server")["process_id"])
    os.kill(pid, number)
    return pid


class Maker:
    """Makes replies, counts them, and waits for `may_end` before each."""

    def __init__(self, *, cacheable: bool = True) -> None:
        self.num_made = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None
        self._cacheable = cacheable

    async def make(self) -> Made:
        self.num_made += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return Made(b"reply", self._cacheable)

    async def is_making(self) -> bool:
        return self.num_made > 0
