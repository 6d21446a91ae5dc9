"""How warm a lead is: a score from 0 to 100, why it is so, and the strategy that follows."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from followup.lead import CompanySize, EngagementPattern, Lead

MAX_SCORE = 100.0
WEIGHT_TOLERANCE = 1e-6


class Strategy(StrEnum):
    HIGH_INTENT = "high_intent"
    MEDIUM_INTENT = "medium_intent"
    LOW_INTENT = "low_intent"


class Weights(BaseModel):
    """The share of each factor in the score. They add up to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engagement: float = Field(ge=0, le=1)
    interaction_frequency: float = Field(ge=0, le=1)
    recency: float = Field(ge=0, le=1)
    company_size: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _add_up_to_one(self) -> "Weights":
        total = self.engagement + self.interaction_frequency + self.recency + self.company_size
        if abs(total - 1) > WEIGHT_TOLERANCE:
            message = f"the weights add up to {total:g}; they must add up to 1"
            raise ValueError(message)
        return self


class ScoringRules(BaseModel):
    """`config/scoring.yaml`: how each factor gets its 0 to 100, and where the bands lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Weights
    frequency: dict[EngagementPattern, float] = Field(
        description="Points, 0-100, of each engagement pattern."
    )
    company_size: dict[CompanySize, float] = Field(description="Points, 0-100, of each size.")
    recency_half_life_days: float = Field(
        gt=0, description="Days after the last contact at which recency has fallen from 100 to 50."
    )
    unknown_factor_points: float = Field(
        ge=0, le=100, description="Points of a factor of which the lead says nothing."
    )
    high_intent_from: float = Field(ge=0, le=100, description="Lowest score of high_intent.")
    medium_intent_from: float = Field(ge=0, le=100, description="Lowest score of medium_intent.")

    @model_validator(mode="after")
    def _are_complete(self) -> "ScoringRules":
        for name, table, kind in (
            ("frequency", self.frequency, EngagementPattern),
            ("company_size", self.company_size, CompanySize),
        ):
            missing = [member.value for member in kind if member not in table]
            if missing:
                message = f"{name} lacks {', '.join(missing)}"
                raise ValueError(message)
            outside = {key.value: v for key, v in table.items() if not 0 <= v <= MAX_SCORE}
            if outside:
                message = f"{name} has points outside 0-100: {outside}"
                raise ValueError(message)
        if self.medium_intent_from >= self.high_intent_from:
            message = "medium_intent_from must be below high_intent_from"
            raise ValueError(message)
        return self


class Contribution(BaseModel):
    """What one factor adds to the score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: str
    value: float = Field(description="The factor's own 0-100.")
    weight: float = Field(description="Its share in the score.")
    points: float = Field(description="value x weight; the points of all factors add to the score.")
    known: bool = Field(
        description="False where the lead says nothing and the neutral value is in."
    )


class LeadScore(BaseModel):
    """A score with the reasons for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float = Field(ge=0, le=100)
    strategy: Strategy
    strategy_confidence: float = Field(ge=0, le=1)
    contributions: tuple[Contribution, ...]


def score_lead(lead: Lead, rules: ScoringRules) -> LeadScore:
    """Score a lead by the rules; a `lead_score` that came with the lead wins."""
    contributions = (
        (
            Contribution(
                factor="lead_score",
                value=lead.lead_score,
                weight=1,
                points=lead.lead_score,
                known=True,
            ),
        )
        if lead.lead_score is not None
        else _factor_contributions(lead, rules)
    )
    score = min(MAX_SCORE, max(0.0, sum(part.points for part in contributions)))
    completeness = sum(part.weight for part in contributions if part.known)
    return LeadScore(
        score=score,
        strategy=select_strategy(score, rules),
        strategy_confidence=strategy_confidence(score, completeness, rules),
        contributions=contributions,
    )


def select_strategy(score: float, rules: ScoringRules) -> Strategy:
    """The band a score (0-100) falls in."""
    if score >= rules.high_intent_from:
        return Strategy.HIGH_INTENT
    if score >= rules.medium_intent_from:
        return Strategy.MEDIUM_INTENT
    return Strategy.LOW_INTENT


def strategy_confidence(score: float, completeness: float, rules: ScoringRules) -> float:
    """How sure the band is, 0 to 1: completeness x (0.5 + 0.5 x margin).

    margin is the distance of the score to the nearest edge between two bands, over half the width
    of the middle band, at most 1: on an edge either band is as good (0.5), in the middle of one it
    is certain (1). completeness (0-1) is the weight of the factors that the lead really gave.
    """
    half_width = (rules.high_intent_from - rules.medium_intent_from) / 2
    distance = min(abs(score - rules.high_intent_from), abs(score - rules.medium_intent_from))
    margin = min(1.0, distance / half_width)
    return completeness * (0.5 + 0.5 * margin)


def _factor_contributions(lead: Lead, rules: ScoringRules) -> tuple[Contribution, ...]:
    pattern, size, days = lead.engagement_pattern, lead.company_size, lead.days_since_contact
    values = {
        "engagement": lead.engagement_score,
        "interaction_frequency": None if pattern is None else rules.frequency[pattern],
        "recency": None
        if days is None
        else MAX_SCORE * 0.5 ** (days / rules.recency_half_life_days),
        "company_size": None if size is None else rules.company_size[size],
    }
    weights = rules.weights.model_dump()
    return tuple(
        _contribution(factor, value, weights[factor], rules) for factor, value in values.items()
    )


def _contribution(
    factor: str, value: float | None, weight: float, rules: ScoringRules
) -> Contribution:
    shown = rules.unknown_factor_points if value is None else value
    return Contribution(
        factor=factor, value=shown, weight=weight, points=shown * weight, known=value is not None
    )
