"""The bodies of `/api/v1/feedback`."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, field_validator

from deployments.body import Body

MAX_NOTE_CHARACTERS = 2_000
EARLIEST_EVENT = datetime(2000, 1, 1, tzinfo=UTC)
MAX_CLOCK_LEAD = timedelta(days=1)
"""How far ahead of ours the clock of a CRM may be."""


class FeedbackRequest(Body):
    request_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    outcome: Literal["sent", "replied", "meeting", "converted", "unsubscribed"]
    occurred_at: AwareDatetime | None = Field(
        default=None,
        description=(
            "From 2000-01-01 to a day ahead. Left out: now, and the outcome counts once for this "
            "request_id, so that sending it again changes nothing. An outcome that happens more "
            "than once needs its time."
        ),
    )
    note: str | None = Field(default=None, max_length=MAX_NOTE_CHARACTERS)

    @field_validator("occurred_at")
    @classmethod
    def _is_plausible(cls, value: datetime | None) -> datetime | None:
        if value is None or EARLIEST_EVENT <= value <= datetime.now(UTC) + MAX_CLOCK_LEAD:
            return value
        message = f"must be from {EARLIEST_EVENT:%Y-%m-%d} to at most one day from now"
        raise ValueError(message)


class FeedbackReply(Body):
    request_id: str
    outcome: str
    occurred_at: datetime
