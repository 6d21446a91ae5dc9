"""What the routes call: cache, deadline, pipeline, audit. No HTTP and no Ray in here."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, TypeAdapter

from deployments.approval_api import ApprovalState, state_of
from deployments.approval_gate import ApprovalGate, Passed, Written
from deployments.auth import Caller
from followup.approval import ApprovalStatus
from followup.backends.adapters import AdapterStore
from followup.backends.cache import Answer, Made
from followup.backends.engines.request import until
from followup.backends.reply_log import ReplyLog
from followup.backends.single_flight import ReplyCache
from followup.backends.tables import Reply as ReplyRecord
from followup.cache_key import reply_key
from followup.errors import DeadlineExceededError
from followup.grounding import Verdict
from followup.pipeline import Nodes, Pipeline
from followup.prompts import Approach
from followup.reply import FollowupReply
from followup.request import FollowupRequest, Versions

NO_KNOWLEDGE_BASE = "none"
MAX_PARSED = 512
"""Parsed replies that are kept, of about 20 KiB each."""
VERDICTS = TypeAdapter(tuple[Verdict, ...])


class NodesFor(Protocol):
    """Makes the nodes of one request, whose calls all end at its deadline."""

    def __call__(self, tenant: str, deadline: float, knowledge_base_version: str) -> Nodes[Any]: ...


class KnowledgeBaseVersions(Protocol):
    """Tells the version of a tenant's documents."""

    async def __call__(self, tenant: str, deadline: float) -> str: ...


class KeptReply(BaseModel):
    """What the reply cache keeps: the reply and the request that it was made for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    reply: FollowupReply
    versions: Versions


@lru_cache(maxsize=MAX_PARSED)
def _parse_kept(value: bytes) -> KeptReply:
    # A reply that many ask for is parsed once: the in-process cache gives the same bytes each time.
    return KeptReply.model_validate_json(value)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A reply to one request."""

    request_id: str
    reply: FollowupReply
    versions: Versions
    cached_from: str | None
    created_at: datetime
    passed: Passed | None = None
    """What the approval gate said; None while no policy is set."""

    @property
    def approval(self) -> ApprovalState | None:
        """The approval that the message waits for or came from."""
        held = self.passed and self.passed.held
        return state_of(held) if held else None

    @property
    def is_pending(self) -> bool:
        """Whether the message must not be sent yet."""
        return self.approval is not None and self.approval.status is ApprovalStatus.PENDING

    @property
    def is_newly_held(self) -> bool:
        """Whether this request is the first that the message is held for."""
        return self.passed is not None and self.passed.is_new

    @property
    def message(self) -> str:
        """The text to send. Empty while it waits: a caller that does not look further has none."""
        return "" if self.is_pending else self.reply.message

    @property
    def cached(self) -> bool:
        """Whether the reply was made for an earlier request."""
        return self.cached_from is not None


@dataclass(frozen=True, slots=True)
class _Job:
    """One request on its way."""

    request: FollowupRequest
    request_id: str
    adapter: str | None
    deadline: float


