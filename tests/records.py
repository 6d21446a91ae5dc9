"""Records and settings for tests of the database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from followup.backends.settings import DatabaseSettings
from followup.backends.tables import Reply
from followup.prompts import Approach


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
    }
    return Reply(**(fields | changes))
