"""From a request to a verified reply: the order of the nodes, in plain asynchronous Python.

Serving and bulk run this same code; they differ only in what stands behind `Nodes`: handles of the
deployments, or plain classes in one process.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from followup.confidence import finetuned_confidence, hybrid_confidence, rag_confidence
from followup.errors import AdapterMissingError, LeadOptedOutError
from followup.fusion import Candidate, CandidatePlan, CandidateScore, plan_candidates
from followup.grounding import Verdict
from followup.passage import Passage
from followup.prompts import Approach, Prompt, PromptTemplates, render_prompt
from followup.query import retrieval_query
from followup.request import FollowupRequest, GenerationOptions, RetrievalOptions
from followup.rules import ComplianceRules
from followup.scoring import LeadScore, ScoringRules, score_lead
from followup.situation import Situation, detect_situation
from followup.validation import Validated, ValidationTask, fall_back

NO_ADAPTER = "No adapter is published. Publish one with: lead-assistant train publish"


Vector = TypeVar("Vector")


class Nodes(Protocol[Vector]):
    """What the pipeline calls. Each call raises a FollowupError when it cannot answer in time."""

    async def embed(self, text: str) -> Vector:
        """Vector of a text, in whatever form `retrieve` takes it."""

    async def retrieve(
        self, tenant: str, query: str, vector: Vector, options: RetrievalOptions
    ) -> Sequence[Passage]:
        """Passages above the threshold, best first."""

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        """Write one candidate."""

    async def validate(self, task: ValidationTask) -> Validated:
        """Repair, check and choose."""


class FollowupReply(BaseModel):
    """A message with everything that is told or recorded about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    fallback_reason: str | None
    verdicts: tuple[Verdict, ...]
    sources: tuple[str, ...] = Field(description="Names of the documents used, best first.")
    num_docs_used: int
    situation: Situation
    lead_score: LeadScore
    rag_confidence: float
    confidence: float = Field(description="Of the approach; see followup/confidence.py.")
    personalization: float
    candidates: tuple[CandidateScore, ...]
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


