"""The built-in reranker and what it looks at."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from followup.backends.match_features import FEATURES, feature_matrix
from followup.backends.ranking import Candidate, Query, fuse
from followup.backends.reranking import (
    FeatureReranker,
    FeatureWeights,
    build_reranker,
    load_feature_weights,
)
from followup.backends.settings import RerankerSettings
from followup.backends.terms import index_terms
from followup.errors import SettingError
from tests.unit.candidates import make_candidate


def features(query: str, *candidates: Candidate) -> dict[str, NDArray[np.float64]]:
    asked = Query(query, index_terms(query))
    matrix = feature_matrix(asked, candidates, fuse(asked, candidates, dense_weight=0.6))
    return dict(zip(FEATURES, matrix.T, strict=True))


def test_a_rare_word_of_the_query_counts_more_than_one_that_every_candidate_holds() -> None:
    found = features(
        "billing webhooks",
        make_candidate("common", text="billing for teams"),
        make_candidate("rare", bm25=2.0, text="webhooks for teams"),
        make_candidate("other", text="billing again"),
        make_candidate("none", text="teams"),
    )
    common, rare, _, none = found["rare_words"]
    assert rare > common > none == 0


def test_words_in_title_and_section_are_seen() -> None:
    found = features(
        "refund policy",
        make_candidate("headed", bm25=2.0, title="Refund policy", text="Within 30 days."),
        make_candidate("worded", text="Refund policy: within 30 days."),
    )
    assert found["heading_words"].tolist() == pytest.approx([1.0, 0.0])


def test_words_that_stand_together_as_asked_are_seen() -> None:
    apart = "single people enjoy " + "a long list of further things " * 9 + " and then sign a form"
    found = features(
        "single sign on",
        make_candidate("together", bm25=2.0, text="We offer single sign-on for all."),
        make_candidate("apart", text=apart),
        make_candidate("reversed", text="sign a single form"),
    )
    assert found["adjacent_words"].tolist() == [1.0, 0.0, 0.0]
    together, apart_closeness, backwards = found["close_words"]
    assert together == backwards > apart_closeness > 0


def test_feedback_is_the_likeness_to_the_best_others() -> None:
    near, near_too = (1.0, 0.0), (0.8, 0.6)
    found = features(
        "plan",
        make_candidate("best", 0.9, vector=near),
        make_candidate("second", 0.8, vector=near),
        make_candidate("third", 0.7, vector=near_too),
        make_candidate("like", 0.2, vector=near),
        make_candidate("unlike", 0.2, vector=(0.0, -1.0)),
    )
    assert found["feedback"].tolist() == pytest.approx([0.9, 0.9, 0.8, (1 + 1 + 0.8) / 3, 0.0])


@pytest.mark.parametrize(
    ("query", "candidates"),
    [
        pytest.param("", [make_candidate("a"), make_candidate("b")], id="empty query"),
        pytest.param("what is it", [make_candidate("a")], id="stop words only"),
        pytest.param("plan", [make_candidate("a", -0.3)], id="one candidate, opposite"),
        pytest.param("plan plan plan", [make_candidate("a", text="plan")], id="repeated word"),
    ],
)
def test_every_feature_and_value_lies_between_0_and_1(
    query: str, candidates: list[Candidate]
) -> None:
    for values in features(query, *candidates).values():
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
    asked = Query(query, index_terms(query))
    reranker = FeatureReranker(load_feature_weights())
    values = reranker.values(asked, candidates, fuse(asked, candidates, dense_weight=0.6))
    assert values.shape == (len(candidates),)
    assert values.min() >= 0
    assert values.max() <= 1


def test_the_built_in_reranker_prefers_the_passage_that_says_it_in_one_place() -> None:
    scattered = "The data " + "of many people in many places and times " * 8 + "are encrypted"
    candidates = [
        make_candidate("scattered", 0.5, bm25=9.0, text=scattered),
        make_candidate("stated", 0.5, bm25=9.0, text="All customer data are encrypted at rest."),
    ]
    query = Query("Are customer data encrypted?", index_terms("Are customer data encrypted?"))
    values = build_reranker(RerankerSettings()).values(
        query, candidates, fuse(query, candidates, dense_weight=0.6)
    )
    assert values[1] > values[0]


def test_weights_of_other_features_are_refused() -> None:
    with pytest.raises(ValidationError, match="the features are"):
        FeatureWeights(source="x", fitted_on="x", weights={"cosine": 1.0})


def test_a_cross_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = RerankerSettings(model_name="own", model_path=tmp_path / "own")
    with pytest.raises(SettingError, match=r"own' does not exist.*lead-assistant models pull"):
        build_reranker(settings)
