"""What every engine does with a request before and after its model runs."""

import asyncio
import time

import pytest

from followup.backends.engines.request import (
    check_fits_context,
    mean_or_none,
    text_before_stop,
    until,
)
from followup.errors import DeadlineExceededError, InvalidInputError


def test_prompt_and_reply_may_fill_the_context_exactly() -> None:
    check_fits_context(num_prompt_tokens=900, max_tokens=124, context_tokens=1_024)


def test_one_token_beyond_the_context_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"901 tokens .* 124: .* length of 1024"):
        check_fits_context(num_prompt_tokens=901, max_tokens=124, context_tokens=1_024)


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        pytest.param("one two three", ("three", "two"), ("one ", True), id="earliest of two"),
        pytest.param("one two", ("four",), ("one two", False), id="absent"),
        pytest.param("one two", (), ("one two", False), id="no stops"),
        pytest.param("one", ("one",), ("", True), id="at the start"),
    ],
)
def test_the_text_is_cut_at_the_earliest_stop(
    text: str, stop: tuple[str, ...], expected: tuple[str, bool]
) -> None:
    assert text_before_stop(text, stop) == expected


def test_the_mean_of_no_log_probs_is_unknown() -> None:
    assert mean_or_none([]) is None
    assert mean_or_none([-1.0, -3.0]) == -2.0


async def test_a_block_past_its_deadline_is_cancelled() -> None:
    with pytest.raises(DeadlineExceededError, match="deadline"):
        async with until(time.monotonic() + 0.01):
            await asyncio.Event().wait()


async def test_a_time_out_of_the_block_itself_is_not_called_the_deadline() -> None:
    with pytest.raises(TimeoutError, match="socket"):
        async with until(time.monotonic() + 60):
            raise TimeoutError("socket")  # noqa: EM101
