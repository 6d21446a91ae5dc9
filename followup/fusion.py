"""Candidates of a message: which to write, how each scores, which one wins."""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from followup.prompts import Approach


class CandidatePlan(BaseModel):
    """A candidate to write: with documents or not, with the adapter or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    uses_documents: bool
    uses_adapter: bool


class Candidate(BaseModel):
    """A message as the model wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    text: str
    truncated: bool = Field(description="The token limit cut it, so its last sentence is a torso.")
    mean_log_prob: float | None = Field(
        default=None, description="Mean log-probability of its tokens; None where unknown."
    )
    num_prompt_tokens: int = Field(default=0, ge=0)
    num_completion_tokens: int = Field(default=0, ge=0)


class CandidateScore(BaseModel):
    """How a candidate fared; shown in the response's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    score: float = Field(description="weight x grounding + (1 - weight) x quality, 0-1.")
    grounding: float = Field(description="Share of its claims, as written, that are supported.")
    quality: float = Field(description="Mean of rules kept, personalization and fluency, 0-1.")
    sound: bool = Field(description="After repair it keeps every rule and every claim holds.")


BASE_WITH_DOCUMENTS = CandidatePlan(name="base_documents", uses_documents=True, uses_adapter=False)
ADAPTER_WITH_DOCUMENTS = CandidatePlan(
    name="adapter_documents", uses_documents=True, uses_adapter=True
)
ADAPTER_ALONE = CandidatePlan(name="adapter", uses_documents=False, uses_adapter=True)


def plan_candidates(
    approach: Approach, *, fusion_weight_rag: float, has_adapter: bool
) -> tuple[CandidatePlan, ...]:
    """The candidates of an approach.

    Hybrid writes base + documents and adapter + documents; at weight 1 it is pure rag and at weight
    0 the adapter alone. Without an adapter only base + documents is left.
    """
    if approach is Approach.RAG:
        return (BASE_WITH_DOCUMENTS,)
    if approach is Approach.FINETUNED:
        return (ADAPTER_ALONE,)
    if not has_adapter or fusion_weight_rag == 1:
        return (BASE_WITH_DOCUMENTS,)
    if fusion_weight_rag == 0:
        return (ADAPTER_ALONE,)
    return (BASE_WITH_DOCUMENTS, ADAPTER_WITH_DOCUMENTS)


def fused_score(grounding: float, quality: float, weight: float) -> float:
    """weight x grounding + (1 - weight) x quality, all 0 to 1."""
    return weight * grounding + (1 - weight) * quality


def quality_score(
    *, rules_kept: float, personalization: float, mean_log_prob: float | None
) -> float:
    """Mean of the share of rules kept, personalization and fluency, each 0 to 1.

    Fluency is exp(mean log-probability), the geometric mean of the probabilities that the model
    gave its own tokens. An engine that reports none leaves it out of the mean.
    """
    parts = [rules_kept, personalization]
    if mean_log_prob is not None:
        parts.append(math.exp(min(0.0, mean_log_prob)))
    return sum(parts) / len(parts)


def best_candidate(scores: Sequence[CandidateScore]) -> int | None:
    """Index of the sound candidate with the highest score, the earlier one in a tie; or None."""
    sound = [index for index, score in enumerate(scores) if score.sound]
    return max(sound, key=lambda index: scores[index].score, default=None)
