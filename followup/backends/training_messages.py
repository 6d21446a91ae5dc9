"""What people approved or wrote themselves and leads answered: examples to train an adapter on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.approval import ApprovalAction
from followup.backends.approvals import HeldMessage, read_page, select_held
from followup.backends.database import Database
from followup.backends.tables import (
    ApprovalDecisionRow,
    ApprovalRow,
    Feedback,
    FeedbackRow,
    Outcome,
    ReplyRow,
)

GOOD_OUTCOMES = (Outcome.REPLIED, Outcome.MEETING, Outcome.CONVERTED)


@dataclass(frozen=True, slots=True)
class TrainingMessage:
    """A released message with its lead, its versions, both texts, the reviewer and the outcomes."""

    held: HeldMessage
    outcomes: tuple[Feedback, ...]
    """What became of it, in the order of time; at least one of GOOD_OUTCOMES."""


async def list_training_messages(
    database: Database, tenant: str, limit: int = 200, after: str | None = None
) -> list[TrainingMessage]:
    """Approved and edited messages with a good outcome and no `unsubscribed`, the oldest first.

    An outcome counts under whichever request the message was delivered for. `after` is the
    approval_id of the last one of the page before this one. Errors: NotFoundError for an `after`
    that this tenant has not, PartUnavailableError.
    """
    events = (
        select(FeedbackRow.id)
        .join(ReplyRow, col(ReplyRow.request_id) == col(FeedbackRow.request_id))
        .where(col(ReplyRow.approval_id) == col(ApprovalRow.approval_id))
    )
    statement = (
        select_held(tenant)
        .where(col(ApprovalDecisionRow.action) != ApprovalAction.REJECT)
        .where(events.where(col(FeedbackRow.outcome).in_(GOOD_OUTCOMES)).exists())
        .where(~events.where(FeedbackRow.outcome == Outcome.UNSUBSCRIBED).exists())
    )
    async with database.session() as session:
        page = await read_page(session, tenant, statement, limit, after)
        outcomes = await _outcomes(session, [held.approval.approval_id for held in page])
    return [TrainingMessage(held, tuple(outcomes[held.approval.approval_id])) for held in page]


async def _outcomes(
    session: AsyncSession, approval_ids: Sequence[str]
) -> dict[str | None, list[Feedback]]:
    statement = (
        select(ReplyRow.approval_id, FeedbackRow)
        .join(FeedbackRow, col(FeedbackRow.request_id) == col(ReplyRow.request_id))
        .where(col(ReplyRow.approval_id).in_(approval_ids))
        .order_by(col(FeedbackRow.occurred_at), col(FeedbackRow.id))
    )
    found: dict[str | None, list[Feedback]] = defaultdict(list)
    for approval_id, row in await session.exec(statement):
        found[approval_id].append(Feedback.model_validate(row))
    return found
