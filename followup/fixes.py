"""Mends what can be mended in a message without a word of new content."""

import re
from collections.abc import Sequence
from dataclasses import replace

from followup.lead import Lead
from followup.message import (
    PLACEHOLDER,
    greeting_name,
    has_phrase,
    is_question,
    name_pattern,
    num_name_uses,
    num_words,
    repeated,
)
from followup.rules import ComplianceRules
from followup.sentences import Unit, join_units, keep_units, split_units
from followup.situation import Situation

_MAX_GREETING_WORDS = 2  # "Hi", "Good morning"


def apply_fixes(message: str, lead: Lead, situation: Situation, rules: ComplianceRules) -> str:
    """The message with each safe fix made; applying them again changes nothing.

    Sentences with a forbidden phrase or a placeholder go, so do repetitions and all questions after
    those allowed. A wrong or absent greeting becomes "Hi NAME,", the name stands there alone, a
    low-pressure close is added where there is none, and sentences before the close are dropped from
    the last one on until the words are within the limit. "" stays "".
    """
    units = split_units(message)
    if not units:
        return ""
    units = _without_forbidden(units, rules.forbidden_in(situation))
    units = _greeted(units, lead)
    units = [units[0], *_without_name(units[1:], lead)]
    units = _only(units, set(range(len(units))) - set(repeated(units)))
    units = _with_few_questions(units, rules.max_questions)
    units = _closed(units, rules)
    return join_units(_trimmed(units, rules))


def _only(units: Sequence[Unit], kept: set[int]) -> list[Unit]:
    return keep_units(units, sorted(kept))


def _without_forbidden(units: Sequence[Unit], phrases: Sequence[str]) -> list[Unit]:
    bad = {
        index
        for index, unit in enumerate(units)
        if PLACEHOLDER.search(unit.text) or has_phrase(unit.text, phrases)
    }
    return _only(units, set(range(len(units))) - bad)


def _with_few_questions(units: Sequence[Unit], max_questions: int) -> list[Unit]:
    questions = [index for index, unit in enumerate(units) if is_question(unit)]
    return _only(units, set(range(len(units))) - set(questions[max_questions:]))


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
    """Whether a greeting holds one or two greeting words and the name, and nothing else."""
    rest = re.findall(r"\w+", name.sub("", greeting.text))
    return 1 <= len(rest) <= _MAX_GREETING_WORDS


def _without_name(units: Sequence[Unit], lead: Lead) -> list[Unit]:
    """The units without the lead's name: as an address it is cut, as an owner it becomes "your"."""
    pattern = name_pattern(lead)
    if pattern is None:
        return list(units)
    name = pattern.pattern
    kept: set[int] = set()
    changed = []
    for index, unit in enumerate(units):
        text = re.sub(rf"^{name},\s*", "", unit.text)
        text = re.sub(rf",\s*{name}(?=\s*[.!?,;]|$)", "", text)
        text = re.sub(rf"{name}['’]s(?!\w)", "your", text)  # noqa: RUF001 - as people type
        if text != unit.text and unit.text[0].isupper():
            text = text[:1].upper() + text[1:]
        changed.append(replace(unit, text=text))
        if text.strip(" .,!-") and not num_name_uses([replace(unit, text=text)], pattern):
            kept.add(index)
    return _only(changed, kept)


def _closed(units: Sequence[Unit], rules: ComplianceRules) -> list[Unit]:
    """The units with a low-pressure close, put before the sign-off where one has to be added."""
    if any(has_phrase(unit.text, rules.close_markers) for unit in units[1:]):
        return list(units)
    end = next((i for i, unit in enumerate(units) if i and unit.is_sign_off), len(units))
    closes = [Unit(unit.text, unit.gap or "\n\n") for unit in split_units(rules.close)]
    return [*units[:end], *closes, *units[end:]]


def _trimmed(units: Sequence[Unit], rules: ComplianceRules) -> list[Unit]:
    """The units within the word limit; greeting, close and sign-off stay."""
    kept = list(units)
    while num_words(kept) > rules.max_words:
        body = [
            index
            for index, unit in enumerate(kept)
            if index and not unit.is_sign_off and not has_phrase(unit.text, rules.close_markers)
        ]
        if not body:
            break
        kept = _only(kept, set(range(len(kept))) - {body[-1]})
    return kept
