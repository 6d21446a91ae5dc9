"""Equal requests at the same time make their value once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from followup.backends.cache import Answer, Cache, Make
from followup.errors import PartUnavailableError

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    num_waiting: int = 0


class SingleFlight(Generic[Result]):
    """Runs at most one `make` per key at a time in this event loop.

    The work is a task of its own: it goes on while anyone waits for it, whoever asked first, and
    is cancelled when the last one has gone. Neither value nor error is kept after it.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}
        # The event loop itself holds tasks weakly; these are cancelled and still cleaning up.
        self._ending: set[asyncio.Task[Result]] = set()

    async def run(self, key: str, make: Callable[[], Awaitable[Result]]) -> Result:
        """What `make` returns or raises, from this call's or from the one already under way."""
        flight = self._flights.get(key)
        if flight is None or flight.task.done():
            flight = _Flight(asyncio.create_task(_call(make)))
            self._flights[key] = flight
        flight.num_waiting += 1
        try:
            await asyncio.wait([flight.task])
        finally:
            flight.num_waiting -= 1
            if flight.num_waiting == 0:
                self._end(key, flight)
        if flight.task.cancelled():
            # Not this caller's own cancellation, so it must not look like one.
            message = "The work that this request shares was cancelled. Send the request again."
            raise PartUnavailableError(message)
        return flight.task.result()

    def _end(self, key: str, flight: _Flight[Result]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            self._ending.add(flight.task)
            flight.task.add_done_callback(self._ending.discard)


class ReplyCache:
    """A cache that is filled once per key, however many ask at the same time."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._flights: SingleFlight[Answer] = SingleFlight()

    async def get_or_make(self, key: str, ttl_seconds: float, make: Make) -> Answer:
        """The value kept under `key`, else the one that `make` gives; kept if it is cacheable.

        `cached` is False only for the call whose own `make` ran. An error of `make` reaches all who
        wait in this process and is not kept.
        """
        found = await self._cache.get(key)
        if found is not None:
            return Answer(found, cached=True)
        is_own = False

        async def fill() -> Answer:
            nonlocal is_own
            is_own = True
            return await self._cache.fill(key, ttl_seconds, make)

        answer = await self._flights.run(key, fill)
        return answer if is_own else Answer(answer.value, cached=True)


async def _call(make: Callable[[], Awaitable[Result]]) -> Result:
    return await make()
