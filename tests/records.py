"""Records and settings for tests of the database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlmodel import col, select

from followup.approval import ApprovalAction, HoldReason
from followup.backends.database import Database
from followup.backends.settings import DatabaseSettings
from followup.backends.tables import Approval, ApprovalDecision, Reply, ReplyRow
from followup.prompts import Approach
from followup.scoring import Strategy
from followup.situation import Situation


def make_settings(url: str, timeout_seconds: float = 5.0) -> DatabaseSettings:
    return DatabaseSettings(url=url, timeout_seconds=timeout_seconds, spool_dir=Path("unused"))


def make_reply(**changes: Any) -> Reply:
    """A reply with every field set, with a request_id of its own."""
    fields: dict[str, Any] = {
        "request_id": uuid4().hex,
        "tenant": "acme",
        "approach": Approach.HYBRID,
        "created_at": datetime.now(UTC),
        "lead": {"lead_name": "Zoë 李", "objections_raised": ["price"], "lead_score": None},
        "message": "Hi Zoë,\nthe mid-tier plan is $299.",
        "fallback": True,
        "cached": True,
        "cached_from": uuid4().hex,
        "scores": {"rag_confidence": 0.71, "personalization_score": 0.5},
        "verdicts": [{"claim": "$299", "supported": True, "source": "pricing/plans.pdf"}],
        "sources": [{"document": "pricing/plans.pdf", "score": 0.83}],
        "prompt_version": "hybrid-1",
        "model_version": "SmolLM2-135M-Instruct",
        "adapter_version": "acme@3f2a0b1c2d3e",
        "knowledge_base_version": "kb-7",
        "timings_ms": {"embedder": 3.2, "generator": 812.0},
        "num_prompt_tokens": 611,
        "num_completion_tokens": 83,
        "key_id": "0123456789ab",
        "strategy": Strategy.HIGH_INTENT,
        "situation": Situation.PRICE_OBJECTION,
        "grounding_verified": True,
        "approval_id": None,
    }
    return Reply(**(fields | changes))


async def stored_replies(database: Database, tenant: str) -> dict[str, Reply]:
    """The audit of a tenant, by request_id."""
    async with database.session() as session:
        rows = await session.exec(select(ReplyRow).where(col(ReplyRow.tenant) == tenant))
        return {row.request_id: Reply.model_validate(row) for row in rows}


def make_approval(**changes: Any) -> Approval:
    """A held message with every field set, with ids of its own."""
    fields: dict[str, Any] = {
        "approval_id": uuid4().hex,
        "tenant": "acme",
        "request_id": uuid4().hex,
        "created_at": datetime.now(UTC),
        "key_id": "0123456789ab",
        "approach": Approach.HYBRID,
        "situation": Situation.PRICE_OBJECTION,
        "strategy": Strategy.HIGH_INTENT,
        "confidence": 0.71,
        "reasons": [HoldReason.SITUATION, HoldReason.DEAL_VALUE],
        "lead": {"lead_name": "Zoë 李", "deal_value": 50_000.0},
        "message": "Hi Zoë,\nthe mid-tier plan is $299.",
        "verdicts": [{"claim": "$299", "supported": True}],
        "passages": [{"chunk": {"document": "pricing/plans.pdf"}, "score": 0.83}],
        "prompt_version": "hybrid-1",
        "model_version": "SmolLM2-135M-Instruct",
        "adapter_version": "acme@3f2a0b1c2d3e",
        "knowledge_base_version": "kb-7",
    }
    return Approval(**(fields | changes))


def make_decision(approval_id: str, **changes: Any) -> ApprovalDecision:
    """An approval by a reviewer."""
    fields: dict[str, Any] = {
        "approval_id": approval_id,
        "action": ApprovalAction.APPROVE,
        "decided_at": datetime.now(UTC),
        "key_id": "0123456789ab",
        "reason": "Reads well.",
    }
    return ApprovalDecision(**(fields | changes))
