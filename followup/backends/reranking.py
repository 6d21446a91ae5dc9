"""Rerankers: they put the fused candidates into their last order."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from followup.backends.match_features import FEATURES, feature_matrix
from followup.backends.ranking import Candidate, Query
from followup.backends.settings import RerankerSettings


class Reranker(Protocol):
    """Judges the candidates of one query next to each other."""

    def values(
        self, query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Value of each candidate in the order, 0 to 1, shape (len(candidates),).

        `fused` are the values of the order before. Blocks; called in a thread.
        """


class FeatureWeights(BaseModel):
    """A linear model of match features, written by `python -m training.fit_reranker`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="Command that fitted it.")
    fitted_on: str = Field(description="Data set, number of queries, what is compared.")
    weights: dict[str, float] = Field(description="Weight of each match feature.")

    @model_validator(mode="after")
    def _has_every_feature(self) -> "FeatureWeights":
        if tuple(self.weights) != FEATURES:
            message = f"weights has {list(self.weights)}; the features are {list(FEATURES)}"
            raise ValueError(message)
        return self


class FeatureReranker:
    """The built-in reranker: no model to fetch, some milliseconds a query."""

    def __init__(self, model: FeatureWeights) -> None:
        self._weights = np.array(list(model.weights.values()))

    def values(
        self, query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Reranker.values`: the linear score, stretched from the worst, 0, to the best, 1."""
        scores = feature_matrix(query, candidates, fused) @ self._weights
        spread = float(np.ptp(scores))
        return (scores - scores.min()) / spread if spread > 0 else np.ones_like(scores)


def build_reranker(settings: RerankerSettings) -> Reranker:
    """The cross-encoder that the settings name, or the built-in reranker."""
    if settings.model_path is None:
        return FeatureReranker(load_feature_weights())
    # Imported here: torch takes seconds to load, and the built-in reranker needs none.
    from followup.backends.cross_encoder import CrossEncoderReranker  # noqa: PLC0415

    return CrossEncoderReranker(settings)


@cache
def load_feature_weights() -> FeatureWeights:
    """The weights that ship with the package."""
    content = files(__package__).joinpath("reranking.json").read_text(encoding="utf-8")
    return FeatureWeights.model_validate_json(content)
