"""The bodies of `/api/v1/approvals`, and what a reply says about its approval."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints, model_validator

from deployments.body import Body
from followup.approval import ApprovalAction, ApprovalStatus, HoldReason
from followup.backends.approvals import HeldMessage
from followup.backends.tables import MAX_NOTE_CHARACTERS
from followup.prompts import Approach
from followup.scoring import Strategy
from followup.situation import Situation

MAX_MESSAGE_CHARACTERS = 8_000
HELD: dict[int | str, dict[str, object]] = {
    202: {"description": "The message waits for approval: `message` is empty, `approval` says so."}
}
"""The status of a message that must not be sent yet, for OpenAPI."""

ReviewText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ApprovalState(Body):
    """How far the approval of a message is."""

    id: str
    status: ApprovalStatus
    reasons: tuple[HoldReason, ...] = Field(description="Why it was held.")


class HeldSummary(Body):
    """A held message as the list shows it."""

    id: str
    request_id: str = Field(description="The first request that it was held for.")
    status: ApprovalStatus
    created_at: datetime
    approach: Approach
    situation: Situation
    strategy: Strategy
    confidence: float
    reasons: tuple[HoldReason, ...]
    lead_name: str
    message: str = Field(description="As the pipeline wrote it.")


class DecisionOut(Body):
    """Who decided what, and when."""

    action: ApprovalAction
    decided_at: datetime
    key_id: str | None = Field(description="The reviewer's API key; null where there are no keys.")
    reason: str | None
    message: str | None = Field(description="The edited text.")
    grounding: tuple[JsonValue, ...] = Field(description="The claims of the edited text.")
    violations: tuple[JsonValue, ...] = Field(description="The rules that it breaks.")


class HeldOut(HeldSummary):
    """A held message with all that its review needs, as it was recorded at the time."""

    requested_by: str | None = Field(description="The API key of the request.")
    lead: dict[str, JsonValue]
    grounding: tuple[JsonValue, ...] = Field(description="The claims of `message`.")
    passages: tuple[JsonValue, ...] = Field(description="What it was written from, best first.")
    prompt_version: str
    model_version: str
    adapter_version: str | None
    knowledge_base_version: str
    decision: DecisionOut | None


class HeldList(Body):
    """A page, the oldest first."""

    approvals: tuple[HeldSummary, ...]
    next_cursor: str | None = Field(description="`cursor` of the next page; null after the last.")


class DecisionRequest(Body):
    """`message` belongs to `edit` and to nothing else; `reject` needs a `reason`."""

    action: ApprovalAction
    reason: Annotated[ReviewText, Field(max_length=MAX_NOTE_CHARACTERS)] | None = None
    message: Annotated[ReviewText, Field(max_length=MAX_MESSAGE_CHARACTERS)] | None = None

    @model_validator(mode="after")
    def _fits_the_action(self) -> "DecisionRequest":
        if (self.action is ApprovalAction.EDIT) != (self.message is not None):
            problem = "'message' must be given with the action 'edit', and only with it"
            raise ValueError(problem)
        if self.action is ApprovalAction.REJECT and self.reason is None:
            problem = "'reason' must be given with the action 'reject'"
            raise ValueError(problem)
        return self


class ReleasedMessage(Body):
    """A held message for the one who asked for it."""

    message: str = Field(description="The text to send; empty while it waits for approval.")
    request_id: str = Field(description="The first request that it was held for.")
    approval: ApprovalState


def state_of(held: HeldMessage) -> ApprovalState:
    """What a reply says."""
    return ApprovalState(
        id=held.approval.approval_id, status=held.status, reasons=tuple(held.approval.reasons)
    )


def summary_of(held: HeldMessage) -> HeldSummary:
    """What the list says."""
    return HeldSummary.model_validate(_summary_fields(held))


def details_of(held: HeldMessage) -> HeldOut:
    """All there is to know."""
    approval, decision = held.approval, held.decision
    return HeldOut.model_validate(
        {
            **_summary_fields(held),
            "requested_by": approval.key_id,
            "lead": approval.lead,
            "grounding": approval.verdicts,
            "passages": approval.passages,
            "prompt_version": approval.prompt_version,
            "model_version": approval.model_version,
            "adapter_version": approval.adapter_version,
            "knowledge_base_version": approval.knowledge_base_version,
            "decision": decision
            and {
                **decision.model_dump(exclude={"approval_id", "verdicts"}),
                "grounding": decision.verdicts,
            },
        }
    )


def _summary_fields(held: HeldMessage) -> dict[str, object]:
    approval = held.approval
    return {
        "id": approval.approval_id,
        "status": held.status,
        "lead_name": approval.lead.get("lead_name", ""),
        **approval.model_dump(
            include={
                "request_id", "created_at", "approach", "situation", "strategy", "confidence",
                "reasons", "message",
            }
        ),
    }  # fmt: skip
