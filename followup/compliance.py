"""Message rules: check a message, mend what is safe to mend, and write the conservative reply."""

from collections.abc import Iterator, Sequence

from followup.conservative import conservative_reply
from followup.fixes import apply_fixes
from followup.lead import Lead
from followup.message import (
    PLACEHOLDER,
    TABLE_ROW,
    greeting_name,
    name_pattern,
    num_name_uses,
    num_words,
    repeated,
)
from followup.phrases import has_phrase
from followup.questions import num_questions
from followup.rules import ComplianceRules, Rule, RuleViolation
from followup.sentences import Unit, split_units
from followup.situation import Situation
from followup.unfit import disparaging_sentences, unfit_sentences

__all__ = [
    "ComplianceRules",
    "Rule",
    "RuleViolation",
    "apply_fixes",
    "check_rules",
    "conservative_reply",
    "greeting_name",
]


def check_rules(
    message: str, lead: Lead, situation: Situation, rules: ComplianceRules
) -> list[RuleViolation]:
    """Every rule that the message breaks; empty for a message that may leave."""
    units = split_units(message)
    if not any(_is_body(unit, rules) for unit in units):
        return [RuleViolation(rule=Rule.NOT_EMPTY, detail="nothing but a greeting and a close")]
    return [
        *_situation_violations(units, lead, situation, rules),
        *_length_violations(units, situation, rules),
        *_shape_violations(units, lead, rules),
        *_phrase_violations(units, rules),
        *(
            RuleViolation(rule=Rule.REPETITION, detail=units[index].text, sentence_index=index)
            for index in repeated(units)
        ),
    ]


def _is_body(unit: Unit, rules: ComplianceRules) -> bool:
    """Whether a unit says something: no greeting, no sign-off, no close."""
    outer = unit.is_greeting or unit.is_sign_off or has_phrase(unit.text, rules.close_markers)
    return not outer and any(map(str.isalnum, unit.text))


def _situation_violations(
    units: Sequence[Unit], lead: Lead, situation: Situation, rules: ComplianceRules
) -> Iterator[RuleViolation]:
    if situation is Situation.OPTED_OUT:
        yield RuleViolation(rule=Rule.SITUATION, detail="the lead opted out: no message at all")
    for index, detail in unfit_sentences(units, situation, rules).items():
        yield RuleViolation(rule=Rule.SITUATION, detail=detail, sentence_index=index)
    for index, words in disparaging_sentences(units, lead, situation, rules).items():
        detail = f"'{words}' speaks ill of a competitor"
        yield RuleViolation(rule=Rule.DISPARAGEMENT, detail=detail, sentence_index=index)


def _length_violations(
    units: Sequence[Unit], situation: Situation, rules: ComplianceRules
) -> Iterator[RuleViolation]:
    words, max_words = num_words(units), rules.max_words_in(situation)
    if words > max_words:
        yield RuleViolation(rule=Rule.MAX_WORDS, detail=f"{words} words, at most {max_words}")
    questions, max_questions = sum(map(num_questions, units)), rules.max_questions_in(situation)
    if questions > max_questions:
        detail = f"{questions} questions, at most {max_questions}"
        yield RuleViolation(rule=Rule.MAX_QUESTIONS, detail=detail)


def _shape_violations(
    units: Sequence[Unit], lead: Lead, rules: ComplianceRules
) -> Iterator[RuleViolation]:
    pattern = name_pattern(lead)
    if pattern:
        uses = num_name_uses(units, pattern)
        if not 1 <= uses <= rules.max_name_uses:
            detail = f"the lead's name stands {uses} times, allowed is 1 to {rules.max_name_uses}"
            yield RuleViolation(rule=Rule.NAME_ONCE, detail=detail)
    if not units[0].is_greeting:
        yield RuleViolation(rule=Rule.GREETING, detail="the message does not begin with a greeting")
    if not any(has_phrase(unit.text, rules.close_markers) for unit in units[1:]):
        yield RuleViolation(rule=Rule.CLOSE, detail="the message has no low-pressure close")


def _phrase_violations(units: Sequence[Unit], rules: ComplianceRules) -> Iterator[RuleViolation]:
    for index, unit in enumerate(units):
        # Most sentences hold none of any group.
        is_clean = not has_phrase(unit.text, rules.forbidden_anywhere)
        groups = {} if is_clean else rules.forbidden_phrases
        for group, phrases in groups.items():
            phrase = has_phrase(unit.text, phrases)
            if phrase:
                yield RuleViolation(
                    rule=Rule.FORBIDDEN_PHRASE, detail=f"{group}: '{phrase}'", sentence_index=index
                )
        match = PLACEHOLDER.search(unit.text)
        if match:
            yield RuleViolation(rule=Rule.PLACEHOLDER, detail=match.group(), sentence_index=index)
        match = TABLE_ROW.search(unit.text)
        if match:
            yield RuleViolation(rule=Rule.TABLE_ROW, detail=match.group(), sentence_index=index)
