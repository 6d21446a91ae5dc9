"""Held messages and the decisions on them: stored once, decided once, never changed.

Both tables are append-only in the database itself (migration 0002). A message is pending while it
has no decision; the decision's primary key is the message's, so of two at the same time one wins.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, tuple_
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select

from followup.approval import ApprovalAction, ApprovalStatus
from followup.backends.database import Database
from followup.backends.tables import (
    Approval,
    ApprovalDecision,
    ApprovalDecisionRow,
    ApprovalRow,
)
from followup.errors import AlreadyDecidedError, NotFoundError

IS_DECISION_OF = col(ApprovalDecisionRow.approval_id) == col(ApprovalRow.approval_id)

HeldRows = Select[ApprovalRow, ApprovalDecisionRow | None]


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A held message and what was decided about it so far."""

    approval: Approval
    decision: ApprovalDecision | None = None

    @property
    def status(self) -> ApprovalStatus:
        """Pending until it is decided."""
        return ApprovalStatus.PENDING if self.decision is None else self.decision.action.leads_to

    @property
    def released_message(self) -> str | None:
        """The text that may be sent; None while pending and after a rejection."""
        if self.decision is None or self.decision.action is ApprovalAction.REJECT:
            return None
        return self.decision.message or self.approval.message


class Approvals:
    """The approvals of all tenants. Everything raises PartUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, approval: Approval) -> tuple[HeldMessage, bool]:
        """Store a held message unless it is there; it as stored, and whether it is new."""
        insert = self._database.insert_once(SQLModel.metadata.tables["approval"])
        async with self._database.session() as session:
            added = await session.exec(insert, params=approval.model_dump())
            held = await _find(session, approval.tenant, approval.approval_id)
        return held, added.rowcount == 1

    async def get(self, tenant: str, approval_id: str) -> HeldMessage:
        """One held message; NotFoundError when this tenant has none of that id."""
        async with self._database.session() as session:
            return await _find(session, tenant, approval_id)

    async def find(self, tenant: str, approval_id: str) -> HeldMessage | None:
        """One held message, or None."""
        try:
            return await self.get(tenant, approval_id)
        except NotFoundError:
            return None

    async def list_held(
        self,
        tenant: str,
        status: ApprovalStatus | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> list[HeldMessage]:
        """The oldest first, at most `limit`, of one status or of all.

        `after` is the approval_id of the last one of the page before this one; NotFoundError when
        this tenant has none of that id.
        """
        statement = select_held(tenant)
        if status is not None:
            statement = statement.where(_has_status(status))
        async with self._database.session() as session:
            return await read_page(session, tenant, statement, limit, after)

    async def decide(self, tenant: str, decision: ApprovalDecision) -> HeldMessage:
        """Store the one decision about a held message.

        Errors: NotFoundError when this tenant has none of that id; AlreadyDecidedError when it is
        decided, also in this very moment by somebody else.
        """
        await self.get(tenant, decision.approval_id)
        insert = self._database.insert_once(SQLModel.metadata.tables["approval_decision"])
        async with self._database.session() as session:
            added = await session.exec(insert, params=decision.model_dump())
            held = await _find(session, tenant, decision.approval_id)
        if added.rowcount != 1:
            raise already_decided(held)
        return held


def already_decided(held: HeldMessage) -> AlreadyDecidedError:
    """The error that says who decided, and when."""
    assert held.decision is not None  # noqa: S101 - decisions are never removed
    by = f" by the key '{held.decision.key_id}'" if held.decision.key_id else ""
    message = (
        f"The message '{held.approval.approval_id}' was {held.status}{by} on "
        f"{held.decision.decided_at:%Y-%m-%d %H:%M:%S} UTC. A decision is never changed."
    )
    return AlreadyDecidedError(message, field="approval_id")


def select_held(tenant: str) -> HeldRows:
    """A tenant's held messages, each with its decision or None."""
    return (
        select(ApprovalRow, ApprovalDecisionRow)
        .join(ApprovalDecisionRow, IS_DECISION_OF, isouter=True)
        .where(ApprovalRow.tenant == tenant)
    )


async def read_page(
    session: AsyncSession, tenant: str, statement: HeldRows, limit: int, after: str | None
) -> list[HeldMessage]:
    """The next held messages of a selection, the oldest first."""
    place = (col(ApprovalRow.created_at), col(ApprovalRow.approval_id))
    if after is not None:
        last = (await _find(session, tenant, after)).approval
        statement = statement.where(tuple_(*place) > (last.created_at, last.approval_id))
    rows = await session.exec(statement.order_by(*place).limit(limit))
    return [_read(*row) for row in rows]


def _has_status(status: ApprovalStatus) -> ColumnElement[bool]:
    action = col(ApprovalDecisionRow.action)
    if status is ApprovalStatus.PENDING:
        return action.is_(None)
    return action == next(item for item in ApprovalAction if item.leads_to is status)


async def _find(session: AsyncSession, tenant: str, approval_id: str) -> HeldMessage:
    statement = select_held(tenant).where(ApprovalRow.approval_id == approval_id)
    row = (await session.exec(statement)).first()
    if row is None:
        message = f"There is no held message with approval_id '{approval_id}'."
        raise NotFoundError(message, field="approval_id")
    return _read(*row)


def _read(approval: ApprovalRow, decision: ApprovalDecisionRow | None) -> HeldMessage:
    return HeldMessage(
        Approval.model_validate(approval),
        None if decision is None else ApprovalDecision.model_validate(decision),
    )
