"""lead-assistant train fit-scoring LEADS -o DIR: the lead scoring's numbers, fitted on outcomes.

The fitted rules are of the same form as those a person wrote: points for each pattern and size, a
half-life, weights that add up to 1. They are compared on leads that were not fitted on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]  # no types
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import (  # type: ignore[import-untyped]
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]

from followup.errors import InvalidInputError
from followup.lead import CompanySize, EngagementPattern, Lead
from followup.scoring import ScoringRules, Weights, score_lead
from training.outcomes import ScoredLead

FACTORS = ("engagement", "interaction_frequency", "recency", "company_size")
HALF_LIVES_DAYS = (7, 14, 30, 60, 120, 240, 480)
UNKNOWN_POINTS = (0, 20, 40, 50, 60, 80, 100)
TEST_SHARE = 0.3
SEED = 20
MIN_LEADS, MIN_OF_EACH = 200, 30
SMOOTHING_LEADS = 20
"""Leads of average outcome added to each pattern and size: few leads prove little."""
NUM_BINS = 10
NUM_RESAMPLES = 500
_INTERVAL = (2.5, 97.5)
_WEIGHT_DIGITS = 3
Vector = NDArray[np.float64]
Kind = TypeVar("Kind", bound=StrEnum)


class Bin(BaseModel):
    """Leads of like estimated probability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_leads: int
    estimated: float
    converted: float


class ScoringQuality(BaseModel):
    """How well scores tell who became a customer, on leads that were not fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float
    brier: float = Field(description="Of the calibrated probability; lower is better.")
    top_tenth_lift: float = Field(description="Rate of the best tenth over the rate of all.")
    reliability: tuple[Bin, ...]
    bands: dict[str, Bin] = Field(description="By strategy.")


class ScoringReport(BaseModel):
    """What the fit gave, next to the rules that were there before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_leads: int
    num_test_leads: int
    converted_share: float
    brier_of_the_mean: float = Field(description="Of saying the same for every lead.")
    before: ScoringQuality
    fitted: ScoringQuality
    auc_gain: tuple[float, float, float] = Field(description="Value, low, high; paired bootstrap.")
    rules: ScoringRules


@dataclass(frozen=True, slots=True)
class _Split:
    train: Sequence[ScoredLead]
    test: Sequence[ScoredLead]


def fit_scoring(leads: Sequence[ScoredLead], rules: ScoringRules) -> ScoringReport:
    """Fit points, half-life and weights; the bands stay.

    Raises InvalidInputError for too few leads, or outcomes that no factor tells anything of.
    """
    outcomes = [item.converted for item in leads]
    num_each = min(sum(outcomes), len(outcomes) - sum(outcomes))
    if len(leads) < MIN_LEADS or num_each < MIN_OF_EACH:
        message = (
            f"{len(leads)} leads, {sum(outcomes)} of them converted, are too few: "
            f"{MIN_LEADS} are needed, with {MIN_OF_EACH} of either outcome."
        )
        raise InvalidInputError(message, field="leads")
    split = _Split(
        *train_test_split(leads, test_size=TEST_SHARE, stratify=outcomes, random_state=SEED)
    )
    fitted = _fit(split.train, rules)
    truth = _truth(split.test)
    scores = {name: _scores(split.test, given) for name, given in _named(rules, fitted)}
    quality = {
        name: _quality(scores[name], truth, _calibrator(split.train, given), split.test, given)
        for name, given in _named(rules, fitted)
    }
    mean = float(np.mean(_truth(split.train)))
    return ScoringReport(
        num_leads=len(leads),
        num_test_leads=len(split.test),
        converted_share=float(np.mean(outcomes)),
        brier_of_the_mean=float(np.mean((truth - mean) ** 2)),
        before=quality["before"],
        fitted=quality["fitted"],
        auc_gain=_auc_gain(scores["before"], scores["fitted"], truth),
        rules=fitted,
    )


def _named(before: ScoringRules, fitted: ScoringRules) -> tuple[tuple[str, ScoringRules], ...]:
    return (("before", before), ("fitted", fitted))


def _fit(leads: Sequence[ScoredLead], rules: ScoringRules) -> ScoringRules:
    """The rules with the lowest log loss over half-lives and points of the unknown."""
    pointed = rules.model_copy(
        update={
            "frequency": _points(leads, EngagementPattern, lambda lead: lead.engagement_pattern),
            "company_size": _points(leads, CompanySize, lambda lead: lead.company_size),
        }
    )
    best: tuple[float, ScoringRules] | None = None
    for half_life in HALF_LIVES_DAYS:
        aged = pointed.model_copy(update={"recency_half_life_days": float(half_life)})
        factors = _factors(leads, aged)
        for unknown in UNKNOWN_POINTS:
            found = _weights(np.where(np.isnan(factors), unknown, factors), _truth(leads))
            if found is not None and (best is None or found[0] < best[0]):
                update = {"unknown_factor_points": float(unknown), "weights": found[1]}
                best = (found[0], aged.model_copy(update=update))
    if best is None:
        message = "No factor of the score tells anything about these outcomes: nothing is fitted."
        raise InvalidInputError(message, field="leads")
    return ScoringRules.model_validate(best[1].model_dump())


