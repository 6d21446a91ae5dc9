"""Lead scoring, strategies and how sure they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.settings import load_settings
from followup.lead import CompanySize, EngagementPattern, Lead
from followup.scoring import ScoringRules, Strategy, score_lead, select_strategy

RULES = load_settings().scoring


def lead(**fields: object) -> Lead:
    required = {"lead_name": "Ana", "product_name": "Billing", "interaction_history": "Asked."}
    return Lead.model_validate({**required, **fields})


def test_the_score_is_the_weighted_sum_of_the_four_factors() -> None:
    scored = score_lead(
        lead(
            engagement_score=80,
            engagement_pattern="weekly",
            days_since_contact=30,
            company_size="smb",
        ),
        RULES,
    )
    assert scored.score == pytest.approx(0.4 * 80 + 0.3 * 80 + 0.2 * 50 + 0.1 * 60)
    assert scored.strategy is Strategy.HIGH_INTENT


def test_a_score_that_came_with_the_lead_wins() -> None:
    scored = score_lead(lead(lead_score=12, engagement_score=100), RULES)
    assert (scored.score, scored.strategy) == (12, Strategy.LOW_INTENT)
    assert [part.factor for part in scored.contributions] == ["lead_score"]


@pytest.mark.parametrize(
    ("score", "strategy"),
    [
        (100, Strategy.HIGH_INTENT),
        (70, Strategy.HIGH_INTENT),
        (69.99, Strategy.MEDIUM_INTENT),
        (40, Strategy.MEDIUM_INTENT),
        (39.99, Strategy.LOW_INTENT),
        (0, Strategy.LOW_INTENT),
    ],
)
def test_the_bands_begin_at_70_and_40(score: float, strategy: Strategy) -> None:
    assert select_strategy(score, RULES) is strategy


leads = st.builds(
    lead,
    engagement_score=st.none() | st.floats(0, 100),
    engagement_pattern=st.none() | st.sampled_from(EngagementPattern),
    days_since_contact=st.none() | st.integers(0, 3_650),
    company_size=st.none() | st.sampled_from(CompanySize),
    lead_score=st.none() | st.floats(0, 100),
)


@given(leads)
def test_contributions_add_up_to_the_score(some: Lead) -> None:
    scored = score_lead(some, RULES)
    assert sum(part.points for part in scored.contributions) == pytest.approx(scored.score)
    assert 0 <= scored.score <= 100
    assert 0 <= scored.strategy_confidence <= 1


@given(leads.filter(lambda some: some.lead_score is None), st.floats(0, 100), st.floats(0, 100))
def test_more_engagement_never_lowers_the_score(some: Lead, one: float, other: float) -> None:
    low, high = sorted((one, other))
    scores = [
        score_lead(some.model_copy(update={"engagement_score": value}), RULES).score
        for value in (low, high)
    ]
    assert scores[0] <= scores[1]


def test_confidence_is_half_on_an_edge_and_full_in_the_middle_of_a_band() -> None:
    on_edge, in_middle = (
        score_lead(lead(lead_score=score), RULES).strategy_confidence for score in (70, 55)
    )
    assert (on_edge, in_middle) == (0.5, 1)


def test_what_the_lead_does_not_say_lowers_the_confidence() -> None:
    full = {
        "engagement_score": 90,
        "engagement_pattern": "daily",
        "days_since_contact": 0,
        "company_size": "enterprise",
    }
    confidences = [
        score_lead(lead(**dict(list(full.items())[:count])), RULES).strategy_confidence
        for count in range(5)
    ]
    assert confidences == sorted(confidences)
    assert confidences[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {**RULES.weights.model_dump(), "recency": 0.3}}, "must add up to 1"),
        ({"frequency": {"daily": 100}}, "frequency lacks weekly"),
        ({"company_size": {s.value: 101 for s in CompanySize}}, "outside 0-100"),
        ({"medium_intent_from": 70}, "must be below"),
    ],
    ids=["weights", "missing pattern", "points out of range", "bands"],
)
def test_rules_that_cannot_be_meant_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ScoringRules.model_validate({**RULES.model_dump(mode="json"), **changes})
