"""A finished reply, and whether it took a second draft."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from followup.fusion import CandidateScore
from followup.grounding import Verdict
from followup.passage import Passage
from followup.scoring import LeadScore
from followup.situation import Situation


class SecondDraft(StrEnum):
    """Whether a second draft was asked for, after no first one could be sent."""

    NOT_NEEDED = "not_needed"
    SENT = "sent"
    NO_BETTER = "no_better"
    NO_TIME = "no_time"
    FAILED = "failed"


class FollowupReply(BaseModel):
    """A message with everything that is told or recorded about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    fallback_reason: str | None
    verdicts: tuple[Verdict, ...]
    sources: tuple[str, ...] = Field(description="Names of the documents used, best first.")
    passages: tuple[Passage, ...] = Field(
        description="What was retrieved, best first: a reviewer's edit is checked against it."
    )
    num_docs_used: int
    situation: Situation
    lead_score: LeadScore
    rag_confidence: float
    confidence: float = Field(description="Of the approach; see followup/confidence.py.")
    personalization: float
    candidates: tuple[CandidateScore, ...]
    second_draft: SecondDraft
    adapter: str | None
    note: str | None = Field(description="Why candidates are missing, when they are.")
    timings_ms: dict[str, float] = Field(description="Time at each node, in milliseconds.")
    num_prompt_tokens: int
    num_completion_tokens: int

    @property
    def fallback(self) -> bool:
        """Whether the conservative reply was taken."""
        return self.fallback_reason is not None

    @property
    def grounding_verified(self) -> bool:
        """Whether every claim of the message is supported."""
        return all(verdict.supported for verdict in self.verdicts)