@dataclass(slots=True)
class _Run:
    """One message in the making."""

    request: FollowupRequest
    nodes: Nodes[Any]
    adapter: str | None
    situation: Situation
    score: LeadScore
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, node: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[node] = round((time.perf_counter() - start) * 1_000, 3)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The logic of one message. It holds rules only, so one instance serves all requests."""

    scoring: ScoringRules
    compliance: ComplianceRules
    templates: PromptTemplates
    min_confidence: float
    prompt_version: str = field(init=False)
    """Version of the templates, worked out once: every look into the cache needs it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt_version", self.templates.version)

    def check(self, request: FollowupRequest, adapter: str | None) -> Situation:
        """What can be refused before any work: returns the lead's situation.

        Raises LeadOptedOutError for a lead that must not be written to, and AdapterMissingError for
        a finetuned request while no adapter is published.
        """
        situation = detect_situation(request.lead, self.compliance)
        if situation is Situation.OPTED_OUT:
            message = "The lead asked not to be contacted, so no message is written."
            raise LeadOptedOutError(message)
        if request.approach is Approach.FINETUNED and adapter is None:
            raise AdapterMissingError(NO_ADAPTER)
        return situation

    async def write(
        self,
        request: FollowupRequest,
        nodes: Nodes[Any],
        adapter: str | None,
        situation: Situation,
    ) -> FollowupReply:
        """Write one message in the situation that `check` found. Raises what the nodes raise."""
        run = _Run(
            request=request,
            nodes=nodes,
            adapter=adapter,
            situation=situation,
            score=score_lead(request.lead, self.scoring),
        )
        passages = await self._retrieve(run)
        candidates = await self._generate(run, passages)
        task = ValidationTask(
            lead=request.lead,
            situation=run.situation,
            passages=passages,
            candidates=candidates,
            fusion_weight=request.generation.fusion_weight_rag,
            require_grounding=request.generation.require_grounding,
        )
        with run.timed("validator"):
            validated = await nodes.validate(task)
        if self._is_unsure(request.approach, passages, validated):
            validated = fall_back(task, self.compliance, "low_confidence", validated.scores)
        return self._reply(run, passages, candidates, validated)

    async def _retrieve(self, run: _Run) -> tuple[Passage, ...]:
        if run.request.approach is Approach.FINETUNED:
            return ()
        query = retrieval_query(run.request.lead)
        with run.timed("embedder"):
            vector = await run.nodes.embed(query)
        with run.timed("retriever"):
            found = await run.nodes.retrieve(
                run.request.tenant, query, vector, run.request.retrieval
            )
        return tuple(found)

    async def _generate(self, run: _Run, passages: tuple[Passage, ...]) -> tuple[Candidate, ...]:
        """All candidates at the same time; none where the documents hold nothing to write from."""
        if not passages and run.request.approach is not Approach.FINETUNED:
            return ()
        plans = plan_candidates(
            run.request.approach,
            fusion_weight_rag=run.request.generation.fusion_weight_rag,
            has_adapter=run.adapter is not None,
        )
        with run.timed("generator"):
            return tuple(await _together(self._candidate(run, plan, passages) for plan in plans))

    async def _candidate(
        self, run: _Run, plan: CandidatePlan, passages: tuple[Passage, ...]
    ) -> Candidate:
        has_documents = plan.uses_documents
        prompt = render_prompt(
            run.request.approach if has_documents else Approach.FINETUNED,
            run.request.lead,
            passages if has_documents else (),
            strategy=run.score.strategy,
            situation=run.situation,
            templates=self.templates,
        )
        adapter = run.adapter if plan.uses_adapter else None
        return await run.nodes.generate(plan, prompt, run.request.generation, adapter)

    def _is_unsure(
        self, approach: Approach, passages: Sequence[Passage], validated: Validated
    ) -> bool:
        """Whether the evidence is too weak. finetuned has no documents to measure it by."""
        if approach is Approach.FINETUNED or validated.fallback_reason is not None:
            return False
        return rag_confidence(passages, validated.supported_share) < self.min_confidence

    def _reply(
        self,
        run: _Run,
        passages: tuple[Passage, ...],
        candidates: tuple[Candidate, ...],
        validated: Validated,
    ) -> FollowupReply:
        approach = run.request.approach
        # The conservative reply draws on no document, so none is named and none lends confidence.
        used = passages if validated.fallback_reason is None else ()
        sources = tuple(dict.fromkeys(passage.chunk.document for passage in used))
        rag = rag_confidence(used, validated.supported_share)
        return FollowupReply(
            message=validated.message,
            fallback_reason=validated.fallback_reason,
            verdicts=validated.verdicts,
            sources=sources,
            num_docs_used=len(sources),
            situation=run.situation,
            lead_score=run.score,
            rag_confidence=rag,
            confidence=_confidence(approach, rag, run, validated),
            personalization=validated.personalization,
            candidates=validated.scores,
            adapter=run.adapter,
            note=NO_ADAPTER if approach is Approach.HYBRID and run.adapter is None else None,
            timings_ms=run.timings_ms,
            num_prompt_tokens=sum(item.num_prompt_tokens for item in candidates),
            num_completion_tokens=sum(item.num_completion_tokens for item in candidates),
        )


def _confidence(approach: Approach, rag: float, run: _Run, validated: Validated) -> float:
    strategy = run.score.strategy_confidence
    if approach is Approach.RAG:
        return rag
    if approach is Approach.HYBRID:
        return hybrid_confidence(rag, strategy, run.request.generation.fusion_weight_rag)
    return finetuned_confidence(strategy, validated.quality, validated.supported_share)


async def _together(work: Iterable[Coroutine[Any, Any, Candidate]]) -> list[Candidate]:
    """All results in order; the first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
