"""Calibrated relevance of a passage: what `Passage.score` means.

Neither raw score can be compared with a threshold. A good passage has a MiniLM cosine of 0.3 to
0.7, and a BM25 score grows with the number of documents (through the inverse document frequency)
and on Milvus Lite even changes with the filter. The share of the query's words that a passage holds
needs no statistics of the corpus, so it is what the model takes from the words.
"""

import math
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from followup.errors import SettingError


class RelevanceModel(BaseModel):
    """Logistic regression on two features, written by `python -m training.fit_relevance`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="Command that fitted it.")
    fitted_on: str = Field(description="Data set, number of queries, what counts as irrelevant.")
    embedding_model: str = Field(description="Embedding model whose cosines it was fitted on.")
    cosine: float = Field(description="Weight of the cosine of query and passage.")
    coverage: float = Field(description="Weight of the share of query terms in the passage.")
    intercept: float
    held_out_auc: float = Field(ge=0, le=1, description="On queries that the fit did not see.")
    held_out_brier: float = Field(ge=0, le=1, description="At even odds, on the same queries.")

    def score(self, cosine: float, coverage: float) -> float:
        """Probability, 0 to 1, that the passage is relevant, at even prior odds."""
        logit = self.cosine * cosine + self.coverage * coverage + self.intercept
        return 1 / (1 + math.exp(-logit))

    def check_fits(self, embedding_model: str) -> None:
        """Raise SettingError where the cosines are another model's; case does not matter."""
        if embedding_model.casefold() == self.embedding_model.casefold():
            return
        message = (
            f"The relevance of passages is calibrated for '{self.embedding_model}', but the "
            f"embedding model is '{embedding_model}'. Calibrate it with: "
            "lead-assistant models pull, then python -m training.fit_relevance --model FOLDER, "
            "where the folder is named as the model."
        )
        raise SettingError(message, field="embedding_model")


@cache
def load_relevance_model() -> RelevanceModel:
    """The coefficients that ship with the package."""
    content = files(__package__).joinpath("relevance.json").read_text(encoding="utf-8")
    return RelevanceModel.model_validate_json(content)
