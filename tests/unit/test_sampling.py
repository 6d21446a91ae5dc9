"""Sampling values are checked before they can reach a running batch."""

from dataclasses import replace

import pytest

from followup.backends.engines.protocol import MAX_SEED, Sampling
from followup.errors import InvalidInputError

DEFAULTS = Sampling(max_tokens=16)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("repetition_penalty", 0.0),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("stop", ("end", "")),
    ],
    ids=repr,
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=f"'{field}' is .* Allowed: ") as caught:
        replace(DEFAULTS, **{field: value})  # type: ignore[arg-type]  # the wrong value is the test
    assert caught.value.field == field


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(Sampling(max_tokens=1, temperature=2.0, top_p=1.0), id="widest"),
        pytest.param(Sampling(max_tokens=512, seed=MAX_SEED), id="largest seed"),
    ],
)
def test_the_ends_of_the_ranges_are_allowed(allowed: Sampling) -> None:
    assert allowed.max_tokens >= 1


@pytest.mark.parametrize(
    ("temperature", "greedy"),
    [(0.0, True), (1e-300, True), (1e-46, True), (1e-38, True), (0.0099, True), (0.01, False)],
)
def test_a_temperature_too_small_to_divide_by_is_greedy(temperature: float, greedy: bool) -> None:
    assert replace(DEFAULTS, temperature=temperature).is_greedy is greedy
