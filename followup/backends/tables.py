"""The tables, and the frozen records that the rest of the product passes around.

A record (`Reply`, `Feedback`, `Approval`, ...) is validated on construction so that every database
can store it: a reply that was written is never refused by the audit for a character in it.
Its table (`ReplyRow`, ...) has the same fields and adds what only the database needs to know.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, StringConstraints
from pydantic_core import from_json, to_json
from sqlalchemy import JSON, DateTime, Dialect, Index, String, UniqueConstraint, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from followup.approval import ApprovalAction, HoldReason
from followup.backends.access import Scope
from followup.lead import MAX_NAME_CHARACTERS
from followup.passage import TENANT_PATTERN
from followup.prompts import Approach
from followup.scoring import Strategy
from followup.situation import Situation

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL's text (NUL) or UTF-8 (lone surrogates) cannot hold."""
NUL_IN_JSON = rb"\u0000"
MAX_NOTE_CHARACTERS = 2_000
MAX_INTEGER = 2**31 - 1


class Outcome(StrEnum):
    SENT = "sent"
    REPLIED = "replied"
    MEETING = "meeting"
    CONVERTED = "converted"
    UNSUBSCRIBED = "unsubscribed"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC. SQLite has no time zones: it is given UTC and gives UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _replace_unstorable(text: str) -> str:
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _storable(value: Any) -> Any:
    """`value` as plain JSON that a database can hold. ValueError for what JSON does not know."""
    try:
        raw = to_json(value)
    except ValueError:  # a lone surrogate is no UTF-8
        raw = to_json(_replace_unstorable_in(value))
    stored = from_json(raw, allow_inf_nan=False)
    return _replace_unstorable_in(stored) if NUL_IN_JSON in raw else stored


def _replace_unstorable_in(value: Any) -> Any:
    match value:
        case str():
            return _replace_unstorable(value)
        case list():
            return [_replace_unstorable_in(item) for item in value]
        case dict():
            return {
                _replace_unstorable(key): _replace_unstorable_in(item)
                for key, item in value.items()
            }
        case _:
            return value


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Text = Annotated[str, AfterValidator(_replace_unstorable)]
RequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_storable)]
JsonList = Annotated[list[Any], AfterValidator(_storable)]
Numbers = Annotated[dict[str, float], AfterValidator(_storable)]
Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]


class Record(SQLModel):
    """Base of the records. (SQLModel drops these options when given as class arguments.)"""

    model_config = {
        "frozen": True,
        "extra": "forbid",
        "from_attributes": True,
        "allow_inf_nan": False,  # also inside JSON values: PostgreSQL refuses NaN there
    }


class Reply(Record):
    """The audit record of one reply: what was asked, what was answered, and by which versions."""

    request_id: RequestId = Field(primary_key=True)
    tenant: Tenant
    approach: Approach = Field(sa_type=String)
    created_at: Utc = Field(sa_type=UtcDateTime)
    lead: JsonObject = Field(sa_type=JSON)
    message: Text
    fallback: bool = False
    cached: bool = False
    cached_from: RequestId | None = None
    """The request whose reply was taken from the cache."""
    scores: Numbers = Field(default={}, sa_type=JSON)
    """Confidences and scores by their name in the response."""
    verdicts: JsonList = Field(default=[], sa_type=JSON)
    """One entry for each claim that grounding checked."""
    sources: JsonList = Field(default=[], sa_type=JSON)
    """The retrieved passages, best first."""
    prompt_version: Text
    model_version: Text
    adapter_version: Text | None = None
    knowledge_base_version: Text
    timings_ms: Numbers = Field(default={}, sa_type=JSON)
    """Milliseconds by node."""
    num_prompt_tokens: int = Field(default=0, ge=0, le=MAX_INTEGER)
    num_completion_tokens: int = Field(default=0, ge=0, le=MAX_INTEGER)
    key_id: KeyId | None = None
    """The API key of the request; None where the service runs without keys."""
    strategy: Strategy | None = Field(default=None, sa_type=String)
    """None in what was written before the strategy was recorded; so is `situation`."""
    situation: Situation | None = Field(default=None, sa_type=String)
    grounding_verified: bool | None = None
    """Whether every claim is supported."""
    approval_id: RequestId | None = None
    """The decision that the message waits for or came from; None where none was asked."""


def _index_of_set(name: str, *columns: str) -> Index:
    """An index of the rows only that have the last column set: most have not."""
    is_set = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, postgresql_where=is_set, sqlite_where=is_set)


