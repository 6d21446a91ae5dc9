"""One Redis client with a time limit on every call, and a memory of outages.

redis-py retries and times out; what it lacks without a further package is a circuit breaker: while
Redis is away, callers must not each wait for the time limit.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from followup.errors import PartUnavailableError, SettingError

MAX_CONNECTIONS = 50
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class RedisAwayError(PartUnavailableError):
    """Redis did not answer this call, or was not asked because it lately did not answer."""


class RedisConnection:
    """A pool of connections to one Redis server, for one event loop.

    After a call that fails, calls fail at once for a pause that doubles from 0.2 s to 5 s; then one
    caller tries Redis while the others go on failing at once. The first answer ends the outage.
    """

    def __init__(
        self, url: str, *, timeout_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Connect on first use. `clock` gives seconds. Raises SettingError for a wrong address."""
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._pause = ExponentialBackoff(cap=MAX_PAUSE_SECONDS, base=FIRST_PAUSE_SECONDS)
        self._num_outage_failures = 0
        self._retry_at = -float("inf")
        self.num_failed_calls = 0
        """Calls that Redis was asked for and did not carry out, since the start."""
        self.pool = _open_pool(url, timeout_seconds)
        self.client = Redis.from_pool(self.pool)
        self._address = _address(self.pool)

    @property
    def is_available(self) -> bool:
        """False from the first failed call of an outage until Redis answers again."""
        return self._num_outage_failures == 0

    async def call(self, command: Callable[[], Awaitable[Result]]) -> Result:
        """Run `command` within the time limit. Raises RedisAwayError."""
        if self._clock() < self._retry_at:
            message = f"Redis at {self._address} lately did not answer; it is tried again soon."
            raise RedisAwayError(message)
        return await self._attempt(command)

    async def get(self, key: str) -> bytes | None:
        """The value under `key`, or None. Raises RedisAwayError."""
        value = await self.call(lambda: self.client.get(key))
        return cast("bytes | None", value)  # str only for clients that decode, which ours does not

    async def check_health(self) -> None:
        """Ask Redis now, in an outage's pause too. Raises PartUnavailableError."""
        await self._attempt(self.client.ping)

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        await self.client.aclose()

    async def _attempt(self, command: Callable[[], Awaitable[Result]]) -> Result:
        num_failures_before = self._num_outage_failures
        if not self.is_available:
            # Holds the others off while this caller tries.
            self._retry_at = self._clock() + self._timeout_seconds
        try:
            async with asyncio.timeout(self._timeout_seconds):
                result = await command()
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            self._note_failure(num_failures_before, error)
            message = (
                f"Redis at {self._address} does not answer within {self._timeout_seconds} s "
                f"({type(error).__name__}: {error}). Start it or correct REDIS_URL."
            )
            raise RedisAwayError(message) from error
        except ResponseError as error:
            self.num_failed_calls += 1
            message = f"Redis at {self._address} refuses: {error}."
            raise RedisAwayError(message) from error
        self._note_success()
        return result

    def _note_failure(self, num_failures_before: int, error: Exception) -> None:
        self.num_failed_calls += 1
        if self._num_outage_failures != num_failures_before:
            return  # Calls that were under way together and failed together are one failure.
        if self.is_available:
            kind = type(error).__name__
            logger.warning("Redis at %s is away, going on without: %s", self._address, kind)
        self._num_outage_failures += 1
        # redis-py's backoff overflows a float at some thousand failures.
        pause_seconds = self._pause.compute(min(self._num_outage_failures, 16))
        self._retry_at = self._clock() + pause_seconds

    def _note_success(self) -> None:
        if not self.is_available:
            logger.warning("Redis at %s answers again.", self._address)
        self._num_outage_failures = 0
        self._retry_at = -float("inf")


def _open_pool(url: str, timeout_seconds: float) -> BlockingConnectionPool:
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # Once more at once: a connection that a restarted Redis dropped is opened anew.
            retry=Retry(NoBackoff(), retries=1),
        )
    except ValueError as error:
        # The value itself may hold a password.
        message = f"REDIS_URL is not an address of Redis: {error} Such as redis://127.0.0.1:6379/0."
        raise SettingError(message, field="REDIS_URL") from error


def _address(pool: BlockingConnectionPool) -> str:
    """Where Redis is, without the password that the URL may hold."""
    known = pool.connection_kwargs
    return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")
