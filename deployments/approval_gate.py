"""Holds back what the policy wants a person to see, until that person has decided."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import TypeAdapter

from deployments.auth import Caller
from followup.approval import (
    ApprovalRules,
    ApprovalStatus,
    HoldReason,
    WrittenMessage,
    approval_id,
    hold_reasons,
)
from followup.backends.approvals import Approvals, HeldMessage
from followup.backends.replies import Replies
from followup.backends.tables import Approval
from followup.errors import MessageRejectedError
from followup.grounding import Verdict
from followup.personalization import personalization_score
from followup.reply import FollowupReply
from followup.request import FollowupRequest, Versions

VERDICTS = TypeAdapter(tuple[Verdict, ...])


@dataclass(frozen=True, slots=True)
class Written:
    """A message that is about to leave."""

    request: FollowupRequest
    request_id: str
    """Of the request that it was written for, not of the one that found it in the cache."""
    reply: FollowupReply
    versions: Versions
    reply_key: str
    """Its key in the cache: request and versions."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What came of it: the reply, edited where a reviewer edited it, and its approval if any."""

    reply: FollowupReply
    held: HeldMessage | None = None
    is_new: bool = False
    """Whether it is held for the first time."""


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """The policy, and the decisions taken so far."""

    rules: ApprovalRules
    approvals: Approvals
    replies: Replies
    _proven_adapters: set[tuple[str, str]] = field(default_factory=set)
    """Tenant and version of adapters that have written their first messages."""

    async def check(self, written: Written, caller: Caller) -> Passed:
        """Let the message pass or hold it. Call it for cached replies too: a decision stays.

        Raises MessageRejectedError for a text that was rejected, and PartUnavailableError while
        the database is away: without it nobody knows what was decided.
        """
        reasons = hold_reasons(await self._facts(written), self.rules)
        text_id = approval_id(written.reply_key, written.reply.message)
        is_new = False
        if reasons:
            held: HeldMessage | None
            held, is_new = await self.approvals.hold(_record(written, text_id, reasons, caller))
        else:
            held = await self.approvals.find(written.request.tenant, text_id)
        if held is not None and held.status is ApprovalStatus.REJECTED:
            raise rejected(held)
        return Passed(_as_decided(written, held), held, is_new)

    async def _facts(self, written: Written) -> WrittenMessage:
        return WrittenMessage(
            request_id=written.request_id,
            confidence=written.reply.confidence,
            situation=written.reply.situation,
            deal_value=written.request.lead.deal_value,
            num_earlier_of_adapter=await self._num_earlier(written),
        )

    async def _num_earlier(self, written: Written) -> int | None:
        """Counted only until an adapter has written its first messages. A conservative reply is
        not the adapter's."""
        limit, adapter = self.rules.first_messages_of_adapter, written.versions.adapter
        if adapter is None or written.reply.fallback:
            return None
        known = (written.request.tenant, adapter)
        if limit == 0 or known in self._proven_adapters:
            return limit
        number = await self.replies.count_messages_of_adapter(*known, up_to=limit)
        if number >= limit:
            self._proven_adapters.add(known)
        return number


def rejected(held: HeldMessage) -> MessageRejectedError:
    """The error that says why a message may not be sent."""
    reason = held.decision and held.decision.reason
    message = (
        f"A reviewer rejected this message: {reason}. Write to the lead yourself, or ask again "
        f"once something has changed. See /api/v1/approvals/{held.approval.approval_id}."
    )
    return MessageRejectedError(message)


def _as_decided(written: Written, held: HeldMessage | None) -> FollowupReply:
    reply = written.reply
    if held is None or held.decision is None or held.decision.message is None:
        return reply
    text = held.decision.message
    return reply.model_copy(
        update={
            "message": text,
            "verdicts": VERDICTS.validate_python(held.decision.verdicts),
            "fallback_reason": None,  # a person wrote it
            "personalization": personalization_score(text, written.request.lead),
        }
    )


def _record(
    written: Written, text_id: str, reasons: tuple[HoldReason, ...], caller: Caller
) -> Approval:
    request, reply, versions = written.request, written.reply, written.versions
    return Approval(
        approval_id=text_id,
        tenant=request.tenant,
        request_id=written.request_id,
        created_at=datetime.now(UTC),
        key_id=caller.key_id,
        approach=request.approach,
        situation=reply.situation,
        strategy=reply.lead_score.strategy,
        confidence=reply.confidence,
        reasons=list(reasons),
        lead=request.lead.model_dump(mode="json"),
        message=reply.message,
        verdicts=VERDICTS.dump_python(reply.verdicts, mode="json"),
        passages=[passage.model_dump(mode="json") for passage in reply.passages],
        prompt_version=versions.prompt,
        model_version=versions.model,
        adapter_version=versions.adapter,
        knowledge_base_version=versions.knowledge_base,
    )
