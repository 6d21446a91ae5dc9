"""Candidates: which are written, and which one wins."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.fusion import (
    ADAPTER_ALONE,
    ADAPTER_WITH_DOCUMENTS,
    BASE_WITH_DOCUMENTS,
    CandidatePlan,
    CandidateScore,
    best_candidate,
    fused_score,
    plan_candidates,
    quality_score,
)
from followup.prompts import Approach

shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("approach", "weight", "has_adapter", "plans"),
    [
        (Approach.RAG, 0.6, True, (BASE_WITH_DOCUMENTS,)),
        (Approach.FINETUNED, 0.6, True, (ADAPTER_ALONE,)),
        (Approach.HYBRID, 0.6, True, (BASE_WITH_DOCUMENTS, ADAPTER_WITH_DOCUMENTS)),
        (Approach.HYBRID, 1, True, (BASE_WITH_DOCUMENTS,)),
        (Approach.HYBRID, 0, True, (ADAPTER_ALONE,)),
        (Approach.HYBRID, 0, False, (BASE_WITH_DOCUMENTS,)),
    ],
    ids=["rag", "finetuned", "hybrid", "weight 1 is rag", "weight 0 is adapter", "no adapter"],
)
def test_each_approach_writes_its_candidates(
    approach: Approach, weight: float, has_adapter: bool, plans: tuple[CandidatePlan, ...]
) -> None:
    planned = plan_candidates(approach, fusion_weight_rag=weight, has_adapter=has_adapter)
    assert planned == plans


@given(shares, shares, shares)
def test_the_fused_score_lies_between_its_parts(g: float, q: float, w: float) -> None:
    assert min(g, q) - 1e-9 <= fused_score(g, q, w) <= max(g, q) + 1e-9
    assert fused_score(g, q, 1) == g
    assert fused_score(g, q, 0) == q


def test_fluency_counts_only_where_the_engine_reports_it() -> None:
    without = quality_score(rules_kept=1, personalization=0.5, mean_log_prob=None)
    with_it = quality_score(rules_kept=1, personalization=0.5, mean_log_prob=math.log(0.6))
    assert without == 0.75
    assert with_it == pytest.approx((1 + 0.5 + 0.6) / 3)


def score(value: float, *, sound: bool = True) -> CandidateScore:
    return CandidateScore(name="c", score=value, grounding=1, quality=1, sound=sound)


def test_the_best_sound_candidate_wins() -> None:
    assert best_candidate([score(0.5), score(0.9, sound=False), score(0.7)]) == 2


def test_no_sound_candidate_means_none() -> None:
    assert best_candidate([score(0.9, sound=False)]) is None
    assert best_candidate([]) is None
