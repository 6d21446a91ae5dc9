"""What one follow-up is asked with: tenant, approach, lead, and how to retrieve and generate."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from followup.lead import Lead
from followup.passage import SOURCE_TYPE_PATTERN, TENANT_PATTERN
from followup.prompts import Approach

MAX_SOURCE_WEIGHT = 10.0

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
SourceType = Annotated[str, Field(pattern=SOURCE_TYPE_PATTERN)]
SourceWeight = Annotated[float, Field(ge=0, le=MAX_SOURCE_WEIGHT, allow_inf_nan=False)]


class RetrievalOptions(BaseModel):
    """How passages are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    top_k: int = Field(default=5, ge=1, le=50)
    retrieval_threshold: Share = Field(
        default=0.7, description="Lowest calibrated relevance of a passage that is used."
    )
    source_types: tuple[SourceType, ...] = Field(default=(), max_length=50)
    source_weights: dict[SourceType, SourceWeight] = Field(default_factory=dict, max_length=50)
    use_hybrid_search: bool = True
    use_reranking: bool = False


class GenerationOptions(BaseModel):
    """How a message is written and chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=0.7, ge=0, le=2, allow_inf_nan=False)
    max_tokens: int = Field(default=150, ge=16, le=512)
    fusion_weight_rag: Share = 0.6
    require_grounding: bool = True


class FollowupRequest(BaseModel):
    """One message to write. Two equal requests of a tenant give the same cached message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str = Field(pattern=TENANT_PATTERN)
    approach: Approach
    lead: Lead
    retrieval: RetrievalOptions = RetrievalOptions()
    generation: GenerationOptions = GenerationOptions()


class Versions(BaseModel):
    """The versions of everything a message depends on; recorded with it and part of its key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str
    model: str
    rules: str
    knowledge_base: str
    adapter: str | None = Field(default=None, description="name@hash; None without an adapter.")