@dataclass(frozen=True, slots=True)
class FollowupService:
    """Answers follow-up requests."""

    pipeline: Pipeline
    nodes_for: NodesFor
    knowledge_base_version: KnowledgeBaseVersions
    adapters: AdapterStore
    cache: ReplyCache
    gate: ApprovalGate
    log: ReplyLog
    model_version: str
    rules_version: str
    response_ttl_seconds: int
    timeout_seconds: float

    async def follow_up(
        self, request: FollowupRequest, caller: Caller, request_id: str, deadline: float
    ) -> Delivered:
        """The reply: from the cache, or made once for all who ask the same at the same time.

        It is in the audit, or in its spool on disk, before it is returned. Raises what the pipeline
        and the approval gate raise, and DeadlineExceededError when it is not ready by `deadline`
        (time.monotonic()).
        """
        async with until(deadline):
            adapter = await self._adapter(request)
            made = await self._deliver(_Job(request, request_id, adapter, deadline))
            delivered = await self._through_gate(request, made, caller)
        # A database that hangs costs the time that is left at most; then the spool takes the reply.
        left_seconds = max(0.0, deadline - time.monotonic())
        await self.log.append(_record(request, delivered, caller), left_seconds)
        return delivered

    async def _through_gate(
        self, request: FollowupRequest, delivered: Delivered, caller: Caller
    ) -> Delivered:
        if not self.gate.rules.holds_any:
            return delivered
        written = Written(
            request=request,
            request_id=delivered.cached_from or delivered.request_id,
            reply=delivered.reply,
            versions=delivered.versions,
            reply_key=_cache_key(request, delivered.versions),
        )
        passed = await self.gate.check(written, caller)
        return replace(delivered, reply=passed.reply, passed=passed)

    async def _adapter(self, request: FollowupRequest) -> str | None:
        if request.approach is Approach.RAG:
            return None
        return await self.adapters.resolve(request.tenant, request.lead.lead_industry)

    async def _deliver(self, job: _Job) -> Delivered:
        versions = await self._versions(job)
        answer = await self._get_or_make(job, versions)
        kept = _parse_kept(answer.value)
        return Delivered(
            request_id=job.request_id,
            reply=kept.reply,
            versions=kept.versions,
            cached_from=kept.request_id if answer.cached else None,
            created_at=datetime.now(UTC),
        )

    async def _get_or_make(self, job: _Job, versions: Versions) -> Answer:
        """The cached reply, or one that is made once for all who ask the same now.

        The maker works under its own deadline. One who joined it late still has time when that
        passes, and then makes the reply itself.
        """
        is_own = False

        async def make() -> Made:
            nonlocal is_own
            is_own = True
            # Not before the look into the cache: what lies there under this lead and these rules
            # has passed.
            situation = self.pipeline.check(job.request, job.adapter)
            nodes = self.nodes_for(job.request.tenant, job.deadline, versions.knowledge_base)
            reply = await self.pipeline.write(
                job.request, nodes, job.adapter, situation, job.deadline
            )
            kept = KeptReply(request_id=job.request_id, reply=reply, versions=versions)
            # A fallback may have a passing reason; the next request gets another chance.
            return Made(kept.model_dump_json().encode(), cacheable=not reply.fallback)

        key = _cache_key(job.request, versions)
        while True:
            try:
                return await self.cache.get_or_make(key, self.response_ttl_seconds, make)
            except DeadlineExceededError:
                if is_own or time.monotonic() >= job.deadline:
                    raise

    async def _versions(self, job: _Job) -> Versions:
        needs_documents = job.request.approach is not Approach.FINETUNED
        return Versions(
            prompt=self.pipeline.prompt_version,
            model=self.model_version,
            rules=self.rules_version,
            adapter=job.adapter,
            knowledge_base=await self.knowledge_base_version(job.request.tenant, job.deadline)
            if needs_documents
            else NO_KNOWLEDGE_BASE,
        )


def name_settings(nodes_for: NodesFor, settings_version: str) -> NodesFor:
    """The nodes, with the settings in the name that passages are cached under: they decide what is
    found as much as the documents do."""

    def named(tenant: str, deadline: float, knowledge_base_version: str) -> Nodes[Any]:
        return nodes_for(tenant, deadline, f"{knowledge_base_version}:{settings_version}")

    return named


def _cache_key(request: FollowupRequest, versions: Versions) -> str:
    return reply_key(
        tenant=request.tenant,
        approach=request.approach,
        request=request,
        prompt_version=versions.prompt,
        model_version=versions.model,
        adapter_version=versions.adapter or "",
        knowledge_base_version=versions.knowledge_base,
        rules_version=versions.rules,
    )


def _record(request: FollowupRequest, delivered: Delivered, caller: Caller) -> ReplyRecord:
    reply, versions = delivered.reply, delivered.versions
    return ReplyRecord(
        request_id=delivered.request_id,
        tenant=request.tenant,
        approach=request.approach,
        created_at=delivered.created_at,
        lead=request.lead.model_dump(mode="json"),
        message=reply.message,
        fallback=reply.fallback,
        cached=delivered.cached,
        cached_from=delivered.cached_from,
        scores={
            "lead_score": reply.lead_score.score,
            "strategy_confidence": reply.lead_score.strategy_confidence,
            "rag_confidence": reply.rag_confidence,
            "confidence": reply.confidence,
            "personalization_score": reply.personalization,
        },
        verdicts=VERDICTS.dump_python(reply.verdicts, mode="json"),
        sources=list(reply.sources),
        prompt_version=versions.prompt,
        model_version=versions.model,
        adapter_version=versions.adapter,
        knowledge_base_version=versions.knowledge_base,
        timings_ms={} if delivered.cached else reply.timings_ms,
        num_prompt_tokens=0 if delivered.cached else reply.num_prompt_tokens,
        num_completion_tokens=0 if delivered.cached else reply.num_completion_tokens,
        key_id=caller.key_id,
        strategy=reply.lead_score.strategy,
        situation=reply.situation,
        grounding_verified=reply.grounding_verified,
        approval_id=delivered.approval.id if delivered.approval else None,
    )
