"""The validator: repairs, checks and scores each candidate; returns the best or a safe reply.

It fails closed: a message leaves only when after repair each of its claims is supported and each
rule is kept; otherwise the conservative reply of the situation does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from followup.compliance import check_rules
from followup.conservative import conservative_reply
from followup.fixes import apply_fixes
from followup.fusion import (
    Candidate,
    CandidateScore,
    Quality,
    Repair,
    best_candidate,
    fluency,
    fused_score,
)
from followup.grounding import Verdict, check_claims, supported_share
from followup.lead import Lead
from followup.opening import offer_of, opening_of
from followup.passage import Passage
from followup.personalization import personalization_score
from followup.prompts import Fault
from followup.repair import Draft, Repaired, repair_text
from followup.rules import ComplianceRules, RuleViolation
from followup.sentences import join_units, split_sentences, split_units
from followup.situation import Situation
from followup.statements import PLAIN, StatementChecker
from followup.tone import tone_score

SENTENCE_ENDS = (".", "!", "?")
NO_SOUND_CANDIDATE = "no_sound_candidate"


class ValidationTask(BaseModel):
    """Candidates of one message and what to hold them against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead: Lead
    situation: Situation
    passages: tuple[Passage, ...]
    candidates: tuple[Candidate, ...]
    fusion_weight: float = Field(ge=0, le=1)
    require_grounding: bool = True
    likeness: dict[str, float] = Field(
        default={}, description="Cosine of quotable sentences with what the lead asked."
    )


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
    faults: tuple[Fault, ...] = Field(
        default=(), description="What kept the candidates from being sent, when none could be."
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    message: str
    verdicts: tuple[Verdict, ...]
    score: CandidateScore
    faults: tuple[Fault, ...]


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


def known_text(lead: Lead, situation: Situation, rules: ComplianceRules) -> str:
    """The request's text, and what repair and fixes may add in the company's own words.

    Those need no other source. Raises LeadOptedOutError for a lead that asked not to be contacted.
    """
    return _known(request_text(lead), rules, _added(lead, situation, rules))


@dataclass(frozen=True, slots=True)
class _Added:
    """What repair may add in the company's own words."""

    opening: Sequence[str]
    offer: str


def _added(lead: Lead, situation: Situation, rules: ComplianceRules) -> _Added:
    return _Added(opening_of(lead, situation, rules), offer_of(lead, situation, rules))


def _known(request: str, rules: ComplianceRules, added: _Added) -> str:
    own = (rules.close, *added.opening, added.offer)
    return "\n".join([request, *filter(None, own)])


def validate(
    task: ValidationTask, rules: ComplianceRules, statements: StatementChecker = PLAIN
) -> Validated:
    """The best sound candidate, or the conservative reply with the reason for it."""
    checked = [_check(candidate, task, rules, statements) for candidate in task.candidates]
    scores = tuple(item.score for item in checked)
    best = best_candidate(scores)
    if best is None:
        fallen = fall_back(task, rules, NO_SOUND_CANDIDATE if scores else "no_documents", scores)
        faults = tuple(fault for item in checked for fault in item.faults)
        return fallen.model_copy(update={"faults": faults})
    winner = checked[best]
    return Validated(
        message=winner.message,
        fallback_reason=None,
        verdicts=winner.verdicts,
        supported_share=supported_share(winner.verdicts),
        quality=winner.score.quality,
        personalization=winner.score.quality_parts.personalization,
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


def _check(
    candidate: Candidate,
    task: ValidationTask,
    rules: ComplianceRules,
    statements: StatementChecker,
) -> _Checked:
    request = request_text(task.lead)
    added = _added(task.lead, task.situation, rules)
    known = _known(request, rules, added)
    written = _without_torso(candidate.text) if candidate.truncated else candidate.text
    as_written = check_claims(written, task.passages, known, statements)
    repaired = _repaired(written, as_written, task, request, added)
    message = apply_fixes(repaired.text, task.lead, task.situation, rules)
    # What repair and fixes left alone has been checked already.
    is_same = message == written
    verdicts = tuple(
        as_written if is_same else check_claims(message, task.passages, known, statements)
    )
    broken = check_rules(written, task.lead, task.situation, rules)
    violations = broken if is_same else check_rules(message, task.lead, task.situation, rules)
    quality = Quality(
        # Of the text as written, as its tone and fluency: repair makes all messages alike there.
        rules_kept=1 - len({item.rule for item in broken}) / rules.num_rules,
        personalization=personalization_score(message, task.lead),
        tone=tone_score(written, task.lead.tone_required, rules.tones),
        fluency=fluency(candidate.mean_log_prob),
    )
    is_grounded = not task.require_grounding or all(item.supported for item in verdicts)
    grounding = supported_share(as_written)
    score = CandidateScore(
        name=candidate.name,
        score=fused_score(grounding, quality.mean, task.fusion_weight),
        grounding=grounding,
        quality=quality.mean,
        quality_parts=quality,
        repair=repaired.repair,
        sound=is_grounded and not violations,
    )
    faults = _faults(written, as_written, violations)
    return _Checked(message=message, verdicts=verdicts, score=score, faults=faults)


def _repaired(
    text: str, verdicts: Sequence[Verdict], task: ValidationTask, request: str, added: _Added
) -> Repaired:
    if not task.require_grounding:
        return Repaired(text, Repair.NONE)
    draft = Draft(
        text=text,
        verdicts=verdicts,
        passages=task.passages,
        lead=task.lead,
        situation=task.situation,
        request=request,
        opening=added.opening,
        offer=added.offer,
        likeness=task.likeness,
    )
    return repair_text(draft)


def _faults(
    written: str, verdicts: Sequence[Verdict], violations: Sequence[RuleViolation]
) -> tuple[Fault, ...]:
    """Unsupported claims with the sentences they stand in, and the rules that stayed broken."""
    sentences = split_sentences(written)
    unsupported = [
        Fault(text=sentences[item.sentence_index], reason=item.reason)
        for item in verdicts
        if not item.supported
    ]
    broken = [Fault(text=item.detail, reason=f"breaks the rule {item.rule}") for item in violations]
    return (*unsupported, *broken)


def _without_torso(text: str) -> str:
    """Without the last sentence that the token limit cut off."""
    units = split_units(text)
    if units and not units[-1].text.endswith(SENTENCE_ENDS):
        units = units[:-1]
    return join_units(units)
