"""The rate limit of several processes on a real Redis server that goes away."""

import asyncio

import pytest
import redis

from followup.backends.rate_limiter import RateLimiter
from followup.errors import RateLimitedError
from tests.integration.servers import RedisServer, redis_server
from tests.integration.shared_redis import OUTAGE_TIMEOUT_SECONDS, PATIENCE_SECONDS, until


async def is_let_through(limiter: RateLimiter, tenant: str) -> bool:
    try:
        await limiter.check(tenant)
    except RateLimitedError:
        return False
    return True


async def test_all_processes_count_against_one_limit(
    shared_redis: RedisServer, admin: redis.Redis
) -> None:
    limiters = [
        RateLimiter(shared_redis.url, "10/minute", timeout_seconds=PATIENCE_SECONDS)
        for _ in range(2)
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
