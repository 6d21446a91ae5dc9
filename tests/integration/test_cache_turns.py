"""Replicas and processes that want one reply make it once, on a real Redis server."""

import asyncio
import multiprocessing
from collections.abc import Callable
from contextlib import AsyncExitStack
from multiprocessing.process import BaseProcess

import pytest
import redis

from followup.backends.cache import Answer, Made, RedisCache
from followup.backends.redis_turn import TurnLimits
from followup.backends.single_flight import ReplyCache
from followup.errors import DeadlineExceededError
from tests.integration.servers import RedisServer
from tests.integration.shared_redis import PATIENCE_SECONDS, Maker, open_cache, until, until_called

STARTED_KEY = "test:started"
GO_KEY = "test:go"


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
    shared_redis: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=0.5, poll_seconds=0.02)
    maker = Maker()
    async with (
        open_cache(shared_redis.url, limits) as one,
        open_cache(shared_redis.url, limits) as other,
    ):
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
    shared_redis: RedisServer, admin: redis.Redis, error: Exception | None
) -> None:
    first, others = Maker(cacheable=False), Maker()
    first.error = error
    async with AsyncExitStack() as stack:
        replicas = [
            ReplyCache(await stack.enter_async_context(open_cache(shared_redis.url)))
            for _ in range(3)
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
    shared_redis: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=600, poll_seconds=0.02)  # no help from the expiry
    first, second = Maker(), Maker()
    second.may_end.set()
    async with (
        open_cache(shared_redis.url, limits) as one,
        open_cache(shared_redis.url, limits) as other,
    ):
        leader = asyncio.create_task(ReplyCache(one).get_or_make("key", 60, first.make))
        await until(first.is_making)
        follower = asyncio.create_task(ReplyCache(other).get_or_make("key", 60, second.make))
        await until_called(admin, "set", 3)
        leader.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await follower == Answer(b"reply", cached=False)


async def test_one_that_waits_too_long_makes_the_value_itself(
    shared_redis: RedisServer, admin: redis.Redis
) -> None:
    limits = TurnLimits(lock_seconds=600, poll_seconds=0.02, max_wait_seconds=0.1)
    admin.set("lead-assistant:key:lock", "held by a maker that lives and never ends")
    maker = Maker()
    maker.may_end.set()
    async with open_cache(shared_redis.url, limits) as cache:
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
    shared_redis: RedisServer, admin: redis.Redis
) -> None:
    processes = [start_process(ask_in_a_process, shared_redis.url, 20) for _ in range(2)]
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
    cache: RedisCache, shared_redis: RedisServer, admin: redis.Redis
) -> None:
    leader = start_process(ask_in_a_process, shared_redis.url, 1)
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
