"""Writes to one lead of a list as the endpoint of its approach would, on whatever nodes."""

import time
from dataclasses import dataclass

from config.settings import Settings
from deployments.api import (
    FinetunedLeadProfile,
    FinetunedRequest,
    HybridGenerationConfig,
    HybridRequest,
    RagLeadContext,
    RagRequest,
)
from deployments.bulk_options import WriteOptions
from deployments.service import NO_KNOWLEDGE_BASE, KnowledgeBaseVersions, NodesFor
from followup.backends.adapters import AdapterStore
from followup.lead import Lead
from followup.pipeline import Pipeline
from followup.prompts import Approach
from followup.reply import FollowupReply
from followup.request import FollowupRequest, GenerationOptions, Versions

_COMPANY_FIELDS = ("company_name", "product_category")


@dataclass(frozen=True, slots=True)
class WrittenReply:
    """A reply with what it was made of."""

    reply: FollowupReply
    versions: Versions
    seconds: float


@dataclass(frozen=True, slots=True)
class LeadWriter:
    """Writes for one lead at a time or for many at once; the engine batches them.

    A lead may take `lead_seconds`, beside many others in the same engine.
    """

    pipeline: Pipeline
    nodes_for: NodesFor
    knowledge_base_version: KnowledgeBaseVersions
    adapters: AdapterStore
    settings: Settings
    options: WriteOptions
    lead_seconds: float

    async def write(self, lead: Lead) -> WrittenReply:
        """Raises what the pipeline and the nodes raise."""
        start = time.monotonic()
        deadline = start + self.lead_seconds
        request = to_request(lead, self.options, hybrid_defaults(self.settings))
        adapter = None
        if request.approach is not Approach.RAG:
            adapter = await self.adapters.resolve(request.tenant, request.lead.lead_industry)
        situation = self.pipeline.check(request, adapter)
        versions = await self._versions(request, adapter, deadline)
        nodes = self.nodes_for(request.tenant, deadline, versions.knowledge_base)
        reply = await self.pipeline.write(request, nodes, adapter, situation, deadline)
        return WrittenReply(reply, versions, time.monotonic() - start)

    async def _versions(
        self, request: FollowupRequest, adapter: str | None, deadline: float
    ) -> Versions:
        has_documents = request.approach is not Approach.FINETUNED
        return Versions(
            prompt=self.pipeline.prompt_version,
            model=self.settings.model_version,
            rules=self.settings.settings_version,
            adapter=adapter,
            knowledge_base=await self.knowledge_base_version(request.tenant, deadline)
            if has_documents
            else NO_KNOWLEDGE_BASE,
        )


def build_pipeline(settings: Settings) -> Pipeline:
    """The logic of a message under these settings."""
    return Pipeline(
        scoring=settings.scoring,
        compliance=settings.compliance,
        templates=settings.prompts,
        min_confidence=settings.models.min_confidence_threshold,
    )


def hybrid_defaults(settings: Settings) -> GenerationOptions:
    """What a hybrid request has where it does not say."""
    models = settings.models
    return GenerationOptions(
        fusion_weight_rag=models.fusion_weight_rag, require_grounding=models.require_grounding
    )


def to_request(lead: Lead, options: WriteOptions, defaults: GenerationOptions) -> FollowupRequest:
    """What the approach's endpoint makes of the fields that it takes; it has no others."""
    fields = lead.model_dump(exclude_unset=True)
    asked: dict[str, float] = (
        {} if options.temperature is None else {"temperature": options.temperature}
    )
    if options.approach is Approach.RAG:
        context = _only(fields, RagLeadContext)
        rag = RagRequest.model_validate({"lead_context": context, "max_tokens": options.max_tokens})
        return rag.to_followup(options.tenant)
    if options.approach is Approach.FINETUNED:
        company = {name: fields[name] for name in _COMPANY_FIELDS if name in fields}
        profile = _only(fields, FinetunedLeadProfile)
        body = {"lead_profile": profile, "max_tokens": options.max_tokens, **company, **asked}
        return FinetunedRequest.model_validate(body).to_followup(options.tenant)
    generation = HybridGenerationConfig.model_validate({"max_tokens": options.max_tokens, **asked})
    hybrid = HybridRequest(lead_context=lead, generation_config=generation)
    return hybrid.to_followup(options.tenant, defaults)


def _only(
    fields: dict[str, object], kind: type[RagLeadContext | FinetunedLeadProfile]
) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name in kind.model_fields}
