"""The sequences in a stepped pipeline, and those that wait for a place in it.

A request that the pipeline refuses fails alone. A step that raises leaves the batch unusable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from followup.backends.engines.protocol import EngineLoad
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


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the request with this number."""

    number: int
    result: Output | FollowupError


class RunningBatch(Generic[InputIdsT, RulesT]):
    """Continuous batching over one pipeline: `admit`, `step`, `settle`, and again."""

    def __init__(self, pipeline: Pipeline[InputIdsT, RulesT], max_running: int) -> None:
        self._pipeline = pipeline
        self._max_running = max_running
        self._waiting: dict[int, tuple[InputIdsT, RulesT]] = {}
        self._running: dict[int, Handle] = {}
        self._given_up: set[int] = set()

    @property
    def load(self) -> EngineLoad:
        """Sequences in the pipeline, and requests that wait for a place in it."""
        return EngineLoad(num_running=len(self._running), num_waiting=len(self._waiting))

    def add(self, number: int, input_ids: InputIdsT, rules: RulesT) -> None:
        """A request that waits for a place. No two in the batch may have the same number."""
        self._waiting[number] = (input_ids, rules)

    def cancel(self, number: int) -> bool:
        """Drop a request; whether it is gone at once. One that runs ends with the next step."""
        if number in self._running:
            self._given_up.add(number)
            return False
        self._waiting.pop(number, None)
        return True

    def admit(self) -> list[Ended]:
        """Fill the free places, the longest waiting first; those that the pipeline refused."""
        for number in self._given_up:
            self._running[number].cancel()  # the next step frees its cache
        self._given_up.clear()
        not_taken = []
        while self._waiting and len(self._running) < self._max_running:
            number = next(iter(self._waiting))
            input_ids, rules = self._waiting.pop(number)
            try:
                self._running[number] = self._pipeline.add_request(number, input_ids, rules)
            except RuntimeError as error:
                not_taken.append(Ended(number, refused(error)))
        return not_taken

    def step(self) -> None:
        """Run the model once. Raises RuntimeError when it breaks."""
        self._pipeline.step()

    def settle(self) -> list[Ended]:
        """What the last step ended, and forget it."""
        ended = []
        for number, handle in list(self._running.items()):
            status = handle.get_status().name
            if status == "RUNNING":
                continue
            del self._running[number]
            self._given_up.discard(number)
            # Not finished: cancelled, and then nobody listens, or out of memory.
            finished = status == "FINISHED"
            ended.append(Ended(number, handle.read_all()[0] if finished else _out_of_memory()))
        return ended


def engine_broke(reason: str) -> PartUnavailableError:
    """The error of every request after a step that raised."""
    return PartUnavailableError(
        f"The generation engine broke: {reason}. Restart the service: lead-assistant up"
    )


def refused(error: RuntimeError) -> InvalidInputError:
    """The error of a request that the engine does not take."""
    # OpenVINO's text opens with the places in its own source; its last line says what was wrong.
    lines = str(error).strip().splitlines()
    reason = lines[-1].strip() if lines else "it gave no reason"
    return InvalidInputError(f"The generation engine refused the request: {reason}")


def _out_of_memory() -> PartUnavailableError:
    return PartUnavailableError(
        "The KV cache is too small for this request. Raise the engine's kv_cache_gib."
    )
