"""The nodes offline: the plain classes behind the deployments, in one process, for one lead list.

A row's message is what the HTTP endpoint of its approach writes for the same fields: the same
request model, the same pipeline, the same classes.
"""

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from config.models_file import SamplingDefaults
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
from deployments.drafts import candidate_of, sampling_of
from followup.backends.adapter_aliases import AdapterAliases
from followup.backends.adapters import AdapterStore
from followup.backends.database import Database
from followup.backends.embedder import Embedder
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Engine
from followup.backends.passage_search import SearchOptions
from followup.backends.reranking import build_reranker
from followup.backends.statement_checker import build_statement_checker
from followup.backends.vector_store import VectorStore
from followup.errors import AdapterMissingError
from followup.fusion import Candidate, CandidatePlan
from followup.lead import Lead
from followup.passage import Passage
from followup.pipeline import NO_ADAPTER, Pipeline
from followup.prompts import Approach, Prompt
from followup.reply import FollowupReply
from followup.request import FollowupRequest, GenerationOptions, RetrievalOptions, Versions
from followup.rules import ComplianceRules
from followup.statements import StatementChecker
from followup.validation import Validated, ValidationTask, validate

NO_KNOWLEDGE_BASE = "none"
_COMPANY_FIELDS = ("company_name", "product_category")
LEAD_SECONDS = 900.0
"""How long one lead may take, beside many others in the same engine."""


@dataclass(frozen=True, slots=True)
class PlainParts:
    """The classes that the deployments hold."""

    embedder: Embedder
    store: VectorStore
    engine: Engine
    rules: ComplianceRules
    statements: StatementChecker
    sampling: SamplingDefaults


@dataclass(frozen=True, slots=True)
class PlainNodes:
    """The pipeline's `Nodes` on plain classes."""

    parts: PlainParts
    deadline: float

    async def embed(self, text: str) -> npt.NDArray[np.float32]:
        """Vector of a text: float32, shape (dimension,)."""
        vectors = await asyncio.to_thread(self.parts.embedder.embed, [text])
        vector: npt.NDArray[np.float32] = vectors[0]
        return vector

    async def retrieve(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
    ) -> list[Passage]:
        """Passages above the threshold, best first."""
        search = SearchOptions(
            top_k=options.top_k,
            threshold=options.retrieval_threshold,
            source_types=options.source_types,
            source_weights=options.source_weights,
            use_hybrid=options.use_hybrid_search,
            use_reranking=options.use_reranking,
        )
        return await self.parts.store.search(tenant, query, vector, search)

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        """Write one candidate."""
        sampling = sampling_of(self.parts.sampling, options)
        generation = await self.parts.engine.generate(
            prompt, sampling, adapter=adapter, deadline=self.deadline
        )
        return candidate_of(plan, prompt, generation)

    async def validate(self, task: ValidationTask) -> Validated:
        """Repair, check and choose."""
        return await asyncio.to_thread(validate, task, self.parts.rules, self.parts.statements)


@dataclass(frozen=True, slots=True)
class WrittenReply:
    """A reply with what it was made of."""

    reply: FollowupReply
    versions: Versions
    seconds: float


@dataclass(slots=True)
class LeadWriter:
    """Writes for one lead at a time or for many at once; the engine batches them."""

    pipeline: Pipeline
    parts: PlainParts
    adapters: AdapterStore
    settings: Settings
    options: WriteOptions
    defaults: GenerationOptions = field(init=False)

    def __post_init__(self) -> None:
        models = self.settings.models
        self.defaults = GenerationOptions(
            fusion_weight_rag=models.fusion_weight_rag, require_grounding=models.require_grounding
        )

    @classmethod
    def build(cls, settings: Settings, options: WriteOptions) -> "LeadWriter":
        """Load the models, in the process and the event loop that will use them.

        Raises SettingError for a model that is not there.
        """
        embedder = Embedder(settings.embedder)
        store = VectorStore(
            settings.vector_store,
            embedder.dimension,
            build_reranker(settings.reranker),
            model=embedder.fingerprint,
        )
        return cls(
            pipeline=Pipeline(
                scoring=settings.scoring,
                compliance=settings.compliance,
                templates=settings.prompts,
                min_confidence=settings.models.min_confidence_threshold,
            ),
            parts=PlainParts(
                embedder=embedder,
                store=store,
                engine=build_engine(settings.engine),
                rules=settings.compliance,
                statements=build_statement_checker(settings.statements),
                sampling=settings.models.sampling,
            ),
            adapters=AdapterStore(
                AdapterAliases(Database(settings.database)), settings.models.adapter_alias
            ),
            settings=settings,
            options=options,
        )

    async def check(self) -> None:
        """Raises PartUnavailableError or AdapterMissingError where nothing could be written."""
        tenant, approach = self.options.tenant, self.options.approach
        if approach is not Approach.FINETUNED:
            await self.parts.store.check_health()
        elif await self.adapters.resolve(tenant) is None:
            raise AdapterMissingError(NO_ADAPTER)

    async def write(self, lead: Lead) -> WrittenReply:
        """Raises what the pipeline and the nodes raise."""
        start = time.monotonic()
        deadline = start + LEAD_SECONDS
        request = to_request(lead, self.options, self.defaults)
        adapter = None
        if request.approach is not Approach.RAG:
            adapter = await self.adapters.resolve(request.tenant, request.lead.lead_industry)
        situation = self.pipeline.check(request, adapter)
        versions = await self._versions(request, adapter)
        nodes = PlainNodes(self.parts, deadline)
        reply = await self.pipeline.write(request, nodes, adapter, situation, deadline)
        return WrittenReply(reply, versions, time.monotonic() - start)

    async def _versions(self, request: FollowupRequest, adapter: str | None) -> Versions:
        has_documents = request.approach is not Approach.FINETUNED
        return Versions(
            prompt=self.pipeline.prompt_version,
            model=self.settings.model_version,
            rules=self.settings.settings_version,
            adapter=adapter,
            knowledge_base=await self.parts.store.version(request.tenant)
            if has_documents
            else NO_KNOWLEDGE_BASE,
        )


def to_request(
    lead: Lead, options: WriteOptions, hybrid_defaults: GenerationOptions
) -> FollowupRequest:
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
    return hybrid.to_followup(options.tenant, hybrid_defaults)


def _only(
    fields: dict[str, object], kind: type[RagLeadContext | FinetunedLeadProfile]
) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name in kind.model_fields}
