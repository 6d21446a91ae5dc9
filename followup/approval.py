"""Which messages wait for a person before they leave: the policy, as a pure function.

`config/approval.yaml` sets the conditions. Any one that fits holds a message; as it ships none is
set, and nothing is held.
"""

import hashlib
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from followup.lead import DealValue
from followup.request import Share
from followup.situation import Situation

ID_CHARACTERS = 32
SEED_BYTES = 8


class HoldReason(StrEnum):
    """Why a message is held."""

    LOW_CONFIDENCE = "low_confidence"
    SITUATION = "situation"
    DEAL_VALUE = "deal_value"
    NEW_ADAPTER = "new_adapter"
    RANDOM_SHARE = "random_share"


class ApprovalStatus(StrEnum):
    """What became of a held message. Approved and edited ones may be sent."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"


class ApprovalAction(StrEnum):
    """What a reviewer does with a held message."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"

    @property
    def leads_to(self) -> ApprovalStatus:
        """The status after it."""
        return {
            ApprovalAction.APPROVE: ApprovalStatus.APPROVED,
            ApprovalAction.EDIT: ApprovalStatus.EDITED,
            ApprovalAction.REJECT: ApprovalStatus.REJECTED,
        }[self]


class ApprovalRules(BaseModel):
    """`config/approval.yaml`: what holds a message, and what an edited one must keep to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    below_confidence: Share = Field(
        default=0, description="Hold what has a confidence below this, 0-1; 0: none."
    )
    situations: tuple[Situation, ...] = Field(
        default=(), description="Hold what is written to a lead in one of these situations."
    )
    deal_value_from: DealValue | None = Field(
        default=None, description="Hold what is about a deal worth this or more; null: none."
    )
    first_messages_of_adapter: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Hold the first messages of each adapter version, so many for each tenant.",
    )
    random_share: Share = Field(
        default=0, description="Hold this share of all messages, drawn by their request_id."
    )
    unsound_edits: Literal["refuse", "label"] = Field(
        default="refuse",
        description="An edited text with an unsupported claim or a broken rule is refused, or is "
        "accepted and recorded with its verdicts.",
    )

    @property
    def holds_any(self) -> bool:
        """Whether any condition is set."""
        return bool(
            self.below_confidence
            or self.situations
            or self.deal_value_from is not None
            or self.first_messages_of_adapter
            or self.random_share
        )


class WrittenMessage(BaseModel):
    """What the policy looks at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str = Field(description="Of the request that the message was written for.")
    confidence: float = Field(description="Of the approach, as the response tells it.")
    situation: Situation
    deal_value: float | None
    num_earlier_of_adapter: int | None = Field(
        description="Messages of this tenant that the adapter version wrote before this one, "
        "counted at least up to first_messages_of_adapter; None without an adapter."
    )


def hold_reasons(message: WrittenMessage, rules: ApprovalRules) -> tuple[HoldReason, ...]:
    """Every condition that the message meets; empty for one that may leave at once."""
    deal_value, limit = message.deal_value, rules.deal_value_from
    earlier = message.num_earlier_of_adapter
    met = (
        (HoldReason.LOW_CONFIDENCE, message.confidence < rules.below_confidence),
        (HoldReason.SITUATION, message.situation in rules.situations),
        (
            HoldReason.DEAL_VALUE,
            limit is not None and deal_value is not None and deal_value >= limit,
        ),
        (
            HoldReason.NEW_ADAPTER,
            earlier is not None and earlier < rules.first_messages_of_adapter,
        ),
        (HoldReason.RANDOM_SHARE, _drawn(message.request_id) < rules.random_share),
    )
    return tuple(reason for reason, is_met in met if is_met)


def approval_id(reply_key: str, message: str) -> str:
    """The id of the decision about one text for one request: 32 hex digits.

    `reply_key` is the cache key: tenant, request and every version. The same text for the same
    request has one id, so it is decided once, however often it is asked for and by whichever
    replica, also after the cache has forgotten it.
    """
    text = f"{reply_key}\n{message}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:ID_CHARACTERS]


def _drawn(request_id: str) -> float:
    """A number from 0 to below 1 that is always the same for a request and even over all."""
    digest = hashlib.sha256(f"approval:{request_id}".encode()).digest()
    return int.from_bytes(digest[:SEED_BYTES]) / float(1 << 8 * SEED_BYTES)
