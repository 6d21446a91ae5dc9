"""The bodies of `/api/v1/leads/score`."""

from typing import Annotated

from pydantic import Field, model_validator

from deployments.body import Body
from followup.lead import MAX_HISTORY_CHARACTERS, Lead, OptionalName
from followup.scoring import Contribution, Strategy

MAX_LEADS_PER_CALL = 1_000


class ScoredLead(Lead):
    """A lead of which nothing is required, and an id to find it again."""

    lead_id: OptionalName = ""
    lead_name: OptionalName = ""
    product_name: OptionalName = ""
    interaction_history: Annotated[str, Field(max_length=MAX_HISTORY_CHARACTERS)] = ""


class ScoreRequest(Body):
    """Either one `lead` or a list of `leads`."""

    lead: ScoredLead | None = None
    leads: Annotated[tuple[ScoredLead, ...], Field(max_length=MAX_LEADS_PER_CALL)] = ()

    @model_validator(mode="after")
    def _has_one_of_both(self) -> "ScoreRequest":
        if (self.lead is None) == (not self.leads):
            message = "give either 'lead' or a non-empty 'leads'"
            raise ValueError(message)
        return self


class LeadScoreOut(Body):
    lead_id: str
    lead_name: str
    score: float
    strategy: Strategy
    strategy_confidence: float
    contributions: tuple[Contribution, ...]


class ScoreReply(Body):
    request_id: str
    results: tuple[LeadScoreOut, ...]
