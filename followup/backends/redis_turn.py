"""Turns across processes: one makes the value of a key, the others wait for it in Redis."""

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from redis.exceptions import LockError

from followup.backends.redis_connection import RedisAwayError, RedisConnection


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How long processes wait for each other, in seconds."""

    lock_seconds: float = 5.0
    """A maker that has not shown life for this long counts as dead, and another takes over."""
    poll_seconds: float = 0.05
    """How often one that waits looks for the value."""
    max_wait_seconds: float = 60.0
    """One that has waited this long makes the value itself."""


class RedisTurn:
    """One try at making the value of one key, from `wait` to the end of the block.

    The maker holds a lock with a token and an expiry, which it renews while it works. A maker that
    ends with nothing to share (an error, a value that must not be kept) says so under a key of its
    own, so that those who wait make theirs at the same time instead of one after the other.
    Without Redis it is everyone's turn.
    """

    def __init__(self, redis: RedisConnection, key: str, limits: TurnLimits) -> None:
        self.has_shared = False
        """True once the value stands under the key; the maker sets it."""
        self._redis = redis
        self._key = key
        self._nothing_key = f"{key}:nothing-shared"
        self._limits = limits
        self._lock = redis.client.lock(f"{key}:lock", timeout=limits.lock_seconds)
        self._renewal: asyncio.Task[None] | None = None

    async def wait(self) -> bytes | None:
        """The value that another process made, or None when this one has to make it."""
        give_up_at = time.monotonic() + self._limits.max_wait_seconds
        try:
            while time.monotonic() < give_up_at:
                if await self._redis.call(lambda: self._lock.acquire(blocking=False)):
                    self._renewal = asyncio.create_task(self._renew())
                    # A maker stores its value before it gives the lock back.
                    found = await self._redis.get(self._key)
                    self.has_shared = found is not None
                    return found
                found = await self._redis.get(self._key)
                if found is not None or await self._redis.get(self._nothing_key) is not None:
                    return found
                await asyncio.sleep(self._limits.poll_seconds)
        except RedisAwayError:
            pass
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Give the lock back, if this process holds it."""
        if self._renewal is None:
            return
        self._renewal.cancel()
        # A cancelled maker leaves its turn to one of those who wait.
        was_cancelled = isinstance(error, asyncio.CancelledError)
        try:
            if not self.has_shared and not was_cancelled:
                await self._redis.call(self._say_nothing_shared)
            await self._redis.call(self._lock.release)
        except (RedisAwayError, LockError):
            return  # The lock is gone already, or ends with its expiry.

    async def _say_nothing_shared(self) -> None:
        # Long enough that each who waits sees it, short enough that later requests do not.
        lifetime_ms = round(self._limits.poll_seconds * 10 * 1_000)
        await self._redis.client.set(self._nothing_key, b"1", px=lifetime_ms)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._limits.lock_seconds / 3)
            try:
                await self._redis.call(self._lock.reacquire)
            except RedisAwayError:
                continue
            except LockError:
                return  # Another took over; two values are made, and either may stay.
