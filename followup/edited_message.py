"""Checks the text that a reviewer wrote as a message of the pipeline is checked."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from followup.compliance import check_rules
from followup.errors import FollowupError
from followup.grounding import Verdict, check_claims
from followup.lead import Lead
from followup.passage import Passage
from followup.rules import ComplianceRules, RuleViolation
from followup.situation import Situation
from followup.validation import known_text


class EditCheck(BaseModel):
    """What is said against an edited text, and what supports it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: tuple[Verdict, ...] = Field(description="Its claims, in reading order.")
    violations: tuple[RuleViolation, ...] = Field(description="The rules that it breaks.")

    @property
    def is_sound(self) -> bool:
        """Whether every claim is supported and every rule kept."""
        return not self.violations and all(verdict.supported for verdict in self.verdicts)


class UnsoundEditError(FollowupError):
    """An edited text claims what its sources do not support, or breaks a rule."""

    code = "unsound_edit"

    def __init__(self, check: EditCheck) -> None:
        unsupported = [f"'{item.claim}'" for item in check.verdicts if not item.supported]
        broken = [f"{item.rule.value} ({item.detail})" for item in check.violations]
        reasons = [
            *([f"no source supports {', '.join(unsupported)}"] if unsupported else []),
            *([f"it breaks {', '.join(broken)}"] if broken else []),
        ]
        message = f"The edited text is refused: {'; '.join(reasons)}. Change it and send it again."
        super().__init__(message, field="message")
        self.check = check

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the check when the error crosses a process boundary."""
        return (UnsoundEditError, (self.check,))


def check_edit(
    message: str,
    passages: Sequence[Passage],
    lead: Lead,
    situation: Situation,
    rules: ComplianceRules,
) -> EditCheck:
    """Hold an edited text against the passages that the original was written from."""
    return EditCheck(
        verdicts=tuple(check_claims(message, passages, known_text(lead, situation, rules))),
        violations=tuple(check_rules(message, lead, situation, rules)),
    )
