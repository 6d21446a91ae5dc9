"""The bodies of `/api/v1/batches`."""

from datetime import date, datetime
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from deployments.body import Body
from deployments.bulk_options import WriteOptions
from followup.backends.batch_table import Batch, BatchKind, BatchState
from followup.prompts import Approach

MAX_URI_CHARACTERS = 1_000
MAX_SET = 50

Preset = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,60}$")]
SetText = Annotated[str, StringConstraints(max_length=8_100)]


class BatchOptions(Body):
    """The query of a new batch: the options of `lead-assistant bulk`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    kind: BatchKind
    approach: Approach | None = Field(default=None, description="Of `write`, which needs it.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=16, le=512)] = 150
    lead_map: Preset | None = Field(
        default=None, alias="map", description="How columns are named: salesforce, hubspot."
    )
    defaults: Annotated[list[SetText], Field(max_length=MAX_SET)] = Field(
        default=[], alias="set", description="FIELD=VALUE for leads that have none."
    )
    limit: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Only the first so many leads."
    )
    as_of: date | None = Field(
        default=None, description="Day that days since a date count to; that of the request."
    )
    uri: Annotated[str, StringConstraints(max_length=MAX_URI_CHARACTERS)] | None = Field(
        default=None, description="Where the list lies, in place of a body."
    )

    @model_validator(mode="after")
    def _has_an_approach(self) -> "BatchOptions":
        if (self.kind is BatchKind.WRITE) != (self.approach is not None):
            problem = "'approach' must be given with the kind 'write', and only with it"
            raise ValueError(problem)
        return self

    def write_options(self, tenant: str) -> WriteOptions | None:
        """What is asked for each lead; None for scoring."""
        if self.approach is None:
            return None
        return WriteOptions(tenant, self.approach, self.temperature, self.max_tokens)


class BatchOut(Body):
    """A batch and how far it is."""

    id: str
    kind: BatchKind
    state: BatchState
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    options: dict[str, JsonValue]
    num_leads: int = Field(description="About how many; of a URI at first the most it may have.")
    num_done: int = Field(description="Leads with a result or a reject.")
    num_results: int
    num_rejects: int
    rows_per_second: float | None = Field(description="Since it was last taken up.")
    seconds_left: float | None = Field(description="At that rate.")
    counts: dict[str, dict[str, int]] = Field(description="By status, situation, reject, ...")
    error: str | None = Field(description="Why it failed, or what it waits for.")


class BatchList(Body):
    """A page, the newest first."""

    batches: tuple[BatchOut, ...]
    next_cursor: str | None = Field(description="`cursor` of the next page; null after the last.")


class ResultPage(Body):
    """Rows in the order of the list."""

    state: BatchState
    results: tuple[dict[str, JsonValue], ...]
    next_cursor: int | None = Field(
        description="`cursor` of the next page, which may be empty while the batch is at work; "
        "null after the last."
    )


def batch_out(batch: Batch) -> BatchOut:
    """What the API says of a batch."""
    rate = batch.rows_per_second
    is_running = batch.state is BatchState.RUNNING
    num_left = max(0, batch.num_leads - batch.num_done)
    return BatchOut(
        id=batch.batch_id,
        num_results=sum(batch.counts.get("status", {}).values()),
        num_rejects=sum(batch.counts.get("reject", {}).values()),
        seconds_left=round(num_left / rate, 1) if rate and is_running else None,
        **batch.model_dump(
            include={
                "kind", "state", "cancel_requested", "created_at", "started_at", "finished_at",
                "options", "num_leads", "num_done", "rows_per_second", "counts", "error",
            }
        ),
    )  # fmt: skip
