"""The measures of the retrieval benchmark, held to scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score  # type: ignore[import-untyped]  # no types

from benchmarks.ranking_measures import ndcg, recall

NAMES = [str(number) for number in range(30)]


@given(st.permutations(NAMES), st.sets(st.sampled_from(NAMES), min_size=1), st.integers(1, 30))
def test_ndcg_is_that_of_scikit_learn(ranking: list[str], relevant: set[str], depth: int) -> None:
    gains = np.array([[name in relevant for name in ranking]], dtype=float)
    scores = np.array([[-rank for rank in range(len(ranking))]], dtype=float)
    assert ndcg(ranking, relevant, depth) == pytest.approx(ndcg_score(gains, scores, k=depth))


def test_relevant_documents_that_were_not_found_lower_both_measures() -> None:
    assert ndcg(["a"], {"a"}, 10) == 1
    assert ndcg(["a"], {"a", "missing"}, 10) < 1
    assert ndcg([], {"a"}, 10) == 0
    assert recall(["a", "x", "b"], {"a", "b", "missing", "lost"}, 10) == 0.5
    assert recall(["a", "x", "b"], {"a", "b"}, 2) == 0.5
