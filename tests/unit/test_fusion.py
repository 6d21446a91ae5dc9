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
    Quality,
    Repair,
    best_candidate,
    fluency,
    fused_score,
    plan_candidates,
    pure_approach,
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
    pure = pure_approach(approach, fusion_weight_rag=weight, has_adapter=has_adapter)
    assert plan_candidates(pure, has_adapter=has_adapter) == plans


@given(shares, shares, shares)
def test_the_fused_score_lies_between_its_parts(g: float, q: float, w: float) -> None:
    assert min(g, q) - 1e-9 <= fused_score(g, q, w) <= max(g, q) + 1e-9
    assert fused_score(g, q, 1) == g
    assert fused_score(g, q, 0) == q


QUALITY = Quality(rules_kept=1, personalization=0.5, tone=0.75, fluency=None)


def test_quality_is_the_mean_of_what_is_known() -> None:
    assert QUALITY.mean == 0.75
    assert QUALITY.model_copy(update={"fluency": 0.6}).mean == pytest.approx(2.85 / 4)
    assert QUALITY.model_copy(update={"fluency": 0.6, "tone": 0.1}).mean == pytest.approx(2.2 / 4)


def test_fluency_is_the_geometric_mean_of_the_tokens_probabilities() -> None:
    assert fluency(None) is None
    assert fluency((math.log(0.9) + math.log(0.4)) / 2) == pytest.approx(math.sqrt(0.36))


def score(value: float, *, sound: bool = True) -> CandidateScore:
    return CandidateScore(
        name="c",
        score=value,
        grounding=1,
        quality=QUALITY.mean,
        quality_parts=QUALITY,
        repair=Repair.NONE,
        sound=sound,
    )


def test_the_best_sound_candidate_wins() -> None:
    assert best_candidate([score(0.5), score(0.9, sound=False), score(0.7)]) == 2


def test_no_sound_candidate_means_none() -> None:
    assert best_candidate([score(0.9, sound=False)]) is None
    assert best_candidate([]) is None
