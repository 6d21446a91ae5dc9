"""Candidates of a message: which to write, how each scores, which one wins."""

import math
from collections.abc import Sequence
from enum import StrEnum

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


class Repair(StrEnum):
    """What became of a candidate's text before it could be sent."""

    NONE = "none"
    DROPPED = "dropped"
    REWRITTEN = "rewritten"


class Quality(BaseModel):
    """The parts of a candidate's quality, each 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules_kept: float = Field(description="Share of the rules kept by the text as written.")
    personalization: float = Field(description="Of the message; see personalization_score.")
    tone: float = Field(description="How well the text as written meets the tone asked for.")
    fluency: float | None = Field(
        description="Geometric mean of the probabilities that the model gave its own tokens; None "
        "where the engine reports none."
    )

    @property
    def mean(self) -> float:
        """Mean of the parts that are known."""
        parts = (self.rules_kept, self.personalization, self.tone, self.fluency)
        known = [part for part in parts if part is not None]
        return sum(known) / len(known)


class CandidateScore(BaseModel):
    """How a candidate fared; shown in the response's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    score: float = Field(description="weight x grounding + (1 - weight) x quality, 0-1.")
    grounding: float = Field(description="Share of what it claims, as written, that is supported.")
    quality: float = Field(description="Mean of quality_parts, 0-1.")
    quality_parts: Quality
    repair: Repair = Field(description="none, dropped: sentences left out; rewritten: quotes.")
    sound: bool = Field(description="After repair it keeps every rule and every claim holds.")


BASE_WITH_DOCUMENTS = CandidatePlan(name="base_documents", uses_documents=True, uses_adapter=False)
ADAPTER_WITH_DOCUMENTS = CandidatePlan(
    name="adapter_documents", uses_documents=True, uses_adapter=True
)
ADAPTER_ALONE = CandidatePlan(name="adapter", uses_documents=False, uses_adapter=True)


def pure_approach(approach: Approach, *, fusion_weight_rag: float, has_adapter: bool) -> Approach:
    """The approach that a request amounts to: at an end of the weight hybrid is a pure one."""
    if approach is Approach.HYBRID and fusion_weight_rag == 1:
        return Approach.RAG
    if approach is Approach.HYBRID and fusion_weight_rag == 0 and has_adapter:
        return Approach.FINETUNED
    return approach


def plan_candidates(approach: Approach, *, has_adapter: bool) -> tuple[CandidatePlan, ...]:
    """The candidates of a pure approach or of hybrid, which without an adapter has one only."""
    if approach is Approach.FINETUNED:
        return (ADAPTER_ALONE,)
    if approach is Approach.RAG or not has_adapter:
        return (BASE_WITH_DOCUMENTS,)
    return (BASE_WITH_DOCUMENTS, ADAPTER_WITH_DOCUMENTS)


def fused_score(grounding: float, quality: float, weight: float) -> float:
    """weight x grounding + (1 - weight) x quality, all 0 to 1."""
    return weight * grounding + (1 - weight) * quality


def fluency(mean_log_prob: float | None) -> float | None:
    """exp(mean log-probability of the tokens), 0 to 1; None where it is unknown."""
    return None if mean_log_prob is None else math.exp(min(0.0, mean_log_prob))


def best_candidate(scores: Sequence[CandidateScore]) -> int | None:
    """Index of the sound candidate with the highest score, the earlier one in a tie; or None."""
    sound = [index for index, score in enumerate(scores) if score.sound]
    return max(sound, key=lambda index: scores[index].score, default=None)
