"""Scores many leads at once with numpy: the same figures as `followup.scoring.score_lead`, to the
last bit, because the same operations run in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from followup.lead import MAX_DAYS_SINCE_CONTACT, Lead
from followup.scoring import MAX_SCORE, ScoringRules, Strategy

Floats = npt.NDArray[np.float64]
GIVEN = "lead_score"
FACTORS = ("engagement", "interaction_frequency", "recency", "company_size")


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Columns of the leads in their order; `points` by factor is NaN where it does not count."""

    score: Floats
    strategy: npt.NDArray[np.object_]
    strategy_confidence: Floats
    points: dict[str, Floats]


class BatchScorer:
    """The rules, ready for batches."""

    def __init__(self, rules: ScoringRules) -> None:
        self._rules = rules
        # By table: numpy's power may differ from Python's in the last bit.
        self._recency = np.array(
            [
                MAX_SCORE * 0.5 ** (days / rules.recency_half_life_days)
                for days in range(MAX_DAYS_SINCE_CONTACT + 1)
            ]
        )
        self._weights = [getattr(rules.weights, factor) for factor in FACTORS]

    def score(self, leads: Sequence[Lead]) -> ScoredBatch:
        """Score, band and contributions of each lead."""
        given = _column([lead.lead_score for lead in leads])
        has_given = ~np.isnan(given)
        score, completeness = np.zeros(len(leads)), np.zeros(len(leads))
        points: dict[str, Floats] = {GIVEN: given}
        values = self._values(leads)
        for factor, weight, value in zip(FACTORS, self._weights, values, strict=True):
            known = ~np.isnan(value)
            shown = np.where(known, value, self._rules.unknown_factor_points)
            points[factor] = np.where(has_given, np.nan, shown * weight)
            score += shown * weight
            completeness += np.where(known, weight, 0.0)
        score = np.clip(np.where(has_given, given, score), 0.0, MAX_SCORE)
        completeness = np.where(has_given, 1.0, completeness)
        return ScoredBatch(
            score, self._strategies(score), self._confidence(score, completeness), points
        )

    def _values(self, leads: Sequence[Lead]) -> list[Floats]:
        rules = self._rules
        days = [lead.days_since_contact for lead in leads]
        places = np.array([0 if day is None else day for day in days], dtype=np.int64)
        recency = self._recency[places]
        missing = np.array([day is None for day in days], dtype=bool)
        return [
            _column([lead.engagement_score for lead in leads]),
            _column(
                [
                    None
                    if (pattern := lead.engagement_pattern) is None
                    else rules.frequency[pattern]
                    for lead in leads
                ]
            ),
            np.where(missing, np.nan, recency),
            _column(
                [
                    None if (size := lead.company_size) is None else rules.company_size[size]
                    for lead in leads
                ]
            ),
        ]

    def _strategies(self, score: Floats) -> npt.NDArray[np.object_]:
        rules = self._rules
        below_high = np.where(
            score >= rules.medium_intent_from,
            Strategy.MEDIUM_INTENT.value,
            Strategy.LOW_INTENT.value,
        ).astype(object)
        return np.where(score >= rules.high_intent_from, Strategy.HIGH_INTENT.value, below_high)

    def _confidence(self, score: Floats, completeness: Floats) -> Floats:
        rules = self._rules
        half_width = (rules.high_intent_from - rules.medium_intent_from) / 2
        distance = np.minimum(
            np.abs(score - rules.high_intent_from), np.abs(score - rules.medium_intent_from)
        )
        margin: Floats = np.minimum(1.0, distance / half_width)
        confidence: Floats = completeness * (0.5 + 0.5 * margin)
        return confidence


def _column(values: Sequence[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)
