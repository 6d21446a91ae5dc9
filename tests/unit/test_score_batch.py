"""Scores of a batch are those of each lead alone, to the last bit."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import load_settings
from followup.backends.score_batch import FACTORS, GIVEN, BatchScorer
from followup.lead import CompanySize, EngagementPattern, Lead
from followup.scoring import ScoringRules, score_lead
from tests.unit.leads import lead

points = st.floats(0, 100)
leads = st.builds(
    lead,
    lead_score=st.none() | points,
    engagement_score=st.none() | points,
    days_since_contact=st.none() | st.integers(0, 3_650),
    company_size=st.none() | st.sampled_from(CompanySize),
    engagement_pattern=st.none() | st.sampled_from(EngagementPattern),
)


@pytest.fixture(scope="module")
def rules() -> ScoringRules:
    return load_settings().scoring


@given(st.lists(leads, max_size=20))
def test_a_batch_scores_each_lead_as_it_is_scored_alone(
    rules: ScoringRules, batch: list[Lead]
) -> None:
    found = BatchScorer(rules).score(batch)
    for place, one in enumerate(batch):
        alone = score_lead(one, rules)
        assert found.score[place] == alone.score
        assert found.strategy[place] == alone.strategy
        assert found.strategy_confidence[place] == alone.strategy_confidence
        expected = {part.factor: part.points for part in alone.contributions}
        for name in (*FACTORS, GIVEN):
            value = found.points[name][place]
            assert (None if value != value else value) == expected.get(name)  # noqa: PLR0124 - NaN


def test_an_empty_batch_has_empty_columns(rules: ScoringRules) -> None:
    assert all(
        len(column) == 0 for column in asdict(BatchScorer(rules).score([]))["points"].values()
    )
