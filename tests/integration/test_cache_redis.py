"""The cache and the rate limit on a real Redis server that is killed, frozen and started again."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.process import BaseProcess

import pytest
import redis

from followup.backends.cache import Answer, Made, RedisCache
from followup.backends.rate_limiter import RateLimiter
from followup.backends.redis_turn import TurnLimits
from followup.backends.single_flight import ReplyCache
from followup.errors import DeadlineExceededError, PartUnavailableError, RateLimitedError
from tests.integration.servers import RedisServer, redis_server

OUTAGE_TIMEOUT_SECONDS = 0.3
LIMITS = TurnLimits(lock_seconds=1.0, poll_seconds=0.02)
PATIENCE_SECONDS = 20
STARTED_KEY = "test:started"
GO_KEY = "test:go"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def admin(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as admin:
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
async def cache(server: RedisServer, admin: redis.Redis) -> AsyncIterator[RedisCache]:
    async with open_cache(server.url) as cache:
        yield cache


@pytest.fixture
async def other_cache(server: RedisServer, admin: redis.Redis) -> AsyncIterator[RedisCache]:
    """What another process would hold: nothing is shared with `cache` but Redis."""
    async with open_cache(server.url) as cache:
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


async def test_two_replicas_make_an_equal_reply_once(
    cache: RedisCache, other_cache: RedisCache, admin: redis.Redis
) -> None:
    maker = Maker()
    replicas = [ReplyCache(cache), ReplyCache(other_cache)]
    callers = [
        asyncio.create_task(replica.get_or_make("key", 60, maker.make))
        for replica in replicas
        for _ in range(10)
    ]
    await until(maker.is_making)
    await until_called(admin, "set", 4)
    maker.may_end.set()
    answers = await asyncio.gather(*callers)
    assert maker.num_made == 1
    assert {answer.value for answer in answers} == {b"reply"}
    assert sum(not answer.cached for answer in answers) == 1
    assert admin.keys("*lock*") == []


async def test_a_maker_that_takes_longer_than_its_lock_keeps_its_turn(
    server: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=0.5, poll_seconds=0.02)
    maker = Maker()
    async with open_cache(server.url, limits) as one, open_cache(server.url, limits) as other:
        callers = [
            asyncio.create_task(ReplyCache(cache).get_or_make("key", 60, maker.make))
            for cache in (one, other)
        ]
        await until(maker.is_making)
        await until_called(admin, "set", 100)  # far longer than the lock lives unrenewed
        maker.may_end.set()
        await asyncio.gather(*callers)
    assert maker.num_made == 1


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(DeadlineExceededError("too late"), id="an error"),
        pytest.param(None, id="a value that must not be kept"),
    ],
)
async def test_after_a_maker_with_nothing_to_share_the_others_make_theirs_side_by_side(
    server: RedisServer, admin: redis.Redis, error: Exception | None
) -> None:
    first, others = Maker(cacheable=False), Maker()
    first.error = error
    async with AsyncExitStack() as stack:
        replicas = [
            ReplyCache(await stack.enter_async_context(open_cache(server.url))) for _ in range(3)
        ]
        leader = asyncio.create_task(replicas[0].get_or_make("key", 60, first.make))
        await until(first.is_making)
        followers = [
            asyncio.create_task(replica.get_or_make("key", 60, others.make))
            for replica in replicas[1:]
        ]
        await until_called(admin, "set", 5)
        assert others.num_made == 0
        first.may_end.set()

        async def are_both_making() -> bool:
            return others.num_made == 2

        await until(are_both_making)
        others.may_end.set()
        assert await asyncio.gather(*followers) == [(b"reply", False)] * 2
        results = list(await asyncio.gather(leader, return_exceptions=True))
        assert results == [error or (b"reply", False)]


async def test_a_cancelled_maker_leaves_its_turn_at_once(
    server: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=600, poll_seconds=0.02)  # no help from the expiry
    first, second = Maker(), Maker()
    second.may_end.set()
    async with open_cache(server.url, limits) as one, open_cache(server.url, limits) as other:
        leader = asyncio.create_task(ReplyCache(one).get_or_make("key", 60, first.make))
        await until(first.is_making)
        follower = asyncio.create_task(ReplyCache(other).get_or_make("key", 60, second.make))
        await until_called(admin, "set", 3)
        leader.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await follower == Answer(b"reply", cached=False)


async def test_one_that_waits_too_long_makes_the_value_itself(
    server: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=600, poll_seconds=0.02, max_wait_seconds=0.1)
    admin.set("lead-assistant:key:lock", "held by a maker that lives and never ends")
    maker = Maker()
    maker.may_end.set()
    async with open_cache(server.url, limits) as cache:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await ReplyCache(cache).get_or_make("key", 60, maker.make)
    assert answer == Answer(b"reply", cached=False)


def start_process(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    return process


def ask_in_a_process(url: str, num_requests: int) -> None:
    """Ask for one key many times at once; each make is counted and waits for the go."""

    async def ask() -> None:
        with redis.Redis.from_url(url) as admin:

            async def make() -> Made:
                admin.incr(STARTED_KEY)

                async def may_go() -> bool:
                    return bool(admin.exists(GO_KEY))

                await until(may_go)
                return Made(b"reply", cacheable=True)

            async with open_cache(url) as cache:
                replies = ReplyCache(cache)
                asks = [replies.get_or_make("key", 60, make) for _ in range(num_requests)]
                answers = await asyncio.gather(*asks)
        assert {answer.value for answer in answers} == {b"reply"}

    asyncio.run(ask())


async def has_a_process_started(admin: redis.Redis) -> bool:
    return admin.get(STARTED_KEY) is not None


async def test_two_processes_make_an_equal_reply_once(
    server: RedisServer, admin: redis.Redis
) -> None:
    processes = [start_process(ask_in_a_process, server.url, 20) for _ in range(2)]
    try:
        await until(lambda: has_a_process_started(admin))
        await until_called(admin, "set", 4)
        admin.set(GO_KEY, 1)
        for process in processes:
            await asyncio.to_thread(process.join, PATIENCE_SECONDS)
        assert [process.exitcode for process in processes] == [0, 0]
        assert admin.get(STARTED_KEY) == b"1"
    finally:
        for process in processes:
            process.kill()


async def test_when_the_making_process_is_killed_a_waiting_one_takes_over(
    cache: RedisCache, server: RedisServer, admin: redis.Redis
) -> None:
    leader = start_process(ask_in_a_process, server.url, 1)
    try:
        await until(lambda: has_a_process_started(admin))
        maker = Maker()
        maker.may_end.set()
        follower = asyncio.create_task(ReplyCache(cache).get_or_make("key", 60, maker.make))
        await until_called(admin, "set", 4)
        assert maker.num_made == 0
        leader.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await follower == Answer(b"reply", cached=False)
        assert maker.num_made == 1
    finally:
        leader.kill()
        leader.join()


async def is_let_through(limiter: RateLimiter, tenant: str) -> bool:
    try:
        await limiter.check(tenant)
    except RateLimitedError:
        return False
    return True


async def test_all_processes_count_against_one_limit(
    server: RedisServer, admin: redis.Redis
) -> None:
    limiters = [
        RateLimiter(server.url, "10/minute", timeout_seconds=PATIENCE_SECONDS) for _ in range(2)
    ]
    passed = await asyncio.gather(
        *(is_let_through(limiter, "acme") for limiter in limiters for _ in range(20))
    )
    assert sum(passed) == 10
    assert await is_let_through(limiters[0], "globex")
    with pytest.raises(RateLimitedError, match="10/minute") as raised:
        await limiters[1].check("acme")
    assert raised.value.retry_after_seconds is not None
    assert 55 < raised.value.retry_after_seconds <= 60
    assert admin.keys() == admin.keys("lead-assistant:limits:*")
    for limiter in limiters:
        await limiter.close()


async def test_without_redis_each_process_holds_the_limit_by_itself() -> None:
    counts = "lead-assistant:limits:*"
    with redis_server() as server, redis.Redis.from_url(server.url) as admin:
        limiter = RateLimiter(server.url, "5/minute", timeout_seconds=OUTAGE_TIMEOUT_SECONDS)
        await limiter.check("acme")
        assert admin.keys(counts)

        server.stop()
        assert [await is_let_through(limiter, "acme") for _ in range(7)] == [True] * 5 + [False] * 2

        server.start()
        admin.flushall()

        async def is_shared_again() -> bool:
            await is_let_through(limiter, "acme")
            return bool(admin.keys(counts))

        await until(is_shared_again)
        await limiter.close()
