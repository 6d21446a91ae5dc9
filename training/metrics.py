"""What replies are measured by, and how sure each figure is.

Intervals are 95 % percentile bootstraps over rows (Efron 1979). Both models answer the same rows,
so their difference is resampled in pairs.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sacrebleu.metrics import CHRF

_WORD = re.compile(r"\w+(?:['’]\w+)*")  # noqa: RUF001 - as people type
_LOW, _HIGH = 2.5, 97.5


class Estimate(BaseModel):
    """A figure with its 95 % interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RowMeasures:
    """One reply of one model, measured."""

    text: str
    loss: float
    """Summed loss of the reference's tokens, nats."""
    num_tokens: int
    """Of the reference."""
    chrf: float
    rouge_l: float
    rules_kept: float
    """1 where the text as written breaks no rule, else 0."""
    grounded_share: float
    """Share of its claims that passages or request support."""
    personalization: float

    @property
    def words(self) -> list[str]:
        """Lower-case words of the text."""
        return [word.casefold() for word in _WORD.findall(self.text)]


def chrf(text: str, reference: str) -> float:
    """chrF2 of one reply, 0 to 1 (Popović 2015, character 6-grams, beta 2; by sacrebleu)."""
    return float(CHRF().sentence_score(text, [reference]).score) / 100


def rouge_l(text: str, reference: str) -> float:
    """ROUGE-L F1, 0 to 1: longest common subsequence of words (Lin 2004)."""
    made = [word.casefold() for word in _WORD.findall(text)]
    wanted = [word.casefold() for word in _WORD.findall(reference)]
    common = _longest_common(made, wanted)
    return 2 * common / (len(made) + len(wanted)) if common else 0.0


def distinct_2(rows: Sequence[RowMeasures]) -> float:
    """Different word pairs over all word pairs of all replies (Li et al. 2016)."""
    pairs = [pair for row in rows for pair in zip(row.words, row.words[1:], strict=False)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def estimate_all(rows: Sequence[RowMeasures], num_resamples: int, seed: int) -> dict[str, Estimate]:
    """Every metric of one model's replies.

    Distinct-2 falls whenever a reply is drawn twice, so its resamples are moved to have their mean
    at the value of the whole.
    """
    draws = _draws(len(rows), num_resamples, seed)
    found = {
        name: _interval(compute(np.arange(len(rows))[None])[0], compute(draws))
        for name, compute in _computed(rows).items()
    }
    value = distinct_2(rows)
    resampled = np.array([distinct_2([rows[place] for place in draw]) for draw in draws[:200]])
    found["distinct_2"] = _interval(value, resampled + (value - resampled.mean()))
    return found


def estimate_differences(
    base: Sequence[RowMeasures], adapter: Sequence[RowMeasures], num_resamples: int, seed: int
) -> dict[str, Estimate]:
    """Adapter minus base of every metric that is a mean, resampled in pairs."""
    draws = _draws(len(base), num_resamples, seed)
    whole = np.arange(len(base))[None]
    of_base, of_adapter = _computed(base), _computed(adapter)
    return {
        name: _interval(
            of_adapter[name](whole)[0] - of_base[name](whole)[0],
            of_adapter[name](draws) - of_base[name](draws),
        )
        for name in of_base
    }


Places = NDArray[np.int64]
Compute = Callable[[Places], NDArray[np.float64]]


def _computed(rows: Sequence[RowMeasures]) -> Mapping[str, Compute]:
    """Each metric as a function of row places, resamples x rows, to one value for each resample."""
    losses = np.array([row.loss for row in rows])
    counts = np.array([row.num_tokens for row in rows], dtype=float)
    columns = {
        "chrf": [row.chrf for row in rows],
        "rouge_l": [row.rouge_l for row in rows],
        "rules_kept": [row.rules_kept for row in rows],
        "grounded_share": [row.grounded_share for row in rows],
        "personalization": [row.personalization for row in rows],
        "num_words": [float(len(row.words)) for row in rows],
    }

    def mean_of(values: NDArray[np.float64]) -> Compute:
        return lambda places: values[places].mean(axis=1)

    return {
        "perplexity": lambda places: np.exp(
            losses[places].sum(axis=1) / counts[places].sum(axis=1)
        ),
        **{name: mean_of(np.array(values)) for name, values in columns.items()},
    }


def _draws(num_rows: int, num_resamples: int, seed: int) -> Places:
    return np.random.default_rng(seed).integers(0, num_rows, (num_resamples, num_rows))


def _interval(value: float, resampled: NDArray[np.float64]) -> Estimate:
    low, high = np.percentile(resampled, [_LOW, _HIGH])
    return Estimate(value=float(value), low=float(low), high=float(high))


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for place, other in enumerate(second, start=1):
            diagonal, row[place] = (
                row[place],
                diagonal + 1 if word == other else max(row[place], row[place - 1]),
            )
    return row[-1]
