"""The HTTP routes: each reads a body, calls the service, and shapes the reply."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware

from deployments import approvals, batches
from deployments.api import (
    FinetunedReply,
    FinetunedRequest,
    GenerationMetadata,
    HybridReply,
    HybridRequest,
    RagReply,
    RagRequest,
    Reply,
)
from deployments.approval_api import HELD
from deployments.auth import Caller
from deployments.error_body import ERRORS
from deployments.error_table import add_error_handlers
from deployments.feedback_api import FeedbackReply, FeedbackRequest
from deployments.health_api import Health
from deployments.middleware import BodyLimitMiddleware, MeasuringMiddleware, RequestIdMiddleware
from deployments.parts import Generating, Parts, PartsOf
from deployments.scoring_api import LeadScoreOut, ScoreReply, ScoreRequest
from deployments.service import Delivered
from followup.backends.tables import Outcome
from followup.reply import SecondDraft
from followup.request import FollowupRequest
from followup.scoring import score_lead

MESSAGE_STATUSES = {**ERRORS, **HELD}


def build_api(parts: Parts) -> FastAPI:
    """The application, with its error table and middleware."""
    api = FastAPI(
        title="AI Lead Assistant",
        summary="Follow-up messages for sales leads, grounded in a company's own documents.",
        version=parts.version,
    )
    api.state.parts = parts
    api.include_router(router)
    api.include_router(approvals.router)
    api.include_router(batches.router)
    add_error_handlers(api)
    # The last one added is the outermost: what the body limit refuses is counted too.
    api.add_middleware(BodyLimitMiddleware, streamed=frozenset({batches.PREFIX}))
    api.add_middleware(MeasuringMiddleware, metrics=parts.metrics)
    api.add_middleware(RequestIdMiddleware)
    if parts.cors_origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=list(parts.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    return api


router = APIRouter()


@router.post("/rag/api/v1/rag/generate-followup", responses=MESSAGE_STATUSES, tags=["messages"])
async def generate_rag(
    body: RagRequest, request: Request, response: Response, caller: Generating, parts: PartsOf
) -> RagReply:
    """Write from the company's documents with the base model."""
    done = await _follow_up(body.to_followup(caller.tenant), request, response, caller, parts)
    reply = done.reply
    return RagReply(
        **_shared(done),
        retrieval_sources=reply.sources,
        confidence_score=reply.confidence,
    )


@router.post(
    "/finetuned/api/v1/finetuned/generate-followup", responses=MESSAGE_STATUSES, tags=["messages"]
)
async def generate_finetuned(
    body: FinetunedRequest, request: Request, response: Response, caller: Generating, parts: PartsOf
) -> FinetunedReply:
    """Write in the company's own voice with its adapter."""
    done = await _follow_up(body.to_followup(caller.tenant), request, response, caller, parts)
    reply = done.reply
    return FinetunedReply(
        **_shared(done),
        strategy_used=reply.lead_score.strategy,
        confidence=reply.confidence,
        model_version=done.versions.adapter or done.versions.model,
        personalization_score=reply.personalization,
    )


@router.post(
    "/hybrid/api/v1/hybrid/generate-followup", responses=MESSAGE_STATUSES, tags=["messages"]
)
async def generate_hybrid(
    body: HybridRequest, request: Request, response: Response, caller: Generating, parts: PartsOf
) -> HybridReply:
    """Write with and without the adapter from the documents; return the best verified message."""
    followup = body.to_followup(caller.tenant, parts.hybrid_defaults)
    done = await _follow_up(followup, request, response, caller, parts)
    reply = done.reply
    return HybridReply(
        **_shared(done),
        rag_sources=reply.sources,
        rag_confidence=reply.rag_confidence,
        strategy_used=reply.lead_score.strategy,
        strategy_confidence=reply.lead_score.strategy_confidence,
        hybrid_confidence=reply.confidence,
        grounding_verified=reply.grounding_verified,
        personalization_score=reply.personalization,
        generation_metadata=GenerationMetadata(
            num_docs_used=reply.num_docs_used,
            fusion_weight=followup.generation.fusion_weight_rag,
            timestamp=done.created_at,
            model_version=done.versions.model,
            adapter_version=done.versions.adapter,
            note=reply.note,
            candidates=reply.candidates,
        ),
    )


@router.post("/api/v1/leads/score", responses=ERRORS, tags=["leads"])
async def score_leads(
    body: ScoreRequest, request: Request, caller: Generating, parts: PartsOf
) -> ScoreReply:
    """Score one lead or many, with the contribution of each factor."""
    leads = body.leads if body.lead is None else (body.lead,)
    results = []
    for lead in leads:
        scored = score_lead(lead, parts.scoring)
        parts.metrics.lead_scores.observe(scored.score, tags={"tenant": caller.tenant})
        results.append(
            LeadScoreOut(lead_id=lead.lead_id, lead_name=lead.lead_name, **scored.model_dump())
        )
    return ScoreReply(request_id=request.state.request_id, results=tuple(results))


@router.post("/api/v1/feedback", responses=ERRORS, tags=["feedback"])
async def add_feedback(body: FeedbackRequest, caller: Generating, parts: PartsOf) -> FeedbackReply:
    """Record what became of a message."""
    stored = await parts.replies.add_feedback(
        caller.tenant,
        body.request_id,
        Outcome(body.outcome),
        body.occurred_at,
        body.note,
    )
    return FeedbackReply(
        request_id=stored.request_id, outcome=stored.outcome, occurred_at=stored.occurred_at
    )


@router.get("/health", tags=["operation"])
async def health(parts: PartsOf, response: Response) -> Health:
    """Whether the service can answer. 503 when it is unhealthy, so that probes need no parsing."""
    report = await parts.health.report()
    if report.status == "unhealthy":
        response.status_code = 503
    return report


async def _follow_up(
    followup: FollowupRequest, request: Request, response: Response, caller: Caller, parts: Parts
) -> Delivered:
    state = request.state
    done = await parts.service.follow_up(followup, caller, state.request_id, state.deadline)
    reply = done.reply
    tags = {"approach": followup.approach.value, "tenant": caller.tenant}
    parts.metrics.cache.inc(tags={**tags, "result": "hit" if done.cached else "miss"})
    parts.metrics.strategies.inc(tags={**tags, "strategy": reply.lead_score.strategy.value})
    parts.metrics.lead_scores.observe(reply.lead_score.score, tags={"tenant": caller.tenant})
    if reply.fallback_reason is not None:
        parts.metrics.fallbacks.inc(tags={**tags, "reason": reply.fallback_reason})
    if reply.second_draft is not SecondDraft.NOT_NEEDED and not done.cached:
        parts.metrics.second_drafts.inc(tags={**tags, "result": reply.second_draft.value})
    if done.is_newly_held:
        parts.metrics.approvals.inc(tags={"status": "pending", "tenant": caller.tenant})
    if done.is_pending:
        response.status_code = 202
    return done


def _shared(done: Delivered) -> dict[str, Any]:
    """The fields that every reply has."""
    reply = done.reply
    shared = Reply(
        message=done.message,
        approval=done.approval,
        request_id=done.request_id,
        cached=done.cached,
        fallback=reply.fallback,
        fallback_reason=reply.fallback_reason,
        second_draft=reply.second_draft,
        grounding=reply.verdicts,
    )
    return dict(shared)
