"""What the rules look at in a message: the name, the words, placeholders, repetitions."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from followup.claims import ClaimKind, extract_claims
from followup.lead import Lead
from followup.sentences import Unit
from followup.vocabulary import STOP_WORDS, is_common

PLACEHOLDER = re.compile(
    r"\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{[A-Za-z_][\w. ]*\}|"
    r"\[[^\[\]\n]{0,80}[A-Za-z][^\[\]\n]{0,80}\](?!\()|"
    r"<[A-Za-z_][\w /.-]*>|<<.{0,80}?>>|\$\{.{0,80}?\}|%\w+%|_{3,}|\b(?:XX+|TBD|lorem ipsum)\b",
    re.IGNORECASE,
)
TABLE_ROW = re.compile(r"(?:^|[;.]\s|\d\s)[^;:.!?\n]{2,40}:\s[^;:\n]{1,60};\s[^;:.!?\n]{2,40}:\s")
"""A row of a table as the documents' text has it: "Plan: Growth; Price: $299; ..."."""
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")  # noqa: RUF001 - as people type
_MAX_NAME_CHARACTERS = 30
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam"})
_TITLE_WORDS = "|".join(title.capitalize() for title in sorted(_TITLES))
_TALK = frozenset({"hi", "hello", "hey", "dear", "greetings", "i", "a"})
_PARTING = re.compile("[\u2013\u2014\u2026\u200b]|\\.{3}|--|/")
_COUNTED_WORD = re.compile(r"\S*\w\S*")
_MIN_REPEAT_WORDS = 4
_MAX_DIFFERENT_SHARE = 0.2


def greeting_name(lead: Lead) -> str:
    """The first name a greeting can use; "" where the lead's name holds no plain word.

    Titles are left out, and so is anything with digits, signs or links in it.
    """
    for word in lead.lead_name.split():
        bare = word.strip(",;")
        if bare.lower().rstrip(".") in _TITLES:
            continue
        states_more = any(
            claim.kind is not ClaimKind.NAME for claim in extract_claims(f"Hi {bare},")
        )
        is_name = is_plain_name(bare) and not states_more and not _is_no_name(bare)
        return bare.rstrip(".") if is_name else ""
    return ""


def num_name_uses(units: Sequence[Unit], name: re.Pattern[str]) -> int:
    """How often the name stands. "Will it help?" does not name a lead."""
    return sum(
        not _is_opening_word(unit, match) for unit in units for match in name.finditer(unit.text)
    )


def _is_opening_word(unit: Unit, match: re.Match[str]) -> bool:
    after = unit.text[match.end() : match.end() + 1]
    is_opening = match.start() == 0 and not unit.is_greeting and after == " "
    return is_opening and is_common(match.group().lower())


def _is_no_name(word: str) -> bool:
    """Whether a word would be mistaken for talk wherever it stands: "hi", "a", "I"."""
    return word.lower() in _TALK or (word.islower() and word in STOP_WORDS)


def is_plain_name(word: str) -> bool:
    """Whether a word of a name is letters only, apostrophes and hyphens aside, and not too long."""
    return _PLAIN_WORD.fullmatch(word) is not None and len(word) <= _MAX_NAME_CHARACTERS


def name_pattern(lead: Lead) -> re.Pattern[str] | None:
    """Finds the lead's name: first, full, last with or without title; None where there is none."""
    name = greeting_name(lead)
    if not name:
        return None
    first = f"(?:{re.escape(name)}|{re.escape(name.upper())})"
    rest = lead.lead_name.split(name, 1)[1].strip()
    full = rf"(?:\s+{re.escape(rest)}(?!\w))?" if rest else ""
    last = rest.split()[-1] if rest else ""
    names = rf"{first}(?!\w){full}"
    if is_plain_name(last) and not is_common(last.lower()):
        names += rf"|{re.escape(last)}(?!\w)"
    return re.compile(rf"(?<!\w)(?:(?:{_TITLE_WORDS})\.?\s+)?(?:{names})")


def num_words(units: Sequence[Unit]) -> int:
    """Words as a person counts them, or runs between spaces where those are more.

    A dash without spaces parts two words: "fast\u2014and cheap" is three.
    """
    return sum(_num_words_of(unit.text) for unit in units)


# A message that is too long is counted again without each sentence that may go.
@lru_cache(maxsize=4_096)
def _num_words_of(text: str) -> int:
    return max(len(text.split()), len(_COUNTED_WORD.findall(_PARTING.sub(" ", text))))


def repeated(units: Sequence[Unit]) -> list[int]:
    """Indices of units that say again what an earlier one said.

    Equal words count, and so do sentences that differ in at most a fifth of their words, when no
    figure and no capitalised word is among the difference: those may tell two plans apart.
    """
    seen: list[_Said] = []
    again = []
    for index, unit in enumerate(units):
        said = _said(unit.text)
        if any(_is_repeat(said, earlier) for earlier in seen):
            again.append(index)
        elif said.words:
            seen.append(said)
    return again


class _Said(NamedTuple):
    """The words of a unit: as written, in lower case, and the different ones of these."""

    words: list[str]
    lowered: list[str]
    distinct: frozenset[str]


# Looked at in the draft, when it is mended and in the message sent.
@lru_cache(maxsize=4_096)
def _said(text: str) -> _Said:
    words = re.findall(r"\w+", text)
    lowered = [word.lower() for word in words]
    return _Said(words, lowered, frozenset(lowered))


def _is_repeat(said: _Said, earlier: _Said) -> bool:
    if said.lowered == earlier.lowered:
        return True
    if len(said.lowered) < _MIN_REPEAT_WORDS or len(earlier.lowered) < _MIN_REPEAT_WORDS:
        return False
    num_both = len(said.distinct) + len(earlier.distinct)
    num_shared = len(said.distinct & earlier.distinct)
    if num_both - 2 * num_shared > _MAX_DIFFERENT_SHARE * (num_both - num_shared):
        return False
    telling = (set(said.words) ^ set(earlier.words)) - {said.words[0]}
    return not any(word[0].isupper() or any(map(str.isdigit, word)) for word in telling)
