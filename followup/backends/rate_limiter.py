"""How many requests a tenant may send, counted in Redis for all processes or in this one."""

import math
import time
from functools import lru_cache

from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from followup.backends.redis_connection import RedisAwayError, RedisConnection
from followup.errors import RateLimitedError, SettingError

KEY_PREFIX = "lead-assistant:limits"


class RateLimiter:
    """Holds each tenant to at most n requests in any window of the length that its limit names.

    While Redis is away each process counts by itself, so the limit holds per process.
    """

    def __init__(self, redis_url: str, default_limit: str, *, timeout_seconds: float = 0.5) -> None:
        """Count in Redis at `redis_url`, or in this process where it is empty.

        `default_limit` is such as "60/minute". Raises SettingError for a wrong limit or address.
        """
        self._default_limit = default_limit
        parse_limit(default_limit)
        self._in_process = MovingWindowRateLimiter(MemoryStorage())
        self._redis: RedisConnection | None = None
        if redis_url:
            self._redis = RedisConnection(redis_url, timeout_seconds=timeout_seconds)
            self._shared = _shared_limiter(self._redis)

    async def check(self, tenant: str, limit: str | None = None) -> None:
        """Count one request of `tenant` against `limit`, by default the one of the settings.

        Raises RateLimitedError, whose `retry_after_seconds` says when the oldest counted request
        leaves the window, and SettingError for a limit that cannot be read. A refused request is
        not counted.
        """
        text = limit or self._default_limit
        item = parse_limit(text)
        if self._redis is None:
            wait_seconds = await _hit(self._in_process, item, tenant)
        else:
            wait_seconds = await self._hit_shared(self._redis, item, tenant)
        if wait_seconds is not None:
            message = (
                f"Tenant '{tenant}' has used up its {text} requests. Try again in {wait_seconds} s."
            )
            raise RateLimitedError(message, retry_after_seconds=wait_seconds)

    async def close(self) -> None:
        """Close the connections to Redis. Safe to call twice."""
        if self._redis is not None:
            await self._redis.close()

    async def _hit_shared(
        self, redis: RedisConnection, item: RateLimitItem, tenant: str
    ) -> int | None:
        try:
            return await redis.call(lambda: _hit(self._shared, item, tenant))
        except RedisAwayError:
            return await _hit(self._in_process, item, tenant)


@lru_cache(maxsize=1_024)
def parse_limit(text: str) -> RateLimitItem:
    """One limit such as "60/minute" or "10 per 5 seconds". Raises SettingError."""
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if len(items) != 1 or items[0].amount < 1:
        message = (
            f"Rate limit '{text}' is not a limit. Write one count and one period, "
            "such as 60/minute, 10/second or 1000/hour."
        )
        raise SettingError(message, field="rate_limit")
    return items[0]


def _shared_limiter(redis: RedisConnection) -> MovingWindowRateLimiter:
    # The address is in the pool; the scheme only tells the library which client to use.
    storage = RedisStorage(
        "async+redis://",
        implementation="redispy",
        key_prefix=KEY_PREFIX,
        connection_pool=redis.pool,  # type: ignore[arg-type]  # typed for plain values only
    )
    return MovingWindowRateLimiter(storage)


async def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, tenant: str) -> int | None:
    """None when the request is let through, else the whole seconds until one would be."""
    if await limiter.hit(item, tenant):
        return None
    stats = await limiter.get_window_stats(item, tenant)
    return max(1, math.ceil(stats.reset_time - time.time()))
