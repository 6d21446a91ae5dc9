"""Mends what can be mended in a message without a word of new content."""

import re
from collections.abc import Sequence
from dataclasses import replace

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
from followup.questions import first_questions, num_questions
from followup.rules import ComplianceRules
from followup.sentences import Unit, join_units, keep_units, split_units
from followup.situation import Situation
from followup.unfit import disparaging_sentences, unfit_sentences

_BARE_GREETING = re.compile(
    r"\W*(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day))\W*", re.IGNORECASE
)
# Openings that lean on the sentence before.
_LEANS = re.compile(
    r"(?:if (?:so|not|yes)|in that case|otherwise|this|that|these|those|such|either way|then|"
    r"it(?:['\u2019]s)?|they|and|but|or|also|which)\b(?! (?:is|be|makes) (?:why|fine|okay|ok)\b)",
    re.IGNORECASE,
)
_THIRD_PERSON = re.compile(r"\b(?:he|she|his|hers?|him|they|their|them)\b", re.IGNORECASE)
# What a lead owns in a letter: before these "Sarah's" means "your". "Sarah's happy" means "is".
_OWNED = (
    "(?:current |existing |own |main |recent |last |busy |growing )?(?:team|teams|company|business|"
    "account|question|questions|concern|concerns|interest|needs|need|request|time|feedback|data|"
    "invoices|billing|process|processes|plan|plans|goals|goal|situation|industry|staff|message|"
    "email|history|finance|sales|department|organisation|organization|budget|customers|clients|"
    "colleagues|office|workflow|workload|priorities|project|projects|trial|demo|inquiry|enquiry)"
)


def apply_fixes(message: str, lead: Lead, situation: Situation, rules: ComplianceRules) -> str:
    """The message with each safe fix made; applying them again changes nothing.

    Sentences with a forbidden phrase, a placeholder or a table's row go, so do those that do not
    fit the situation or speak ill of a competitor, repetitions, and all questions after those
    allowed; a sentence that only makes sense after a dropped one ("If so, ...") goes with it. A
    wrong or absent greeting becomes "Hi NAME,", the name stands there alone, a low-pressure close
    is added where there is none, and sentences before the close are dropped from the last one on
    until the words are within the limit. "" stays "".
    """
    units = split_units(message)
    if not units:
        return ""
    units = _without_forbidden(units, lead, situation, rules)
    units = _greeted(units, lead)
    units = [units[0], *_without_name(units[1:], lead)]
    units = _only(units, set(range(len(units))) - set(repeated(units)))
    units = _with_few_questions(units, rules.max_questions_in(situation))
    units = _closed(units, rules)
    return join_units(_trimmed(units, rules.max_words_in(situation), rules))


def _only(units: Sequence[Unit], kept: set[int]) -> list[Unit]:
    return keep_units(units, sorted(kept))


def _without(units: Sequence[Unit], dropped: set[int]) -> list[Unit]:
    """The units but the dropped ones, and but those that lean on a dropped one."""
    gone: set[int] = set()
    for index, unit in enumerate(units):
        leans = index - 1 in gone and _LEANS.match(unit.text) is not None
        if index in dropped or leans:
            gone.add(index)
    return _only(units, set(range(len(units))) - gone)


def _without_forbidden(
    units: Sequence[Unit], lead: Lead, situation: Situation, rules: ComplianceRules
) -> list[Unit]:
    bad = {
        index
        for index, unit in enumerate(units)
        if PLACEHOLDER.search(unit.text)
        or TABLE_ROW.search(unit.text)
        or has_phrase(unit.text, rules.forbidden_anywhere)
    }
    bad |= unfit_sentences(units, situation, rules).keys()
    bad |= disparaging_sentences(units, lead, situation, rules).keys()
    return _without(units, bad)


