"""A circuit breaker: once a part hangs, calls to it fail at once until a probe gets an answer.

Pattern: Michael Nygard, Release It!, "Circuit Breaker". Here no caller pays for the trial that
closes it again: a probe of its own asks in the background.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from followup.errors import PartUnavailableError

PROBE_PAUSE_SECONDS = 1.0


class Circuit:
    """Closed until `open`; then open until `probe` succeeds. Belongs to one event loop.

    `probe` has a time limit of its own and raises PartUnavailableError while the part is away.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are to fail at once."""
        return self._probing is not None and not self._probing.done()

    def open(self) -> None:
        """Let calls fail from now on, and start asking. Safe to call when it is open."""
        if not self.is_open:
            self._probing = asyncio.create_task(self._probe_until_answered())

    async def close(self) -> None:
        """Stop asking. Safe to call twice."""
        if self._probing is not None:
            self._probing.cancel()
            with suppress(asyncio.CancelledError):
                await self._probing
            self._probing = None

    async def _probe_until_answered(self) -> None:
        while True:
            try:
                await self._probe()
            except PartUnavailableError:
                await asyncio.sleep(PROBE_PAUSE_SECONDS)
            else:
                return
