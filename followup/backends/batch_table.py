"""The table of batches: what was posted, and how far it is."""

from enum import StrEnum

from sqlalchemy import JSON, Index, String
from sqlmodel import Field

from followup.backends.tables import (
    MAX_INTEGER,
    JsonObject,
    KeyId,
    Record,
    RequestId,
    Tenant,
    Text,
    Utc,
    UtcDateTime,
)


class BatchKind(StrEnum):
    SCORE = "score"
    WRITE = "write"


class BatchState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (BatchState.QUEUED, BatchState.RUNNING)


class Batch(Record):
    """A list that was posted. Its leads and results lie in a folder of its id."""

    batch_id: RequestId = Field(primary_key=True)
    tenant: Tenant
    key_id: KeyId | None = None
    """The API key that posted it; None where the service runs without keys."""
    created_at: Utc = Field(sa_type=UtcDateTime)
    kind: BatchKind = Field(sa_type=String)
    options: JsonObject = Field(sa_type=JSON)
    """As asked for, defaults filled in."""
    uri: Text | None = None
    """Where the list is fetched from; None for one that came as a body."""
    state: BatchState = Field(default=BatchState.QUEUED, sa_type=String)
    cancel_requested: bool = False
    started_at: Utc | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: Utc | None = Field(default=None, sa_type=UtcDateTime)
    num_leads: int = Field(ge=0, le=MAX_INTEGER)
    """About how many; of a URI, until it is fetched, the most that it may have."""
    num_done: int = Field(default=0, ge=0, le=MAX_INTEGER)
    rows_per_second: float | None = None
    """Since the runner last took it up."""
    counts: dict[Text, dict[Text, int]] = Field(default={}, sa_type=JSON)
    """Of what is done, by kind: status, situation, strategy, fallback, reject, ..."""
    error: Text | None = None
    """Why it failed, or what it waits for."""


class BatchRow(Batch, table=True):
    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_tenant_created_at", "tenant", "created_at", "batch_id"),
        Index("ix_batch_state", "state"),
    )
    model_config = {"frozen": False}  # noqa: RUF012 - as in the other tables
