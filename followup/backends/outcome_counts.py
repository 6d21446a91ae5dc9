"""What became of the messages, counted in the database: no reply is loaded.

A message counts once, under however many requests it was delivered: replies from the cache belong
to the reply that they repeat, and replies with the same approval are the same text.
"""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, and_, case, cast, func, select
from sqlmodel import col

from followup.approval import ApprovalAction
from followup.backends.database import Database
from followup.backends.tables import ApprovalDecisionRow, FeedbackRow, Outcome, ReplyRow

ANSWERS = (Outcome.REPLIED, Outcome.MEETING, Outcome.CONVERTED)
"""A meeting or a sale is an answer too, also where the CRM reports nothing before it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages are counted: those made from `since` to before `until`; None: no limit."""

    tenant: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """Numbers of messages of one kind. Outcomes count among released messages only."""

    num_messages: int = 0
    num_grounded: int = 0
    """Every claim supported."""
    num_fallbacks: int = 0
    num_approved: int = 0
    num_edited: int = 0
    num_rejected: int = 0
    num_pending: int = 0
    num_sent: int = 0
    """Reported as sent; a CRM need not."""
    num_replied: int = 0
    num_converted: int = 0
    num_unsubscribed: int = 0

    @property
    def num_released(self) -> int:
        """Messages that could be sent: neither pending nor rejected."""
        return self.num_messages - self.num_pending - self.num_rejected

    def __add__(self, other: "OutcomeCounts") -> "OutcomeCounts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return OutcomeCounts(*(one + another for one, another in pairs))


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """The counts of one combination; None where a reply has no adapter or no recorded strategy."""

    approach: str
    adapter_version: str | None
    strategy: str | None
    counts: OutcomeCounts


async def count_outcomes(database: Database, selection: Selection) -> list[GroupCounts]:
    """The counts of each approach, adapter version and strategy. Raises PartUnavailableError."""
    async with database.session() as session:
        connection = await session.connection()
        rows = await connection.execute(_statement(selection))
        return [
            GroupCounts(row[0], row[1], row[2], OutcomeCounts(*(int(number) for number in row[3:])))
            for row in rows
        ]


def _statement(selection: Selection) -> Select[*tuple[Any, ...]]:
    message = _messages(selection)
    action = col(ApprovalDecisionRow.action)
    is_pending = and_(message.c.approval_id.is_not(None), action.is_(None))
    is_released = case(
        (message.c.approval_id.is_(None), True), else_=func.coalesce(action, "reject") != "reject"
    )
    group = (message.c.approach, message.c.adapter_version, message.c.strategy)
    counted = (
        func.count(),
        func.sum(message.c.grounded),
        func.sum(message.c.fallback),
        _number(action == ApprovalAction.APPROVE),
        _number(action == ApprovalAction.EDIT),
        _number(action == ApprovalAction.REJECT),
        _number(is_pending),
        *(
            _number(and_(is_released, message.c[name] == 1))
            for name in ("sent", "replied", "converted", "unsubscribed")
        ),
    )
    return (
        select(*group, *counted)
        .select_from(message)
        .outerjoin(
            ApprovalDecisionRow, col(ApprovalDecisionRow.approval_id) == message.c.approval_id
        )
        .group_by(*group)
        .order_by(*group)
    )


def _messages(selection: Selection) -> Subquery:
    """One row for each message, with ones and zeros."""
    events = _events(selection)
    reply = ReplyRow
    message_id = func.coalesce(
        col(reply.approval_id), col(reply.cached_from), col(reply.request_id)
    )
    group = (col(reply.approach), col(reply.adapter_version), col(reply.strategy))
    statement = (
        select(
            *group,
            func.max(col(reply.approval_id)).label("approval_id"),
            func.min(_one_if(col(reply.grounding_verified).is_(True))).label("grounded"),
            func.max(_one_if(col(reply.fallback).is_(True))).label("fallback"),
            *(
                func.max(func.coalesce(events.c[name], 0)).label(name)
                for name in ("sent", "replied", "converted", "unsubscribed")
            ),
        )
        .outerjoin(events, events.c.request_id == col(reply.request_id))
        .group_by(message_id, *group)
    )
    if selection.tenant is not None:
        statement = statement.where(col(reply.tenant) == selection.tenant)
    if selection.since is not None:
        statement = statement.where(col(reply.created_at) >= selection.since)
    if selection.until is not None:
        statement = statement.where(col(reply.created_at) < selection.until)
    return statement.subquery("message")


def _events(selection: Selection) -> Subquery:
    """One row for each request that has feedback, with ones and zeros."""
    outcome = col(FeedbackRow.outcome)
    statement = select(
        col(FeedbackRow.request_id),
        func.max(_one_if(outcome == Outcome.SENT)).label("sent"),
        func.max(_one_if(outcome.in_(ANSWERS))).label("replied"),
        func.max(_one_if(outcome == Outcome.CONVERTED)).label("converted"),
        func.max(_one_if(outcome == Outcome.UNSUBSCRIBED)).label("unsubscribed"),
    ).group_by(col(FeedbackRow.request_id))
    if selection.tenant is not None:
        statement = statement.where(col(FeedbackRow.tenant) == selection.tenant)
    return statement.subquery("events")


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.sum(_one_if(condition)), Integer)
