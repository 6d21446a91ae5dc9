"""The thread that steps a batch of sequences for many asyncio callers.

A request waits until a place is free, runs in the pipeline, and its output is handed to the
caller's event loop. With nothing to do the thread sleeps on a condition. A step that raises ends
the thread: every request fails, and so does every later one.

For pipelines whose step lets go of Python's global lock, as torch does. One that keeps it stops the
event loop with each step and wants a process of its own: `model_process.py`.
"""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic

from followup.backends.engines.protocol import EngineLoad
from followup.backends.engines.request import engine_closed
from followup.backends.engines.running_batch import (
    Ended,
    InputIdsT,
    Output,
    Pipeline,
    RulesT,
    RunningBatch,
    engine_broke,
)
from followup.errors import FollowupError, PartUnavailableError


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who waits for a request, in an event loop of its own."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Output]

    def hand_over(self, result: Output | FollowupError) -> None:
        """Called by the thread."""
        if isinstance(result, FollowupError):
            error = result
            self._in_own_loop(lambda: self.future.set_exception(error))
        else:
            output = result
            self._in_own_loop(lambda: self.future.set_result(output))

    def _in_own_loop(self, resolve: Callable[[], None]) -> None:
        def resolve_unless_cancelled() -> None:
            if not self.future.done():
                resolve()

        with contextlib.suppress(RuntimeError):  # the caller's loop is closed: nobody waits
            self.loop.call_soon_threadsafe(resolve_unless_cancelled)


class StepLoop(Generic[InputIdsT, RulesT]):
    """Continuous batching over one pipeline. Only its thread steps the pipeline."""

    def __init__(self, pipeline: Pipeline[InputIdsT, RulesT], max_running: int) -> None:
        self._changed = threading.Condition()
        self._batch: RunningBatch[InputIdsT, RulesT] | None = RunningBatch(pipeline, max_running)
        self._callers: dict[int, _Caller] = {}
        self._request_ids = itertools.count()
        self._closing = False
        self._failure: PartUnavailableError | None = None
        self._thread = threading.Thread(
            target=self._run, args=(self._batch,), name="engine-steps", daemon=True
        )
        self._thread.start()

    @property
    def load(self) -> EngineLoad:
        """Sequences in the pipeline, and requests that wait for a place in it."""
        with self._changed:
            return self._batch.load if self._batch is not None else EngineLoad(0, 0)

    def check(self) -> None:
        """Raise PartUnavailableError when the thread has ended or is about to."""
        if self._failure is not None:
            raise PartUnavailableError(self._failure.message)

    async def generate(self, input_ids: InputIdsT, rules: RulesT) -> Output:
        """Run one sequence to its end. Cancelling the awaiting task frees its place."""
        loop = asyncio.get_running_loop()
        caller = _Caller(loop, loop.create_future())
        number = next(self._request_ids)
        with self._changed:
            self.check()
            batch = self._batch
            assert batch is not None  # noqa: S101 - the check raises once it is gone
            self._callers[number] = caller
            batch.add(number, input_ids, rules)
            self._changed.notify()
        try:
            return await caller.future
        finally:
            if caller.future.cancelled():
                with self._changed:
                    batch.cancel(number)
                    self._callers.pop(number, None)

    def close(self) -> None:
        """End the thread after its current step. Blocks until then; safe to call twice."""
        with self._changed:
            self._closing = True
            self._failure = self._failure or engine_closed()
            self._changed.notify()
        self._thread.join()

    def _run(self, batch: RunningBatch[InputIdsT, RulesT]) -> None:
        try:
            while self._admit(batch):
                batch.step()
                with self._changed:
                    self._hand_over(batch.settle())
        except RuntimeError as error:  # what OpenVINO and torch raise, whatever went wrong
            self._failure = engine_broke(str(error))
        finally:  # whatever ended the thread, nobody is left waiting
            self._fail_all()

    def _admit(self, batch: RunningBatch[InputIdsT, RulesT]) -> bool:
        """Fill the free places; sleep while there is nothing to do. False once closing."""
        with self._changed:
            while not self._closing:
                self._hand_over(batch.admit())
                if batch.load.num_running:
                    return True
                self._changed.wait()
        return False

    def _hand_over(self, ended: Iterable[Ended]) -> None:
        for each in ended:
            caller = self._callers.pop(each.number, None)
            if caller is not None:  # else it was cancelled
                caller.hand_over(each.result)

    def _fail_all(self) -> None:
        with self._changed:
            self._failure = self._failure or engine_broke("its thread ended, see the log")
            self._batch = None  # and with it the model's memory
            left = [*self._callers.values()]
            self._callers.clear()
        for caller in left:
            caller.hand_over(self._failure)