def _with_few_questions(units: Sequence[Unit], max_questions: int) -> list[Unit]:
    """The units with the first questions only; a sentence of two is cut behind the allowed one."""
    left = max_questions
    kept, dropped = list(units), set()
    for index, unit in enumerate(units):
        asked = num_questions(unit)
        if asked and not left:
            dropped.add(index)
        elif asked > left:
            kept[index] = first_questions(unit, left)
        left = max(0, left - asked)
    return _without(kept, dropped)


def _greeted(units: Sequence[Unit], lead: Lead) -> list[Unit]:
    """The units behind one right greeting: the message's own, or "Hi NAME,"."""
    pattern = name_pattern(lead)
    body = [unit for unit in units if not unit.is_greeting]
    own = units[0] if units and units[0].is_greeting else None
    if own and pattern and len(pattern.findall(own.text)) == 1 and _only_greets(own, pattern):
        greeting = replace(own, gap="")
    else:
        greeting = Unit(f"Hi {greeting_name(lead) or 'there'},", "")
    if body:
        body[0] = replace(body[0], gap=body[0].gap if "\n" in body[0].gap else "\n\n")
    return [greeting, *body]


def _only_greets(greeting: Unit, name: re.Pattern[str]) -> bool:
    """Whether a greeting holds one greeting word or two and the name, and nothing else."""
    return _BARE_GREETING.fullmatch(name.sub("", greeting.text)) is not None


def _without_name(units: Sequence[Unit], lead: Lead) -> list[Unit]:
    """The units without the lead's name.

    As an address it is cut out, as an owner before a plain noun it becomes "your". Where neither
    leaves a right sentence ("Sarah's happy", "Sarah and her team"), the sentence goes.
    """
    pattern = name_pattern(lead)
    if pattern is None:
        return list(units)
    changed = [_unnamed(unit, pattern) for unit in units]
    dropped = {
        index
        for index, unit in enumerate(changed)
        if not any(map(str.isalnum, unit.text)) or num_name_uses([unit], pattern)
    }
    return _without(changed, dropped)


def _unnamed(unit: Unit, pattern: re.Pattern[str]) -> Unit:
    if not pattern.search(unit.text):
        return unit  # the patterns below are new for each name, and dear to compile
    name = f"(?:{pattern.pattern})"
    text = re.sub(rf"^{name}\s*(?:,|[-\u2013\u2014:!]+)\s*", "", unit.text)
    # "Thank you, Sarah, for ..." needs no comma any more, "However, Sarah, we ..." keeps one.
    text = re.sub(rf",\s*{name}\s*,(?=\s+(?:for|and|to|that|so|about|but)\b)", "", text)
    text = re.sub(rf",\s*{name}(?=\s*[.!?,;:)]|$)", "", text)
    if _THIRD_PERSON.search(text) is None:
        text = re.sub(rf"{name}['\u2019]s(?=\s+(?:{_OWNED})\b)", "your", text)
    if text != unit.text and unit.text[0].isupper():
        text = text[:1].upper() + text[1:]
    if text != unit.text and unit.is_sign_off and text[-1:].isalpha():
        text += ","
    return replace(unit, text=text)


def _closed(units: Sequence[Unit], rules: ComplianceRules) -> list[Unit]:
    """The units with a low-pressure close, put before the sign-off where one has to be added."""
    if any(has_phrase(unit.text, rules.close_markers) for unit in units[1:]):
        return list(units)
    end = next((i for i, unit in enumerate(units) if i and unit.is_sign_off), len(units))
    closes = [Unit(unit.text, unit.gap or "\n\n") for unit in split_units(rules.close)]
    return [*units[:end], *closes, *units[end:]]


def _trimmed(units: Sequence[Unit], max_words: int, rules: ComplianceRules) -> list[Unit]:
    """The units within the word limit; greeting, close and sign-off stay."""
    kept = list(units)
    while num_words(kept) > max_words:
        body = [
            index
            for index, unit in enumerate(kept)
            if index and not unit.is_sign_off and not has_phrase(unit.text, rules.close_markers)
        ]
        if not body:
            break
        kept = _only(kept, set(range(len(kept))) - {body[-1]})
    return kept
