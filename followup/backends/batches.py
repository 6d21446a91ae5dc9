"""Batches in the database: posted within a quota, taken up, reported on, finished once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, text, tuple_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from followup.backends.batch_table import UNFINISHED, Batch, BatchRow, BatchState
from followup.backends.database import Database
from followup.errors import FollowupError, NotFoundError, RateLimitedError

QUOTA_RETRY_SECONDS = 60.0


class BatchFinishedError(FollowupError):
    """What is finished cannot be cancelled."""

    code = "batch_finished"


@dataclass(frozen=True, slots=True)
class BatchQuota:
    """How much of a tenant may be queued and running together."""

    max_batches: int
    max_leads: int


class Batches:
    """The batches of all tenants. Everything raises PartUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_quota(self, tenant: str, quota: BatchQuota) -> None:
        """Raises RateLimitedError where not one more batch fits."""
        async with self._database.session() as session:
            await _check_quota(session, tenant, quota, num_more=1)

    async def add(self, batch: Batch, quota: BatchQuota) -> None:
        """Store a new batch. Raises RateLimitedError where it is more than the quota."""
        async with self._database.session() as session:
            connection = await session.connection()
            if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
                lock = text("SELECT pg_advisory_xact_lock(hashtext(:key))")
                await connection.execute(lock, {"key": f"batches of {batch.tenant}"})
            session.add(BatchRow(**batch.model_dump()))
            await session.flush()
            await _check_quota(session, batch.tenant, quota)  # which takes the new one back

    async def get(self, tenant: str, batch_id: str) -> Batch:
        """One batch; NotFoundError when this tenant has none of that id."""
        async with self._database.session() as session:
            return await _find(session, tenant, batch_id)

    async def list_page(
        self, tenant: str, state: BatchState | None, limit: int, after: str | None
    ) -> list[Batch]:
        """The newest first. `after` is the last one of the page before; else NotFoundError."""
        place = (col(BatchRow.created_at), col(BatchRow.batch_id))
        statement = select(BatchRow).where(BatchRow.tenant == tenant)
        if state is not None:
            statement = statement.where(BatchRow.state == state)
        async with self._database.session() as session:
            if after is not None:
                last = await _find(session, tenant, after)
                statement = statement.where(tuple_(*place) < (last.created_at, last.batch_id))
            newest_first = (column.desc() for column in place)
            rows = await session.exec(statement.order_by(*newest_first).limit(limit))
            return [Batch.model_validate(row) for row in rows]

    async def cancel(self, tenant: str, batch_id: str) -> Batch:
        """Cancel what is queued, and ask the runner to stop what is running.

        Raises NotFoundError, and BatchFinishedError where it is done or failed already.
        """
        now = datetime.now(UTC)
        await self._set(batch_id, tenant, BatchState.QUEUED, **_ending(BatchState.CANCELLED, now))
        await self._set(batch_id, tenant, BatchState.RUNNING, cancel_requested=True)
        batch = await self.get(tenant, batch_id)
        if batch.state in {BatchState.DONE, BatchState.FAILED}:
            message = f"The batch '{batch_id}' is {batch.state.value}: nothing is left to cancel."
            raise BatchFinishedError(message, field="batch_id")
        return batch

    async def unfinished(self) -> list[Batch]:
        """Queued and running batches of all tenants, the oldest first."""
        statement = (
            select(BatchRow)
            .where(col(BatchRow.state).in_(UNFINISHED))
            .order_by(col(BatchRow.created_at), col(BatchRow.batch_id))
        )
        async with self._database.session() as session:
            return [Batch.model_validate(row) for row in await session.exec(statement)]

    async def start(self, batch: Batch) -> bool:
        """Mark it as running; False where it was cancelled or finished meanwhile."""
        started_at = batch.started_at or datetime.now(UTC)
        values = {"state": BatchState.RUNNING, "started_at": started_at, "error": None}
        return await self._set(batch.batch_id, batch.tenant, *UNFINISHED, **values)

    async def report(self, batch: Batch, **progress: Any) -> bool:
        """Store columns of a running batch; whether somebody wants it cancelled."""
        if progress:
            await self._set(batch.batch_id, batch.tenant, BatchState.RUNNING, **progress)
        return (await self.get(batch.tenant, batch.batch_id)).cancel_requested

    async def finish(self, batch: Batch, state: BatchState, **progress: Any) -> None:
        """Mark it as finished, unless it is."""
        values = {**progress, **_ending(state, datetime.now(UTC))}
        await self._set(batch.batch_id, batch.tenant, *UNFINISHED, **values)

    async def known(self, batch_ids: Collection[str]) -> set[str]:
        """Those of the ids that are batches."""
        statement = select(BatchRow.batch_id).where(col(BatchRow.batch_id).in_(batch_ids))
        async with self._database.session() as session:
            return set(await session.exec(statement))

    async def forget_finished_before(self, limit: datetime) -> None:
        """Remove what was finished before then."""
        statement = delete(BatchRow).where(col(BatchRow.finished_at) < limit)
        async with self._database.session() as session:
            await session.exec(statement)

    async def _set(self, batch_id: str, tenant: str, *states: BatchState, **values: Any) -> bool:
        statement = (
            update(BatchRow)
            .where(col(BatchRow.batch_id) == batch_id)
            .where(col(BatchRow.tenant) == tenant)
            .where(col(BatchRow.state).in_(states))
            .values(**values)
        )
        async with self._database.session() as session:
            return (await session.exec(statement)).rowcount == 1


def _ending(state: BatchState, finished_at: datetime) -> dict[str, Any]:
    return {"state": state, "finished_at": finished_at}


async def _check_quota(
    session: AsyncSession, tenant: str, quota: BatchQuota, num_more: int = 0
) -> None:
    statement = select(
        func.count(col(BatchRow.batch_id)), func.coalesce(func.sum(col(BatchRow.num_leads)), 0)
    ).where(BatchRow.tenant == tenant, col(BatchRow.state).in_(UNFINISHED))
    num_batches, num_leads = (await session.exec(statement)).one()
    for number, limit, what in (
        (num_batches + num_more, quota.max_batches, "batches"),
        (num_leads + num_more, quota.max_leads, "leads"),
    ):
        if number > limit:
            message = (
                f"This tenant would have {number:,} {what} queued and running; at most {limit:,} "
                "are allowed. Wait until a batch is done, or cancel one."
            )
            raise RateLimitedError(message, retry_after_seconds=QUOTA_RETRY_SECONDS)


async def _find(session: AsyncSession, tenant: str, batch_id: str) -> Batch:
    statement = select(BatchRow).where(BatchRow.tenant == tenant, BatchRow.batch_id == batch_id)
    row = (await session.exec(statement)).first()
    if row is None:
        message = f"There is no batch with the id '{batch_id}'."
        raise NotFoundError(message, field="batch_id")
    return Batch.model_validate(row)
