"""The validator: repairs, checks and scores each candidate; returns the best or a safe reply.

It fails closed: a message leaves only when after repair each of its claims is supported and each
rule is kept; otherwise the conservative reply of the situation does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from followup.compliance import check_rules
from followup.conservative import conservative_reply
from followup.evidence import has_substance, write_from_evidence
from followup.fixes import apply_fixes
from followup.fusion import Candidate, CandidateScore, best_candidate, fused_score, quality_score
from followup.grounding import Verdict, check_claims, drop_unsupported, supported_share
from followup.lead import Lead
from followup.passage import Passage
from followup.personalization import personalization_score
from followup.rules import ComplianceRules
from followup.sentences import join_units, split_units
from followup.situation import Situation
from followup.statements import drop_unsupported_statements

SENTENCE_ENDS = (".", "!", "?")


class ValidationTask(BaseModel):
    """Candidates of one message and what to hold them against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead: Lead
    situation: Situation
    passages: tuple[Passage, ...]
    candidates: tuple[Candidate, ...]
    fusion_weight: float = Field(ge=0, le=1)
    require_grounding: bool = True


class Validated(BaseModel):
    """The message to send, and why it is this one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    fallback_reason: str | None = Field(description="None unless the conservative reply was taken.")
    verdicts: tuple[Verdict, ...] = Field(description="The claims of the message as sent.")
    supported_share: float = Field(description="Share of those claims that are supported, 0-1.")
    quality: float = Field(description="Quality of the chosen candidate; 0 for a fallback.")
    personalization: float
    scores: tuple[CandidateScore, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    message: str
    verdicts: tuple[Verdict, ...]
    score: CandidateScore


def request_text(lead: Lead) -> str:
    """What the request itself states, one fact a line: a message may repeat it."""
    facts = [
        lead.lead_name,
        lead.product_name,
        lead.company_name,
        lead.product_category,
        lead.lead_industry,
        lead.geographic_region,
        lead.interaction_history,
        *lead.objections_raised,
    ]
    if lead.days_since_contact is not None:
        facts.append(f"The last contact was {lead.days_since_contact} days ago.")
    return "\n".join(fact for fact in facts if fact)


def validate(task: ValidationTask, rules: ComplianceRules) -> Validated:
    """The best sound candidate, or the conservative reply with the reason for it."""
    checked = [_check(candidate, task, rules) for candidate in task.candidates]
    scores = tuple(item.score for item in checked)
    best = best_candidate(scores)
    if best is None:
        reason = "no_sound_candidate" if scores else "no_documents"
        return fall_back(task, rules, reason, scores)
    winner = checked[best]
    return Validated(
        message=winner.message,
        fallback_reason=None,
        verdicts=winner.verdicts,
        supported_share=supported_share(winner.verdicts),
        quality=winner.score.quality,
        personalization=personalization_score(winner.message, task.lead),
        scores=scores,
    )


def fall_back(
    task: ValidationTask,
    rules: ComplianceRules,
    reason: str,
    scores: tuple[CandidateScore, ...] = (),
) -> Validated:
    """The conservative reply of the situation: no figures, an offer to connect with a person."""
    message = conservative_reply(task.lead, task.situation, rules)
    known = request_text(task.lead)
    verdicts = tuple(check_claims(message, task.passages, known, statements=None))
    return Validated(
        message=message,
        fallback_reason=reason,
        verdicts=verdicts,
        supported_share=supported_share(verdicts),
        quality=0,
        personalization=personalization_score(message, task.lead),
        scores=scores,
    )


def _check(candidate: Candidate, task: ValidationTask, rules: ComplianceRules) -> _Checked:
    # The close that apply_fixes adds is the company's own.
    known = f"{request_text(task.lead)}\n{rules.close}"
    written = _without_torso(candidate.text) if candidate.truncated else candidate.text
    as_written = check_claims(written, task.passages, known)
    message = _repair(written, as_written, task) if task.require_grounding else written
    message = apply_fixes(message, task.lead, task.situation, rules)
    verdicts = tuple(check_claims(message, task.passages, known))
    rules_kept = _share_of_rules_kept(message, task, rules)
    quality = quality_score(
        rules_kept=rules_kept,
        personalization=personalization_score(message, task.lead),
        mean_log_prob=candidate.mean_log_prob,
    )
    grounding = supported_share(as_written)
    is_grounded = not task.require_grounding or all(item.supported for item in verdicts)
    score = CandidateScore(
        name=candidate.name,
        score=fused_score(grounding, quality, task.fusion_weight),
        grounding=grounding,
        quality=quality,
        sound=is_grounded and rules_kept == 1,
    )
    return _Checked(message=message, verdicts=verdicts, score=score)


def _repair(text: str, verdicts: Sequence[Verdict], task: ValidationTask) -> str:
    """Drop what the sources do not support; where nothing of substance is left, quote them."""
    kept = drop_unsupported(text, verdicts).text
    kept = drop_unsupported_statements(kept, task.passages, request_text(task.lead))
    if task.situation is Situation.NOT_INTERESTED or has_substance(kept, task.passages, task.lead):
        return kept
    return write_from_evidence(kept, task.passages, task.lead)


def _share_of_rules_kept(message: str, task: ValidationTask, rules: ComplianceRules) -> float:
    violated = {item.rule for item in check_rules(message, task.lead, task.situation, rules)}
    return 1 - len(violated) / rules.num_rules


def _without_torso(text: str) -> str:
    """Without the last sentence that the token limit cut off."""
    units = split_units(text)
    if units and not units[-1].text.endswith(SENTENCE_ENDS):
        units = units[:-1]
    return join_units(units)
