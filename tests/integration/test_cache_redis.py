"""The cache on a real Redis server that is killed, frozen and started again."""

import asyncio
import os
import signal
import time

import pytest
import redis

from followup.backends.cache import Answer, RedisCache
from followup.backends.single_flight import ReplyCache
from followup.errors import PartUnavailableError
from tests.integration.servers import redis_server
from tests.integration.shared_redis import OUTAGE_TIMEOUT_SECONDS, Maker, kill, open_cache, until


async def test_a_value_is_shared_until_its_time_is_over(
    cache: RedisCache, other_cache: RedisCache, admin: redis.Redis
) -> None:
    await cache.set("key", b"\x00\xffvalue", 60)
    assert await other_cache.get("key") == b"\x00\xffvalue"
    assert 59_000 < int(admin.pttl("lead-assistant:key")) <= 60_000
    await cache.set("key", b"value", 0.05)

    async def is_gone() -> bool:
        return await other_cache.get("key") is None

    await until(is_gone)


@pytest.mark.parametrize("ttl_seconds", [0, -1])
async def test_a_time_of_zero_keeps_nothing(cache: RedisCache, ttl_seconds: float) -> None:
    await cache.set("key", b"old", 60)
    await cache.set("key", b"new", ttl_seconds)
    assert await cache.get("key") is None


async def test_a_deleted_value_is_gone_for_all(cache: RedisCache, other_cache: RedisCache) -> None:
    await cache.set("key", b"value", 60)
    await other_cache.delete("key")
    assert await cache.get("key") is None


async def test_more_requests_than_connections_wait_for_one(cache: RedisCache) -> None:
    await cache.set("key", b"value", 60)
    assert await asyncio.gather(*(cache.get("key") for _ in range(500))) == [b"value"] * 500
    assert cache.num_failed_calls == 0


async def test_requests_are_answered_while_redis_is_killed_and_started_again() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url) as admin:
        async with open_cache(server.url) as cache:
            replies, maker = ReplyCache(cache), Maker()
            maker.may_end.set()
            await replies.get_or_make("key", 60, maker.make)
            assert await replies.get_or_make("key", 60, maker.make) == Answer(b"reply", cached=True)
            await cache.check_health()

            kill(admin, signal.SIGKILL)
            for _ in range(3):
                assert await replies.get_or_make("key", 60, maker.make) == (b"reply", False)
            assert not cache.is_available
            assert cache.num_failed_calls > 0
            with pytest.raises(PartUnavailableError, match=r"Redis at 127\.0\.0\.1:\d+ does not"):
                await cache.check_health()

            server.stop()
            server.start()

            async def is_used_again() -> bool:
                return (await replies.get_or_make("key", 60, maker.make)).cached

            await until(is_used_again)
            assert cache.is_available
            await cache.check_health()


async def test_redis_killed_while_a_reply_is_made_does_not_fail_it() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url) as admin:
        async with open_cache(server.url) as cache:
            maker = Maker()
            reply = asyncio.create_task(ReplyCache(cache).get_or_make("key", 60, maker.make))
            await until(maker.is_making)
            kill(admin, signal.SIGKILL)
            maker.may_end.set()
            assert await reply == Answer(b"reply", cached=False)


async def test_a_frozen_redis_costs_its_time_limit_once_and_not_per_request() -> None:
    with redis_server() as server, redis.Redis.from_url(server.url) as admin:
        async with open_cache(server.url, timeout_seconds=OUTAGE_TIMEOUT_SECONDS) as cache:
            await cache.set("key", b"value", 60)
            pid = kill(admin, signal.SIGSTOP)
            try:
                began_at = time.monotonic()
                assert {await cache.get("key") for _ in range(1_000)} == {None}
                # 300 s if each waited; a pause of 0.2 s or more lies between two that do.
                assert time.monotonic() - began_at < 3 * OUTAGE_TIMEOUT_SECONDS
            finally:
                os.kill(pid, signal.SIGCONT)
            await cache.check_health()
            assert await cache.get("key") == b"value"
