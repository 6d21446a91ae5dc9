"""From a request to a verified reply: the order of the nodes, in plain asynchronous Python.

Serving and bulk run this same code; they differ only in what stands behind `Nodes`: handles of the
deployments, or plain classes in one process.
"""

import asyncio
import re
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from followup.confidence import finetuned_confidence, hybrid_confidence, rag_confidence
from followup.errors import AdapterMissingError, FollowupError, LeadOptedOutError
from followup.evidence import quotable_texts
from followup.fusion import (
    Candidate,
    CandidatePlan,
    CandidateScore,
    plan_candidates,
    pure_approach,
)
from followup.passage import Passage
from followup.prompts import Approach, Fault, Prompt, PromptTemplates, render_prompt
from followup.query import retrieval_query
from followup.reply import FollowupReply, SecondDraft
from followup.request import FollowupRequest, GenerationOptions, RetrievalOptions
from followup.rules import ComplianceRules
from followup.scoring import LeadScore, ScoringRules, score_lead
from followup.situation import Situation, detect_situation
from followup.validation import NO_SOUND_CANDIDATE, Validated, ValidationTask, fall_back

NO_ADAPTER = "No adapter is published. Publish one with: lead-assistant train publish"
MAX_COMPARE_SECONDS = 2.0
"""How long a reply may wait to hear which sentences are like the question."""


Vector = TypeVar("Vector")


class Nodes(Protocol[Vector]):
    """What the pipeline calls. Each call raises a FollowupError when it cannot answer in time."""

    async def embed(self, texts: tuple[str, ...]) -> Vector:
        """Mean vector of texts, in whatever form `retrieve` takes it."""

    async def likeness(self, question: str, texts: tuple[str, ...]) -> Sequence[float]:
        """Cosine of each text's vector with the question's, -1 to 1."""

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


