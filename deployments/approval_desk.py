"""Where a reviewer decides about held messages."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.auth import Caller
from followup.approval import ApprovalAction, ApprovalRules
from followup.backends.approvals import Approvals, HeldMessage, already_decided
from followup.backends.tables import ApprovalDecision
from followup.edited_message import EditCheck, UnsoundEditError, check_edit
from followup.lead import Lead
from followup.passage import Passage
from followup.rules import ComplianceRules
from followup.situation import Situation


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """Decides once about each held message, and checks what a reviewer writes."""

    approvals: Approvals
    rules: ApprovalRules
    compliance: ComplianceRules

    async def decide(
        self,
        approval_id: str,
        caller: Caller,
        action: ApprovalAction,
        *,
        reason: str | None,
        message: str | None,
    ) -> HeldMessage:
        """Approve, edit or reject; `message` is the edited text and comes with `edit` only.

        Errors: NotFoundError, AlreadyDecidedError, UnsoundEditError, PartUnavailableError.
        """
        held = await self.approvals.get(caller.tenant, approval_id)
        if held.decision is not None:
            raise already_decided(held)
        check = None if message is None else await self._check(held, message)
        decision = ApprovalDecision(
            approval_id=approval_id,
            action=action,
            decided_at=datetime.now(UTC),
            key_id=caller.key_id,
            reason=reason,
            message=message,
            verdicts=[item.model_dump(mode="json") for item in check.verdicts] if check else [],
            violations=[item.model_dump(mode="json") for item in check.violations] if check else [],
        )
        return await self.approvals.decide(caller.tenant, decision)

    async def _check(self, held: HeldMessage, message: str) -> EditCheck:
        approval = held.approval
        # In a thread: a long text takes a while, and this loop answers everybody.
        check = await asyncio.to_thread(
            check_edit,
            message,
            [Passage.model_validate(item) for item in approval.passages],
            Lead.model_validate(approval.lead),
            Situation(approval.situation),
            self.compliance,
        )
        if not check.is_sound and self.rules.unsound_edits == "refuse":
            raise UnsoundEditError(check)
        return check
