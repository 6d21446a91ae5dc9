"""Finds phrases in a text however they are typed: case, spacing, marks, look-alike letters.

A phrase is written in plain words. `*` at the end of a word stands for any ending, and `...`
between two words for up to three others: "just ... check* in".
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from followup.lookalikes import latin_lookalikes
from followup.tokens import fold

_PHRASE_WORD = re.compile(r"\w+\*?|\.\.\.")
_GAP = r"(?:(?:[^\w.!?]|\.(?=\S))+\w+){0,3}?"
# Words of a phrase may be parted by any mark or space that does not end a sentence.
_BETWEEN = r"(?:[^\w.!?]|\.(?=\S))+"
_SPACED_LETTERS = re.compile(r"(?<!\w)(?:\w[ .*-]){2,}\w(?!\w)")
_MIN_LETTERS = 5


def has_phrase(text: str, phrases: Sequence[str]) -> str:
    """The first of the phrases that stands in the text as whole words, or "".

    Case, accents, full-width and look-alike letters, spacing, hyphens, underscores, letters set
    apart ("a c t now") and invisible characters make no difference.
    """
    return _first_of(text, tuple(phrases))


# The rules are held against a draft, against each fix of it and against the message sent.
@lru_cache(maxsize=8_192)
def _first_of(text: str, phrases: tuple[str, ...]) -> str:
    pattern = _phrase_pattern(phrases)
    if pattern is None:
        return ""
    for variant in _variants(text):
        match = pattern.search(variant)
        if match:
            return match.group()
    return ""


@lru_cache(maxsize=1_024)
def _variants(text: str) -> tuple[str, ...]:
    """The text in one form, with invisible characters left out and with them as spaces."""
    plain = _plain(text)
    found = [plain]
    if not text.isascii():
        found.append(_plain("".join(" " if unicodedata.category(c) == "Cf" else c for c in text)))
    if sum(map(len, _SPACED_LETTERS.findall(plain))) >= _MIN_LETTERS:
        found.append(_SPACED_LETTERS.sub(_joined, plain))
    return tuple(dict.fromkeys(found))


def _plain(text: str) -> str:
    folded = latin_lookalikes(fold(text)).casefold().replace("_", " ")
    if folded.isascii():
        return folded
    parts = unicodedata.normalize("NFKD", folded)
    return "".join(c for c in parts if not unicodedata.combining(c))


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"\W", "", match.group())


@lru_cache(maxsize=256)
def _phrase_pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    bodies = [body for phrase in phrases for body in _bodies(phrase)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(bodies)})(?!\w)") if bodies else None


def _bodies(phrase: str) -> list[str]:
    """The pattern of a phrase, and of its words run together, as letters set apart may be read."""
    words = _PHRASE_WORD.findall(_plain(phrase))
    if not words:
        return []
    pattern = ""
    for place, word in enumerate(words):
        if word == "...":
            pattern += _GAP
            continue
        pattern += (_BETWEEN if place else "") + _word_pattern(word)
    run_together = "".join(words)
    is_plain = len(words) > 1 and run_together.isalnum()
    return [pattern, re.escape(run_together)] if is_plain else [pattern]


def _word_pattern(word: str) -> str:
    return re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
