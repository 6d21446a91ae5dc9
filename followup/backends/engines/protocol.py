"""The contract of a generation engine. `tests/integration/test_engine_contract.py` holds each to it.

An engine batches across its callers by itself: callers start as many `generate` calls at the same
time as they like, each of which is one sequence in the engine's running batch.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from followup.prompts import Prompt

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. temperature 0 is greedy and ignores seed and top_p."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.9
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated reply. Stop strings and end-of-turn tokens are not part of the text."""

    text: str
    num_prompt_tokens: int
    num_completion_tokens: int
    mean_log_prob: float | None
    """Mean log-probability of the generated tokens under the model; None where unknown."""
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is now, in requests."""

    num_running: int
    num_waiting: int


class Engine(Protocol):
    """Writes replies.

    `generate` stops at the model's end of turn, at a stop string, or at `max_tokens`. Cancelling the
    awaiting task cancels the request inside the engine and frees its place. `deadline` is a
    `time.monotonic()` value: past it the request is cancelled and DeadlineExceededError raised.
    Errors: AdapterMissingError for an adapter that is not loaded or not supported,
    InvalidInputError for a prompt beyond the context length, PartUnavailableError once closed.
    """

    @property
    def model_name(self) -> str:
        """Name of the base model, recorded with every reply."""

    @property
    def load(self) -> EngineLoad:
        """Requests running and waiting now."""

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        *,
        adapter: str | None = None,
        deadline: float | None = None,
    ) -> Generation:
        """Generate one reply to one prompt."""

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the engine can no longer generate."""

    async def close(self) -> None:
        """Cancel what runs and free the model's memory. Safe to call twice."""
