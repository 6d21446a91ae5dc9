"""The feedback on stored replies, and how many there are. `reply_log.py` writes the replies."""

from datetime import UTC, datetime

from sqlalchemy import ScalarSelect, func, literal
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.approval import ApprovalAction
from followup.backends.database import Database
from followup.backends.tables import (
    ApprovalDecisionRow,
    Feedback,
    FeedbackRow,
    Outcome,
    ReplyRow,
    UtcDateTime,
)
from followup.errors import MessageNotReleasedError, NotFoundError


class Replies:
    """What the API reads of the audit, and the feedback it adds. All raise PartUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_messages_of_adapter(self, tenant: str, adapter_version: str, up_to: int) -> int:
        """How many messages the adapter version wrote for the tenant; counting ends at `up_to`."""
        written = (
            select(ReplyRow.request_id)
            .where(ReplyRow.tenant == tenant)
            .where(ReplyRow.adapter_version == adapter_version)
            .where(col(ReplyRow.cached).is_(False))
            .where(col(ReplyRow.fallback).is_(False))
            .limit(up_to)
        )
        async with self._database.session() as session:
            return (await session.exec(select(func.count()).select_from(written.subquery()))).one()

    async def add_feedback(
        self,
        tenant: str,
        request_id: str,
        outcome: Outcome,
        occurred_at: datetime | None,
        note: str | None = None,
    ) -> Feedback:
        """Store what became of a reply; the same event again changes nothing.

        Without a time an event is its outcome: it is stored, as of now, unless the reply already
        has that outcome. A time taken anew from the clock would make every retry another event.
        Returns the event as stored, with the note and time of its first report. NotFoundError
        when this tenant has no reply of that id; MessageNotReleasedError for a message that waits
        for approval or was rejected: an outcome of what never left would mislead report and
        training.
        """
        now = datetime.now(UTC)
        feedback = Feedback(
            tenant=tenant,
            request_id=request_id,
            outcome=outcome,
            occurred_at=occurred_at or now,
            recorded_at=now,
            note=note,
        )
        async with self._database.session() as session:
            # Locked, so that of two reports at the same time the second sees the first.
            await _check_released(session, await _find(session, tenant, request_id, lock=True))
            insert = self._database.insert_once(SQLModel.metadata.tables["feedback"])
            first_time = _first_time(request_id, outcome)
            time = literal(feedback.occurred_at, UtcDateTime)
            kept = time if occurred_at else func.coalesce(first_time, time)
            await session.exec(
                insert.values(occurred_at=kept), params=feedback.model_dump(exclude={"occurred_at"})
            )
            stored = await session.exec(
                select(FeedbackRow)
                .where(FeedbackRow.request_id == request_id)
                .where(FeedbackRow.outcome == outcome)
                .where(FeedbackRow.occurred_at == (time if occurred_at else first_time))
            )
            return Feedback.model_validate(stored.one())


def _first_time(request_id: str, outcome: Outcome) -> ScalarSelect[datetime]:
    return (
        select(func.min(FeedbackRow.occurred_at))
        .where(FeedbackRow.request_id == request_id)
        .where(FeedbackRow.outcome == outcome)
        .scalar_subquery()
    )


async def _check_released(session: AsyncSession, reply: ReplyRow) -> None:
    if reply.approval_id is None:
        return
    decision = await session.get(ApprovalDecisionRow, reply.approval_id)
    if decision is None or decision.action == ApprovalAction.REJECT:
        state = "waits for approval" if decision is None else "was rejected"
        message = (
            f"The message of request '{reply.request_id}' {state}, so it has no outcome. "
            f"See /api/v1/approvals/{reply.approval_id}."
        )
        raise MessageNotReleasedError(message, field="request_id")


async def _find(
    session: AsyncSession, tenant: str, request_id: str, *, lock: bool = False
) -> ReplyRow:
    row = await session.get(ReplyRow, request_id, with_for_update=lock)
    if row is None or row.tenant != tenant:
        message = f"There is no reply with request_id '{request_id}'."
        raise NotFoundError(message, field="request_id")
    return row
