"""The calibrated probability that a source supports a statement: logistic regression, explained."""

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field


class ReliabilityBin(BaseModel):
    """Statements of one range of stated probability, none of them seen by the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stated: float = Field(ge=0, le=1, description="Mean probability stated, at even odds.")
    supported: float = Field(ge=0, le=1, description="Share that people found supported, same.")
    num_statements: int = Field(ge=0)


class HeldOutQuality(BaseModel):
    """Measured in five folds, no source standing on both sides; each class weighs half."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auc: float = Field(ge=0, le=1, description="Area under the ROC curve.")
    balanced_accuracy: float = Field(ge=0, le=1, description="At a probability of one half.")
    brier: float = Field(ge=0, le=1)
    reliability: tuple[ReliabilityBin, ...]


class Classifier(BaseModel):
    """Weights of one set of features."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, float] = Field(description="Per feature, in the order they are measured in.")
    intercept: float
    threshold: float = Field(
        ge=0,
        le=1,
        description="Probability from which a statement counts as supported: the highest that "
        "keeps the wanted share of the supported statements; see threshold_keeps.",
    )
    held_out: HeldOutQuality

    def probability(self, features: Sequence[float]) -> float:
        """Probability, 0 to 1, at even prior odds, that the sources support the statement."""
        pairs = zip(self.weights.values(), features, strict=True)
        logit = self.intercept + sum(weight * value for weight, value in pairs)
        return 1 / (1 + math.exp(-logit))


class SupportModel(BaseModel):
    """Written by `python -m training.fit_statements`, with what was measured of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="Command that fitted it.")
    fitted_on: str = Field(description="Data set, number of statements, what counts as supported.")
    embedding_model: str = Field(description="Model whose word vectors `with_embeddings` expects.")
    threshold_keeps: float = Field(
        ge=0, le=1, description="Share of supported statements that the thresholds let pass."
    )
    without_embeddings: Classifier
    with_embeddings: Classifier


@cache
def load_support_model() -> SupportModel:
    """The model that ships with the package."""
    content = files(__package__).joinpath("support_model.json").read_text(encoding="utf-8")
    return SupportModel.model_validate_json(content)
