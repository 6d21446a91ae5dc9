"""The request and response bodies of the HTTP API. Unknown fields are rejected by name."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from followup.fusion import CandidateScore
from followup.grounding import Verdict
from followup.lead import (
    MAX_HISTORY_CHARACTERS,
    CompanySize,
    DaysSinceContact,
    EngagementPattern,
    History,
    Lead,
    LeadStage,
    Name,
    Objections,
    OptionalName,
    Score,
    Tone,
)
from followup.prompts import Approach
from followup.request import (
    FollowupRequest,
    GenerationOptions,
    RetrievalOptions,
    Share,
    SourceType,
    SourceWeight,
)
from followup.scoring import Contribution, Strategy

MAX_LEADS_PER_CALL = 1_000
MAX_NOTE_CHARACTERS = 2_000
EARLIEST_EVENT = datetime(2000, 1, 1, tzinfo=UTC)
MAX_CLOCK_LEAD = timedelta(days=1)
"""How far ahead of ours the clock of a CRM may be."""

TopK = Annotated[int, Field(ge=1, le=50)]
MaxTokens = Annotated[int, Field(ge=16, le=512)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class Body(BaseModel):
    """Base of every body."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RagLeadContext(Body):
    lead_name: Name
    product_name: Name
    interaction_history: History
    lead_stage: LeadStage | None = None
    engagement_score: Score | None = None
    days_since_contact: DaysSinceContact | None = None
    tone_required: Tone = Tone.FRIENDLY_HELPFUL
    company_name: OptionalName = ""
    product_category: OptionalName = ""


class RagConfig(Body):
    top_k: TopK = 5
    retrieval_threshold: Share = 0.7
    source_types: Annotated[tuple[SourceType, ...], Field(max_length=50)] = ()
    use_hybrid_search: bool = True


class RagRequest(Body):
    lead_context: RagLeadContext
    rag_config: RagConfig = RagConfig()
    max_tokens: MaxTokens = 150

    def to_followup(self, tenant: str) -> FollowupRequest:
        """The request as the pipeline takes it. rag writes greedily: facts first, repeatable."""
        return FollowupRequest(
            tenant=tenant,
            approach=Approach.RAG,
            lead=Lead(**self.lead_context.model_dump()),
            retrieval=RetrievalOptions(**self.rag_config.model_dump()),
            generation=GenerationOptions(temperature=0, max_tokens=self.max_tokens),
        )


class FinetunedLeadProfile(Body):
    lead_name: Name
    product_name: Name
    interaction_history: History
    lead_score: Score | None = None
    lead_industry: OptionalName = ""
    company_size: CompanySize | None = None
    engagement_pattern: EngagementPattern | None = None
    objections_raised: Objections = ()
    days_since_contact: DaysSinceContact | None = None
    geographic_region: OptionalName = ""


class FinetunedRequest(Body):
    lead_profile: FinetunedLeadProfile
    company_name: OptionalName = ""
    product_category: OptionalName = ""
    temperature: Temperature = 0.7
    max_tokens: MaxTokens = 150

    def to_followup(self, tenant: str) -> FollowupRequest:
        """The request as the pipeline takes it."""
        return FollowupRequest(
            tenant=tenant,
            approach=Approach.FINETUNED,
            lead=Lead(
                **self.lead_profile.model_dump(),
                company_name=self.company_name,
                product_category=self.product_category,
            ),
            generation=GenerationOptions(temperature=self.temperature, max_tokens=self.max_tokens),
        )


class HybridRagConfig(Body):
    top_k: TopK = 5
    retrieval_threshold: Share = 0.65
    use_reranking: bool = Field(
        default=True,
        description="Whether the passages found are put into a new order by the reranker: the "
        "configured cross-encoder, or the built-in one.",
    )
    source_weights: Annotated[dict[SourceType, SourceWeight], Field(max_length=50)] = Field(
        default_factory=dict
    )


class HybridGenerationConfig(Body):
    temperature: Temperature = 0.7
    max_tokens: MaxTokens = 150
    fusion_weight_rag: Share | None = Field(
        default=None, description="Left out: the configured weight, 0.6 unless changed."
    )
    require_grounding: bool | None = Field(
        default=None, description="Left out: as configured, true unless changed."
    )


class HybridRequest(Body):
    lead_context: Lead
    rag_config: HybridRagConfig = HybridRagConfig()
    generation_config: HybridGenerationConfig = HybridGenerationConfig()

    def to_followup(self, tenant: str, defaults: GenerationOptions) -> FollowupRequest:
        """The request as the pipeline takes it; what it leaves out comes from `defaults`."""
        asked = self.generation_config.model_dump(exclude_none=True)
        return FollowupRequest(
            tenant=tenant,
            approach=Approach.HYBRID,
            lead=self.lead_context,
            retrieval=RetrievalOptions(**self.rag_config.model_dump()),
            generation=GenerationOptions(**{**defaults.model_dump(), **asked}),
        )


class Reply(Body):
    """What all three approaches return."""

    message: str
    request_id: str
    cached: bool
    fallback: bool = Field(description="True when the conservative reply was returned.")
    fallback_reason: str | None = None
    grounding: tuple[Verdict, ...] = Field(description="The claims checked, each with its verdict.")


class RagReply(Reply):
    retrieval_sources: tuple[str, ...] = Field(description="Document names, best first.")
    confidence_score: float
    model_used: Literal["rag_llm"] = "rag_llm"


class FinetunedReply(Reply):
    strategy_used: Strategy
    confidence: float
    model_version: str
    personalization_score: float


class GenerationMetadata(Body):
    num_docs_used: int
    fusion_weight: float
    timestamp: datetime
    model_version: str
    adapter_version: str | None
    note: str | None = Field(description="Why candidates are missing, when they are.")
    candidates: tuple[CandidateScore, ...]


class HybridReply(Reply):
    rag_sources: tuple[str, ...]
    rag_confidence: float
    strategy_used: Strategy
    strategy_confidence: float
    hybrid_confidence: float
    grounding_verified: bool
    personalization_score: float
    generation_metadata: GenerationMetadata


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


class FeedbackRequest(Body):
    request_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    outcome: Literal["sent", "replied", "meeting", "converted", "unsubscribed"]
    occurred_at: AwareDatetime | None = Field(
        default=None,
        description=(
            "From 2000-01-01 to a day ahead. Left out: now, and the outcome counts once for this "
            "request_id, so that sending it again changes nothing. An outcome that happens more "
            "than once needs its time."
        ),
    )
    note: str | None = Field(default=None, max_length=MAX_NOTE_CHARACTERS)

    @field_validator("occurred_at")
    @classmethod
    def _is_plausible(cls, value: datetime | None) -> datetime | None:
        if value is None or EARLIEST_EVENT <= value <= datetime.now(UTC) + MAX_CLOCK_LEAD:
            return value
        message = f"must be from {EARLIEST_EVENT:%Y-%m-%d} to at most one day from now"
        raise ValueError(message)


class FeedbackReply(Body):
    request_id: str
    outcome: str
    occurred_at: datetime


class ErrorDetail(Body):
    code: str
    message: str
    field: str | None = None
    request_id: str


class ErrorBody(Body):
    """The one shape of every error."""

    error: ErrorDetail


class ModelState(Body):
    status: Literal["active", "unavailable"]
    reason: str | None = None


class Health(Body):
    status: Literal["healthy", "degraded", "unhealthy"]
    models: dict[Approach, ModelState]
    services: dict[str, Literal["connected", "embedded", "down"]]
    version: str
