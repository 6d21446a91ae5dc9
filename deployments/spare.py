"""Who goes first in a node: callers who wait. Work that can wait takes what they leave."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from followup.errors import OverloadedError

Result = TypeVar("Result")


class GaveWayError(OverloadedError):
    """Work that can wait was not begun, or was given up, because callers wait."""

    code = "gave_way"


class SpareTurns:
    """Lets work that can wait run only while fewer than `interactive_below` callers are served."""

    def __init__(self, interactive_below: int) -> None:
        self._interactive_below = interactive_below
        self._num_interactive = 0
        self._spare: set[asyncio.Task[Any]] = set()
        self._gave_way: set[asyncio.Task[Any]] = set()

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """A caller is served as long as the block lasts; too many end the work that can wait."""
        self._num_interactive += 1
        try:
            if self._is_busy:
                self._gave_way |= self._spare
                for task in self._spare:
                    task.cancel()
            yield
        finally:
            self._num_interactive -= 1

    async def spare(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do work that can wait. Raises GaveWayError where it is not begun, or is given up."""
        if self._is_busy:
            work.close()
            raise _gave_way()
        task = asyncio.create_task(work)
        self._spare.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if task in self._gave_way:
                raise _gave_way() from None
            raise
        finally:
            self._spare.discard(task)
            self._gave_way.discard(task)

    @property
    def _is_busy(self) -> bool:
        return self._num_interactive >= self._interactive_below


def _gave_way() -> GaveWayError:
    return GaveWayError("Callers wait, so this is done later.")