class ReplyRow(Reply, table=True):
    __tablename__ = "reply"
    __table_args__ = (
        Index("ix_reply_tenant_created_at", "tenant", "created_at", "request_id"),
        _index_of_set("ix_reply_adapter_version", "tenant", "adapter_version"),
        _index_of_set("ix_reply_approval_id", "approval_id"),
    )
    model_config = {"frozen": False}


class Feedback(Record):
    """What became of a reply."""

    tenant: Tenant
    request_id: RequestId = Field(foreign_key="reply.request_id")
    outcome: Outcome = Field(sa_type=String)
    occurred_at: Utc = Field(sa_type=UtcDateTime)
    recorded_at: Utc = Field(sa_type=UtcDateTime)
    note: Annotated[Text, StringConstraints(max_length=MAX_NOTE_CHARACTERS)] | None = None


class FeedbackRow(Feedback, table=True):
    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint("request_id", "outcome", "occurred_at", name="uq_feedback_event"),
    )
    model_config = {"frozen": False}

    id: int | None = Field(default=None, primary_key=True)


class ApiKey(Record):
    """An API key as it may be shown: everything but its secret's hash."""

    key_id: KeyId = Field(primary_key=True)
    tenant: Tenant
    name: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    scopes: list[Scope] = Field(sa_type=JSON)
    created_at: Utc = Field(sa_type=UtcDateTime)
    revoked_at: Utc | None = Field(default=None, sa_type=UtcDateTime)


class ApiKeyRow(ApiKey, table=True):
    __tablename__ = "api_key"
    model_config = {"frozen": False}

    key_hash: str


class Approval(Record):
    """A message that was held, with all that its review needs. Never changed: see `0002`."""

    approval_id: RequestId = Field(primary_key=True)
    tenant: Tenant
    request_id: RequestId
    """The first request that it was held for; equal ones later share the approval."""
    created_at: Utc = Field(sa_type=UtcDateTime)
    key_id: KeyId | None = None
    """The API key of that request."""
    approach: Approach = Field(sa_type=String)
    situation: Situation = Field(sa_type=String)
    strategy: Strategy = Field(sa_type=String)
    confidence: float
    reasons: list[HoldReason] = Field(sa_type=JSON)
    lead: JsonObject = Field(sa_type=JSON)
    message: Text
    """As the pipeline wrote it."""
    verdicts: JsonList = Field(sa_type=JSON)
    passages: JsonList = Field(sa_type=JSON)
    """The retrieved passages with their texts: the documents may change before the review."""
    prompt_version: Text
    model_version: Text
    adapter_version: Text | None = None
    knowledge_base_version: Text


class ApprovalRow(Approval, table=True):
    __tablename__ = "approval"
    __table_args__ = (
        Index("ix_approval_tenant_created_at", "tenant", "created_at", "approval_id"),
    )
    model_config = {"frozen": False}


class ApprovalDecision(Record):
    """Who decided what about a held message, and when. Never changed, and at most one for each."""

    approval_id: RequestId = Field(primary_key=True, foreign_key="approval.approval_id")
    action: ApprovalAction = Field(sa_type=String)
    decided_at: Utc = Field(sa_type=UtcDateTime)
    key_id: KeyId | None = None
    """The reviewer's API key; None where the service runs without keys."""
    reason: Annotated[Text, StringConstraints(max_length=MAX_NOTE_CHARACTERS)] | None = None
    message: Text | None = None
    """The edited text."""
    verdicts: JsonList = Field(default=[], sa_type=JSON)
    """The claims of the edited text."""
    violations: JsonList = Field(default=[], sa_type=JSON)
    """The rules that it breaks, where the policy accepts such an edit."""


class ApprovalDecisionRow(ApprovalDecision, table=True):
    __tablename__ = "approval_decision"
    model_config = {"frozen": False}


class AliasAction(StrEnum):
    PROMOTE = "promote"
    ROLLBACK = "rollback"


class AliasChange(Record):
    """One flip of an adapter alias. Never changed; the newest of an alias is what it names now."""

    tenant: Tenant = Field(primary_key=True)
    industry: Annotated[str, StringConstraints(pattern=r"^(\w[\w-]{0,63})?$")] = Field(
        primary_key=True
    )
    """See `industry_key`; empty: the tenant's own alias."""
    alias: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")] = Field(
        primary_key=True
    )
    number: int = Field(primary_key=True, ge=1)
    """Of the changes of this alias, from 1."""
    action: AliasAction = Field(sa_type=String)
    version: Text | None
    """None: rolled back to before the first version."""
    previous: Text | None
    changed_at: Utc = Field(sa_type=UtcDateTime)
    changed_by: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    forced: bool = False
    """Whether the version was published past the gate."""


class AliasChangeRow(AliasChange, table=True):
    __tablename__ = "adapter_alias_change"
    model_config = {"frozen": False}
