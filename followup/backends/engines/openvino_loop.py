"""The thread that steps an OpenVINO GenAI pipeline for many asyncio callers.

A request waits until a place is free, runs in the pipeline, and its output is handed to the
caller's event loop. With nothing to do the thread sleeps on a condition. A step that raises ends
the thread: every request fails, and so does every later one.
"""

import asyncio
import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from followup.backends.engines.protocol import EngineLoad
from followup.backends.engines.request import engine_closed
from followup.errors import PartUnavailableError


class Output(Protocol):
    """`openvino_genai.GenerationOutput`."""

    generated_ids: list[int]
    generated_log_probs: list[float]


class Status(Protocol):
    """`openvino_genai.GenerationStatus`."""

    name: str


class Handle(Protocol):
    """`openvino_genai.GenerationHandle`."""

    def get_status(self) -> Status:
        """RUNNING, FINISHED, or why neither."""

    def read_all(self) -> list[Output]:
        """What was generated, one output per returned sequence."""

    def cancel(self) -> None:
        """Drop the sequence at the next step."""


class Pipeline(Protocol):
    """`openvino_genai.ContinuousBatchingPipeline`, in the part that the loop uses."""

    def add_request(self, request_id: int, input_ids: object, config: object) -> Handle:
        """Start a sequence from token ids of shape 1 x tokens."""

    def step(self) -> None:
        """Run the model once for every scheduled sequence."""


@dataclass(eq=False, slots=True)
class _Request:
    """One sequence. The caller's event loop sets `cancelled`; the thread does the rest."""

    input_ids: object
    config: object
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Output]
    cancelled: bool = False

    def succeed(self, output: Output) -> None:
        """Hand the output to the caller. Called by the thread."""
        self._in_callers_loop(lambda: self.future.done() or self.future.set_result(output))

    def fail(self, error: PartUnavailableError) -> None:
        """Raise the error in the caller. Called by the thread."""
        self._in_callers_loop(lambda: self.future.done() or self.future.set_exception(error))

    def _in_callers_loop(self, resolve: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop is closed: nobody waits
            self.loop.call_soon_threadsafe(resolve)


class StepLoop:
    """Continuous batching over one pipeline. Only its thread refers to the pipeline."""

    def __init__(self, pipeline: Pipeline, max_running: int) -> None:
        self._max_running = max_running
        self._changed = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._running: list[tuple[_Request, Handle]] = []
        self._request_ids = itertools.count()
        self._closing = False
        self._failure: PartUnavailableError | None = None
        self._thread = threading.Thread(
            target=self._run, args=(pipeline,), name="openvino-steps", daemon=True
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

    async def generate(self, input_ids: object, config: object) -> Output:
        """Run one sequence to its end. Cancelling the awaiting task frees its place."""
        loop = asyncio.get_running_loop()
        request = _Request(input_ids, config, loop, loop.create_future())
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

    def _run(self, pipeline: Pipeline) -> None:
        try:
            while self._admit(pipeline):
                pipeline.step()
                self._settle()
        except RuntimeError as error:  # what OpenVINO raises, whatever went wrong
            self._failure = PartUnavailableError(
                f"OpenVINO stopped generating: {error}. Restart the service: lead-assistant up"
            )
        finally:  # whatever ended the thread, nobody is left waiting
            self._fail_all()

    def _admit(self, pipeline: Pipeline) -> bool:
        """Fill the free places; sleep while there is nothing to do. False once closing."""
        with self._changed:
            while not self._closing:
                self._waiting = deque(each for each in self._waiting if not each.cancelled)
                while self._waiting and len(self._running) < self._max_running:
                    request = self._waiting[0]
                    handle = pipeline.add_request(
                        next(self._request_ids), request.input_ids, request.config
                    )
                    self._running.append((self._waiting.popleft(), handle))
                if self._running:
                    break
                self._changed.wait()
        for request, handle in self._running:
            if request.cancelled:
                handle.cancel()  # the next step frees its cache
        return not self._closing

    def _settle(self) -> None:
        """Hand over what has finished; forget what was cancelled."""
        ended = [pair for pair in self._running if pair[1].get_status().name != "RUNNING"]
        with self._changed:
            self._running = [pair for pair in self._running if pair not in ended]
        for request, handle in ended:
            if handle.get_status().name == "FINISHED":
                request.succeed(handle.read_all()[0])
            else:  # cancelled, and then nobody listens, or out of memory
                request.fail(
                    PartUnavailableError(
                        "The KV cache is too small for this request. Raise the engine's kv_cache_gib."
                    )
                )

    def _fail_all(self) -> None:
        with self._changed:
            self._failure = self._failure or engine_closed()
            left = [*self._waiting, *(request for request, _ in self._running)]
            self._waiting.clear()
            self._running.clear()
        for request in left:
            request.fail(self._failure)
