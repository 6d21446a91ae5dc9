"""The routes of approval: what waits, what was decided, and the text once it may be sent."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from deployments.approval_api import (
    HELD,
    DecisionRequest,
    HeldList,
    HeldOut,
    ReleasedMessage,
    details_of,
    state_of,
    summary_of,
)
from deployments.approval_gate import rejected
from deployments.error_body import ERRORS
from deployments.parts import Approving, Generating, PartsOf
from followup.approval import ApprovalStatus

MAX_LISTED = 200
ID_PATTERN = r"^[0-9a-f]{32}$"

ApprovalId = Annotated[str, Path(pattern=ID_PATTERN)]
Cursor = Annotated[str | None, Query(pattern=ID_PATTERN, description="`next_cursor` of a page.")]

router = APIRouter(prefix="/api/v1/approvals", tags=["approvals"])


@router.get("", responses=ERRORS)
async def list_approvals(
    caller: Approving,
    parts: PartsOf,
    status: ApprovalStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 50,
    cursor: Cursor = None,
) -> HeldList:
    """Held messages, the oldest first."""
    # One more than asked for tells whether there is another page.
    found = await parts.desk.approvals.list_held(caller.tenant, status, limit + 1, cursor)
    page = found[:limit]
    return HeldList(
        approvals=tuple(summary_of(held) for held in page),
        next_cursor=page[-1].approval.approval_id if len(found) > limit else None,
    )


@router.get("/{approval_id}", responses=ERRORS)
async def get_approval(approval_id: ApprovalId, caller: Approving, parts: PartsOf) -> HeldOut:
    """A held message with its lead, claims, passages and decision."""
    return details_of(await parts.desk.approvals.get(caller.tenant, approval_id))


@router.post("/{approval_id}", responses=ERRORS)
async def decide(
    approval_id: ApprovalId, body: DecisionRequest, caller: Approving, parts: PartsOf
) -> HeldOut:
    """Approve, edit or reject, once. An edited text is checked as every message is."""
    held = await parts.desk.decide(
        approval_id, caller, body.action, reason=body.reason, message=body.message
    )
    parts.metrics.approvals.inc(tags={"status": held.status.value, "tenant": caller.tenant})
    return details_of(held)


@router.get("/{approval_id}/message", responses={**ERRORS, **HELD})
async def get_message(
    approval_id: ApprovalId, caller: Generating, parts: PartsOf, response: Response
) -> ReleasedMessage:
    """The text for the one who asked for it: 200 to send it, 202 to wait, 409 when rejected."""
    held = await parts.desk.approvals.get(caller.tenant, approval_id)
    if held.status is ApprovalStatus.REJECTED:
        raise rejected(held)
    if held.released_message is None:
        response.status_code = 202
    return ReleasedMessage(
        message=held.released_message or "",
        request_id=held.approval.request_id,
        approval=state_of(held),
    )
