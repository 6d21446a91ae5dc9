"""The contract of a generation engine; `tests/integration/test_engine_contract.py` checks it.

An engine batches across its callers by itself: callers start as many `generate` calls at the same
time as they like, each of which is one sequence in the engine's running batch.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from followup.errors import InvalidInputError
from followup.prompts import Prompt

FinishReason = Literal["stop", "length"]

MAX_SEED = 2**63 - 1
"""The largest seed that every engine's generator takes."""
GREEDY_BELOW_TEMPERATURE = 0.01


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    A temperature below GREEDY_BELOW_TEMPERATURE is greedy and ignores seed and top_p: it would
    choose the likeliest token anyway, but logits divided by it overflow and break the whole batch.
    A value outside its range raises InvalidInputError here, before it can reach a running batch.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.9
    repetition_penalty: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        allowed = {
            "max_tokens": (self.max_tokens, self.max_tokens >= 1, "at least 1"),
            "temperature": (self.temperature, self.temperature >= 0, "at least 0"),
            "top_p": (self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1"),
            "repetition_penalty": (
                self.repetition_penalty,
                self.repetition_penalty > 0,
                "above 0",
            ),
            "seed": (self.seed, 0 <= self.seed <= MAX_SEED, f"from 0 to {MAX_SEED}"),
            "stop": (self.stop, all(self.stop), "strings of at least one character"),
        }
        for field, (value, is_allowed, expected) in allowed.items():
            if not is_allowed:
                message = f"Sampling value '{field}' is {value!r}. Allowed: {expected}."
                raise InvalidInputError(message, field=field)

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken at each step."""
        return self.temperature < GREEDY_BELOW_TEMPERATURE


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated reply. Stop strings and end-of-turn tokens are not part of the text."""

    text: str
    num_prompt_tokens: int
    num_completion_tokens: int
    """Generated tokens, the end-of-turn token among them."""
    mean_log_prob: float | None
    """Mean log-probability of the generated tokens, natural logarithm; None where unknown."""
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy an engine is now, in requests."""

    num_running: int
    num_waiting: int


class Engine(Protocol):
    """Writes replies.

    `generate` stops at the model's end of turn, at a stop string, or at `max_tokens`. Cancelling
    the awaiting task cancels the request inside the engine and frees its place. `deadline` is a
    `time.monotonic()` value: past it the request is cancelled and DeadlineExceededError raised.
    A repetition penalty counts the tokens of prompt and reply. Markers of the model's chat
    template inside a prompt are read as markers: `render_prompt` keeps them out.
    An adapter is named by its version and loaded with its first request; one in use is never
    unloaded.
    Errors: AdapterMissingError for an adapter that is not published for this base model,
    PartUnavailableError for one that cannot be loaded (others go on) and for every call once
    closed, InvalidInputError for a prompt beyond the context length or a request that the engine
    refuses to start.
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

    async def load_adapter(self, adapter: str) -> None:
        """Load an adapter ahead of its first request. Errors: as `generate`."""

    def check_adapter(self, adapter: str) -> None:
        """Raise what `generate` would, as far as that is known without loading the adapter."""

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the engine can no longer generate."""

    async def close(self) -> None:
        """Cancel what runs and free the model's memory. Safe to call twice."""
