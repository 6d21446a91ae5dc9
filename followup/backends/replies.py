"""The stored replies of a tenant and the feedback on them. `reply_log.py` writes the replies."""

from datetime import UTC, datetime

from sqlalchemy import tuple_
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.backends.database import Database
from followup.backends.tables import Feedback, FeedbackRow, Outcome, Reply, ReplyRow
from followup.errors import NotFoundError

MAX_LISTED = 200


class Replies:
    """What the API reads of the audit, and the feedback it adds. All raise PartUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_reply(self, tenant: str, request_id: str) -> Reply:
        """The reply to one request; NotFoundError when this tenant has none of that id."""
        async with self._database.session() as session:
            return Reply.model_validate(await _find(session, tenant, request_id))

    async def list_replies(
        self, tenant: str, limit: int = 50, before: str | None = None
    ) -> list[Reply]:
        """The newest replies first, at most `limit` (capped at MAX_LISTED).

        `before` is the request_id of the last reply of the page before this one.
        """
        newest_first = (col(ReplyRow.created_at).desc(), col(ReplyRow.request_id).desc())
        statement = select(ReplyRow).where(ReplyRow.tenant == tenant).order_by(*newest_first)
        async with self._database.session() as session:
            if before is not None:
                last = await _find(session, tenant, before)
                position = tuple_(col(ReplyRow.created_at), col(ReplyRow.request_id))
                statement = statement.where(position < (last.created_at, last.request_id))
            rows = await session.exec(statement.limit(min(limit, MAX_LISTED)))
            return [Reply.model_validate(row) for row in rows]

    async def add_feedback(
        self,
        tenant: str,
        request_id: str,
        outcome: Outcome,
        occurred_at: datetime,
        note: str | None = None,
    ) -> Feedback:
        """Store what became of a reply; the same event again changes nothing.

        Returns the event as stored, with the note and time of its first report. NotFoundError
        when this tenant has no reply of that id.
        """
        feedback = Feedback(
            tenant=tenant,
            request_id=request_id,
            outcome=outcome,
            occurred_at=occurred_at,
            recorded_at=datetime.now(UTC),
            note=note,
        )
        async with self._database.session() as session:
            await _find(session, tenant, request_id)
            insert = self._database.insert_once(SQLModel.metadata.tables["feedback"])
            await session.exec(insert, params=feedback.model_dump())
            stored = await session.exec(
                select(FeedbackRow)
                .where(FeedbackRow.request_id == request_id)
                .where(FeedbackRow.outcome == outcome)
                .where(FeedbackRow.occurred_at == feedback.occurred_at)
            )
            return Feedback.model_validate(stored.one())


async def _find(session: AsyncSession, tenant: str, request_id: str) -> ReplyRow:
    row = await session.get(ReplyRow, request_id)
    if row is None or row.tenant != tenant:
        message = f"There is no reply with request_id '{request_id}'."
        raise NotFoundError(message, field="request_id")
    return row
