"""The bodies of the three approaches: what they are asked and what they return.

Unknown fields are rejected by name, here and in the other `*_api.py`.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from deployments.approval_api import ApprovalState
from deployments.body import Body
from followup.fusion import CandidateScore
from followup.grounding import Verdict
from followup.lead import (
    CompanySize,
    DaysSinceContact,
    DealValue,
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
from followup.reply import SecondDraft
from followup.request import (
    FollowupRequest,
    GenerationOptions,
    RetrievalOptions,
    Share,
    SourceType,
    SourceWeight,
)
from followup.scoring import Strategy

TopK = Annotated[int, Field(ge=1, le=50)]
MaxTokens = Annotated[int, Field(ge=16, le=512)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


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
    deal_value: DealValue | None = None


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
    deal_value: DealValue | None = None


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

    message: str = Field(description="The text to send; empty while it waits for approval.")
    request_id: str
    cached: bool
    fallback: bool = Field(description="True when the conservative reply was returned.")
    fallback_reason: str | None = None
    second_draft: SecondDraft = Field(
        description="Whether the model wrote once more, because no first draft could be sent."
    )
    grounding: tuple[Verdict, ...] = Field(description="The claims checked, each with its verdict.")
    approval: ApprovalState | None = Field(
        default=None,
        description="The approval that the message waits for or came from; null: none was asked.",
    )


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
