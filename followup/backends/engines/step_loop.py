"""The thread that steps a batch of sequences for many asyncio callers.

A request waits until a place is free, runs in the pipeline, and its output is handed to the
caller's event loop. With nothing to do the thread sleeps on a condition. A request that the
pipeline refuses fails alone. A step that raises ends the thread: every request fails, and so does
every later one.
"""

import asyncio
import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from followup.backends.engines.protocol import EngineLoad
from followup.backends.engines.request import engine_closed
from followup.errors import FollowupError, InvalidInputError, PartUnavailableError

InputIdsT = TypeVar("InputIdsT")
RulesT = TypeVar("RulesT")
InputIdsT_contra = TypeVar("InputIdsT_contra", contravariant=True)
RulesT_contra = TypeVar("RulesT_contra", contravariant=True)


class Output(Protocol):
    """What one sequence came to; the end-of-turn token is part of it."""

    generated_ids: list[int]
    generated_log_probs: list[float]


class Status(Protocol):
    """RUNNING, FINISHED, or another name for a sequence that was dropped."""

    @property
    def name(self) -> str:
        """The member's name."""


class Handle(Protocol):
    """One sequence in the pipeline. `openvino_genai.GenerationHandle` is one."""

    def get_status(self) -> Status:
        """Where the sequence stands after the last step."""

    def read_all(self) -> Sequence[Output]:
        """What was generated, one output per returned sequence."""

    def cancel(self) -> None:
        """Drop the sequence at the next step."""


class Pipeline(Protocol[InputIdsT_contra, RulesT_contra]):
    """A running batch. `openvino_genai.ContinuousBatchingPipeline` is one."""

    def add_request(
        self, request_id: int, input_ids: InputIdsT_contra, rules: RulesT_contra, /
    ) -> Handle:
        """Start a sequence: its token ids, and how it is sampled and ends.

        Raises RuntimeError for one that it refuses; those that run go on.
        """

    def step(self) -> None:
        """Run the model once for the scheduled sequences. Raises RuntimeError when it breaks."""


@dataclass(eq=False, slots=True)
class _Request(Generic[InputIdsT, RulesT]):
    """One sequence. The caller's event loop sets `cancelled`; the thread does the rest."""

    input_ids: InputIdsT
    rules: RulesT
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Output]
    cancelled: bool = False

    def succeed(self, output: Output) -> None:
        """Hand the output to the caller. Called by the thread."""
        self._in_callers_loop(lambda: self.future.set_result(output))

    def fail(self, error: FollowupError) -> None:
        """Raise the error in the caller. Called by the thread."""
        self._in_callers_loop(lambda: self.future.set_exception(error))

    def _in_callers_loop(self, resolve: Callable[[], None]) -> None:
        def resolve_unless_cancelled() -> None:
            if not self.future.done():
                resolve()

        with contextlib.suppress(RuntimeError):  # the caller's loop is closed: nobody waits
            self.loop.call_soon_threadsafe(resolve_unless_cancelled)


class StepLoop(Generic[InputIdsT, RulesT]):
    """Continuous batching over one pipeline. Only its thread refers to the pipeline."""

    def __init__(self, pipeline: Pipeline[InputIdsT, RulesT], max_running: int) -> None:
        self._max_running = max_running
        self._changed = threading.Condition()
        self._waiting: deque[_Request[InputIdsT, RulesT]] = deque()
        self._running: list[tuple[_Request[InputIdsT, RulesT], Handle]] = []
        self._request_ids = itertools.count()
        self._closing = False
        self._failure: PartUnavailableError | None = None
        self._thread = threading.Thread(
            target=self._run, args=(pipeline,), name="engine-steps", daemon=True
        )
        self._thread.start()

    @property
    def load(self) -> EngineLoad:
        """Sequences in the pipeline, and requests that wait for a place in it."""
        with self._changed:
            return EngineLoad(num_running=len(self._running), num_waiting=len(self._waiting))

    def check(self) -> None:
        """Raise PartUnavailableError when the thread has ended or is about to."""
        if self._failure is not None:
            raise PartUnavailableError(self._failure.message)

    async def generate(self, input_ids: InputIdsT, rules: RulesT) -> Output:
        """Run one sequence to its end. Cancelling the awaiting task frees its place."""
        loop = asyncio.get_running_loop()
        request = _Request(input_ids, rules, loop, loop.create_future())
        with self._changed:
            self.check()
            self._waiting.append(request)
            self._changed.notify()
        try:
            return await request.future
        finally:
            request.cancelled = True

    def close(self) -> None:
        """End the thread after its current step. Blocks until then; safe to call twice."""
        with self._changed:
            self._closing = True
            self._failure = self._failure or engine_closed()
            self._changed.notify()
        self._thread.join()

    def _run(self, pipeline: Pipeline[InputIdsT, RulesT]) -> None:
        try:
            while self._admit(pipeline):
                pipeline.step()
                self._settle()
        except RuntimeError as error:  # what OpenVINO and torch raise, whatever went wrong
            self._failure = _broken(str(error))
        finally:  # whatever ended the thread, nobody is left waiting
            self._fail_all()

    def _admit(self, pipeline: Pipeline[InputIdsT, RulesT]) -> bool:
        """Fill the free places; sleep while there is nothing to do. False once closing."""
        with self._changed:
            while not self._closing:
                self._waiting = deque(each for each in self._waiting if not each.cancelled)
                while self._waiting and len(self._running) < self._max_running:
                    self._start(pipeline, self._waiting[0])
                    self._waiting.popleft()
                if self._running:
                    break
                self._changed.wait()
        for request, handle in self._running:
            if request.cancelled:
                handle.cancel()  # the next step frees its cache
        return not self._closing

    def _start(
        self, pipeline: Pipeline[InputIdsT, RulesT], request: _Request[InputIdsT, RulesT]
    ) -> None:
        try:
            handle = pipeline.add_request(next(self._request_ids), request.input_ids, request.rules)
        except RuntimeError as error:
            request.fail(_refused(error))
        else:
            self._running.append((request, handle))

    def _settle(self) -> None:
        """Hand over what has finished; forget what was cancelled."""
        ended: list[tuple[_Request[InputIdsT, RulesT], Handle, str]] = []
        still_running: list[tuple[_Request[InputIdsT, RulesT], Handle]] = []
        for request, handle in self._running:
            status = handle.get_status().name
            if status == "RUNNING":
                still_running.append((request, handle))
            else:
                ended.append((request, handle, status))
        with self._changed:
            self._running = still_running
        for request, handle, status in ended:
            if status == "FINISHED":
                request.succeed(handle.read_all()[0])
            else:  # cancelled, and then nobody listens, or out of memory
                request.fail(_out_of_memory())

    def _fail_all(self) -> None:
        with self._changed:
            self._failure = self._failure or _broken("its thread ended, see the log")
            left = [*self._waiting, *(request for request, _ in self._running)]
            self._waiting.clear()
            self._running.clear()
        for request in left:
            request.fail(self._failure)


def _broken(reason: str) -> PartUnavailableError:
    return PartUnavailableError(
        f"The generation engine broke: {reason}. Restart the service: lead-assistant up"
    )


def _refused(error: RuntimeError) -> InvalidInputError:
    # OpenVINO's text opens with the places in its own source; its last line says what was wrong.
    lines = str(error).strip().splitlines()
    reason = lines[-1].strip() if lines else "it gave no reason"
    return InvalidInputError(f"The generation engine refused the request: {reason}")


def _out_of_memory() -> PartUnavailableError:
    return PartUnavailableError(
        "The KV cache is too small for this request. Raise the engine's kv_cache_gib."
    )
