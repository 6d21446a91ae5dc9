"""What every engine does with a request before and after its model runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from followup.errors import (
    AdapterMissingError,
    DeadlineExceededError,
    InvalidInputError,
    PartUnavailableError,
)
from followup.prompts import Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def chat_turns(prompt: Prompt) -> list[dict[str, str]]:
    """The prompt as the turns that a chat template is applied to."""
    return [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]


def encode(tokenizer: "PreTrainedTokenizerBase", prompt: Prompt) -> list[int]:
    """Token ids of the prompt in the model's chat template, with the start of the reply."""
    text = tokenizer.apply_chat_template(
        chat_turns(prompt), add_generation_prompt=True, tokenize=False
    )
    # The template writes the model's own start token where it wants one.
    token_ids: list[int] = tokenizer.encode(text + prompt.reply_start, add_special_tokens=False)
    return token_ids


def check_fits_context(num_prompt_tokens: int, max_tokens: int, context_tokens: int) -> None:
    """Raise InvalidInputError when prompt and reply together may pass the context length."""
    if num_prompt_tokens + max_tokens > context_tokens:
        message = (
            f"The prompt has {num_prompt_tokens} tokens and the reply may take {max_tokens}: "
            f"together more than the context length of {context_tokens}. "
            "Shorten the interaction history or ask for fewer passages."
        )
        raise InvalidInputError(message, field="prompt")


def no_adapters(adapter: str) -> AdapterMissingError:
    """The error of an engine that was built without a folder of adapters."""
    return AdapterMissingError(
        f"Adapter '{adapter}' is not loaded: this engine has no folder of adapters. "
        "Set adapter_path in models.yaml, and publish one with: lead-assistant train publish"
    )


def engine_closed() -> PartUnavailableError:
    """The error of every call after `close`."""
    return PartUnavailableError(
        "The generation engine is closed. Start it again: lead-assistant up"
    )


def text_before_stop(text: str, stop: Iterable[str]) -> tuple[str, bool]:
    """The text up to the earliest stop string, and whether there was one."""
    positions = [position for word in stop if (position := text.find(word)) >= 0]
    return (text[: min(positions)], True) if positions else (text, False)


def mean_or_none(log_probs: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return sum(log_probs) / len(log_probs) if log_probs else None


@asynccontextmanager
async def until(deadline: float | None) -> AsyncIterator[None]:
    """Cancel the block and raise DeadlineExceededError at `deadline` (`time.monotonic()`)."""
    if deadline is None:
        yield
        return
    seconds_left = deadline - time.monotonic()
    if seconds_left <= 0:
        raise _deadline_exceeded()
    limit = asyncio.timeout(seconds_left)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise _deadline_exceeded() from error


def _deadline_exceeded() -> DeadlineExceededError:
    return DeadlineExceededError(
        "The reply was not ready before the request's deadline; generation was cancelled. "
        "Ask for fewer max_tokens or try again when the service is less busy."
    )