@dataclass(slots=True)
class _Run:
    """One message in the making."""

    request: FollowupRequest
    nodes: Nodes[Any]
    adapter: str | None
    situation: Situation
    score: LeadScore
    deadline: float
    """`time.monotonic()` by which the reply is wanted."""
    approach: Approach
    """What the request amounts to: hybrid at an end of its weight is a pure approach."""
    candidates: list[Candidate] = field(default_factory=list)
    likeness: dict[str, float] = field(default_factory=dict)
    """Of sentences that may be quoted, with what the lead asked."""
    second_draft: SecondDraft = SecondDraft.NOT_NEEDED
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, node: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent_ms = (time.perf_counter() - start) * 1_000
            self.timings_ms[node] = round(self.timings_ms.get(node, 0.0) + spent_ms, 3)


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
        deadline: float,
    ) -> FollowupReply:
        """Write one message in the situation that `check` found. Raises what the nodes raise.

        `deadline` is a `time.monotonic()` value: what no longer fits before it is not begun.
        """
        run = _Run(
            request=request,
            nodes=nodes,
            adapter=adapter,
            situation=situation,
            score=score_lead(request.lead, self.scoring),
            deadline=deadline,
            approach=pure_approach(
                request.approach,
                fusion_weight_rag=request.generation.fusion_weight_rag,
                has_adapter=adapter is not None,
            ),
        )
        passages = await self._retrieve(run)
        _, run.candidates = await _together(
            self._compare(run, passages), self._generate(run, passages)
        )
        task = self._task(run, passages)
        with run.timed("validator"):
            validated = await nodes.validate(task)
        if validated.fallback_reason == NO_SOUND_CANDIDATE:
            validated = await self._second_draft(run, passages, validated)
        if self._is_unsure(run.approach, passages, validated):
            validated = fall_back(task, self.compliance, "low_confidence", validated.scores)
        return self._reply(run, passages, validated)

    def _task(
        self, run: _Run, passages: tuple[Passage, ...], drafts: Sequence[Candidate] | None = None
    ) -> ValidationTask:
        return ValidationTask(
            lead=run.request.lead,
            situation=run.situation,
            passages=passages,
            candidates=tuple(run.candidates if drafts is None else drafts),
            fusion_weight=run.request.generation.fusion_weight_rag,
            require_grounding=run.request.generation.require_grounding,
            likeness=run.likeness,
        )

    async def _second_draft(
        self, run: _Run, passages: tuple[Passage, ...], first: Validated
    ) -> Validated:
        """The best first draft written once more, told its faults, if the time is there for it.

        It is begun only when the time left holds what the first generation and its validation took,
        and is given up when that runs out: what is ready then is sent.
        """
        seconds = {node: spent / 1_000 for node, spent in run.timings_ms.items()}
        # Kept back for the reply itself: on a busy machine the same work takes longer.
        kept_seconds = 2 * seconds["validator"]
        limit_seconds = run.deadline - time.monotonic() - kept_seconds
        if limit_seconds < seconds["generator"] + seconds["validator"]:
            run.second_draft = SecondDraft.NO_TIME
            return first
        plan = self._plan_of_best(run, first.scores)
        try:
            async with asyncio.timeout(limit_seconds):
                with run.timed("generator"):
                    draft = await self._candidate(run, plan, passages, first.faults)
                run.candidates.append(draft)
                with run.timed("validator"):
                    second = await run.nodes.validate(self._task(run, passages, [draft]))
        except (TimeoutError, FollowupError):
            run.second_draft = SecondDraft.FAILED
            return first
        is_sound = second.fallback_reason is None
        run.second_draft = SecondDraft.SENT if is_sound else SecondDraft.NO_BETTER
        return second.model_copy(update={"scores": (*first.scores, *second.scores)})

    def _plan_of_best(self, run: _Run, scores: Sequence[CandidateScore]) -> CandidatePlan:
        best = max(scores, key=lambda item: item.score).name
        [plan] = [item for item in self._plans(run) if item.name == best]
        return plan.model_copy(update={"name": f"{plan.name}_second"})

    def _plans(self, run: _Run) -> tuple[CandidatePlan, ...]:
        return plan_candidates(run.approach, has_adapter=run.adapter is not None)

    async def _retrieve(self, run: _Run) -> tuple[Passage, ...]:
        if run.approach is Approach.FINETUNED:
            return ()
        query = retrieval_query(run.request.lead)
        with run.timed("embedder"):
            vector = await run.nodes.embed(query.embedded)
        with run.timed("retriever"):
            found = await run.nodes.retrieve(
                run.request.tenant, query.words, vector, run.request.retrieval
            )
        return tuple(found)

    async def _compare(self, run: _Run, passages: tuple[Passage, ...]) -> None:
        """Find out which sentences of the passages answer the lead, while the model writes.

        The product is left out on both sides: its name alone makes two sentences alike. A failure
        costs the reply nothing, for then the words decide, and neither does a busy embedder.
        """
        topic = retrieval_query(run.request.lead).topic
        texts = quotable_texts(passages)
        if not topic or not texts:
            return
        name = re.escape(run.request.lead.product_name)
        product = re.compile(rf"\s*(?:\bwith )?\b{name}\b", re.I)
        plain = tuple(product.sub("", text) for text in texts)
        with suppress(FollowupError, TimeoutError), run.timed("embedder"):
            async with asyncio.timeout(MAX_COMPARE_SECONDS):
                found = await run.nodes.likeness(topic, plain)
            run.likeness = dict(zip(texts, found, strict=True))

    async def _generate(self, run: _Run, passages: tuple[Passage, ...]) -> list[Candidate]:
        """All candidates at the same time; none where the documents hold nothing to write from."""
        if not passages and run.approach is not Approach.FINETUNED:
            return []
        with run.timed("generator"):
            plans = self._plans(run)
            return await _together(*(self._candidate(run, plan, passages) for plan in plans))

    async def _candidate(
        self,
        run: _Run,
        plan: CandidatePlan,
        passages: tuple[Passage, ...],
        faults: Sequence[Fault] = (),
    ) -> Candidate:
        prompt = render_prompt(
            run.approach,
            run.request.lead,
            passages if plan.uses_documents else (),
            strategy=run.score.strategy,
            situation=run.situation,
            templates=self.templates,
            faults=faults,
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
            passages=passages,
            num_docs_used=len(sources),
            situation=run.situation,
            lead_score=run.score,
            rag_confidence=rag,
            confidence=_confidence(approach, rag, run, validated),
            personalization=validated.personalization,
            candidates=validated.scores,
            second_draft=run.second_draft,
            adapter=run.adapter,
            note=NO_ADAPTER if approach is Approach.HYBRID and run.adapter is None else None,
            timings_ms=run.timings_ms,
            num_prompt_tokens=sum(item.num_prompt_tokens for item in run.candidates),
            num_completion_tokens=sum(item.num_completion_tokens for item in run.candidates),
        )


def _confidence(approach: Approach, rag: float, run: _Run, validated: Validated) -> float:
    strategy = run.score.strategy_confidence
    if approach is Approach.RAG:
        return rag
    if approach is Approach.HYBRID:
        return hybrid_confidence(rag, strategy, run.request.generation.fusion_weight_rag)
    return finetuned_confidence(strategy, validated.quality, validated.supported_share)


async def _together(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """All results in order; the first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