def _points(
    leads: Sequence[ScoredLead], kind: type[Kind], value_of: Callable[[Lead], Kind | None]
) -> dict[Kind, float]:
    """Points of each value: its smoothed rate, from 0 for the lowest to 100 for the highest."""
    mean = float(np.mean(_truth(leads)))
    rates = {}
    for value in kind:
        outcomes = [item.converted for item in leads if value_of(item.lead) is value]
        rates[value] = (sum(outcomes) + SMOOTHING_LEADS * mean) / (len(outcomes) + SMOOTHING_LEADS)
    low, high = min(rates.values()), max(rates.values())
    return {
        value: round(100 * (rate - low) / (high - low), 1) if high > low else 50.0
        for value, rate in rates.items()
    }


def _weights(factors: Vector, truth: Vector) -> tuple[float, Weights] | None:
    """Log loss and weights of a logistic regression that gives no factor a negative weight.

    A factor with a negative one is left out, and the rest fitted again: a score must not fall
    because a lead does more.
    """
    used = [place for place in range(len(FACTORS)) if np.ptp(factors[:, place]) > 0]
    while used:
        model = LogisticRegression(C=1e6, max_iter=500).fit(factors[:, used] / 100, truth)
        slopes = model.coef_[0]
        if slopes.min() >= 0:
            break
        used.pop(int(slopes.argmin()))
    if not used or slopes.sum() <= 0:
        return None
    shares = np.zeros(len(FACTORS))
    shares[used] = slopes / slopes.sum()
    rounded = np.round(shares, _WEIGHT_DIGITS)
    rounded[int(rounded.argmax())] += 1 - rounded.sum()
    loss = log_loss(truth, model.predict_proba(factors[:, used] / 100)[:, 1])
    weights = dict(zip(FACTORS, np.round(rounded, _WEIGHT_DIGITS).tolist(), strict=True))
    return float(loss), Weights(**weights)


def _factors(leads: Iterable[ScoredLead], rules: ScoringRules) -> Vector:
    """Points of each factor, leads x factors, as `score_lead` works them out; NaN for unknown."""
    rows = []
    for item in leads:
        parts = {part.factor: part for part in score_lead(item.lead, rules).contributions}
        rows.append([parts[name].value if parts[name].known else np.nan for name in FACTORS])
    return np.array(rows)


def _scores(leads: Iterable[ScoredLead], rules: ScoringRules) -> Vector:
    return np.array([score_lead(item.lead, rules).score for item in leads])


def _truth(leads: Iterable[ScoredLead]) -> Vector:
    return np.array([item.converted for item in leads], dtype=float)


def _calibrator(leads: Sequence[ScoredLead], rules: ScoringRules) -> IsotonicRegression:
    """Score to probability, never falling (Zadrozny and Elkan 2002)."""
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    return model.fit(_scores(leads, rules), _truth(leads))


def _quality(
    scores: Vector,
    truth: Vector,
    calibrator: IsotonicRegression,
    leads: Sequence[ScoredLead],
    rules: ScoringRules,
) -> ScoringQuality:
    estimated = calibrator.predict(scores)
    # Leads of equal score stand in the order of the file, which says nothing of their outcome.
    top = np.argsort(-scores, kind="stable")[: max(1, len(scores) // 10)]
    strategies = np.array([score_lead(item.lead, rules).strategy.value for item in leads])
    order = np.argsort(estimated, kind="stable")
    return ScoringQuality(
        auc=float(roc_auc_score(truth, scores)),
        brier=float(brier_score_loss(truth, estimated)),
        top_tenth_lift=float(truth[top].mean() / truth.mean()),
        reliability=tuple(
            _bin(places, estimated, truth) for places in np.array_split(order, NUM_BINS)
        ),
        bands={
            name: _bin(np.flatnonzero(strategies == name), estimated, truth)
            for name in sorted(set(strategies.tolist()))
        },
    )


def _bin(places: NDArray[np.int64], estimated: Vector, truth: Vector) -> Bin:
    return Bin(
        num_leads=len(places),
        estimated=float(estimated[places].mean()),
        converted=float(truth[places].mean()),
    )


def _auc_gain(before: Vector, fitted: Vector, truth: Vector) -> tuple[float, float, float]:
    draw = np.random.default_rng(SEED)
    gains = []
    for _ in range(NUM_RESAMPLES):
        places = draw.integers(0, len(truth), len(truth))
        if 0 < truth[places].sum() < len(places):
            gains.append(_gain(before[places], fitted[places], truth[places]))
    low, high = np.percentile(gains, _INTERVAL)
    return _gain(before, fitted, truth), float(low), float(high)


def _gain(before: Vector, fitted: Vector, truth: Vector) -> float:
    return float(roc_auc_score(truth, fitted) - roc_auc_score(truth, before))


def describe(report: ScoringReport) -> Mapping[str, tuple[str, str]]:
    """Rows of the comparison, before and fitted."""
    before, fitted = report.before, report.fitted
    return {
        "AUC": (f"{before.auc:.3f}", f"{fitted.auc:.3f}"),
        "Brier": (f"{before.brier:.4f}", f"{fitted.brier:.4f}"),
        "Lift in the top tenth": (f"{before.top_tenth_lift:.2f}", f"{fitted.top_tenth_lift:.2f}"),
    }
