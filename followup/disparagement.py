"""Tells whether a sentence speaks ill of a competitor: a negative word near one's name."""

import re
from collections.abc import Sequence
from functools import lru_cache

from followup.lookalikes import latin_lookalikes
from followup.phrases import has_phrase
from followup.tokens import fold

ANY_COMPETITOR = (
    "competitor*",
    "competing ... tool*",
    "competing ... product*",
    "other vendor*",
    "other provider*",
    "other tool*",
    "other ... solution*",
    "other ... software",
    "current ... vendor",
    "current ... provider",
    "current ... tool",
    "current ... system",
    "current ... software",
    "existing ... tool",
    "existing ... provider",
    "existing ... vendor",
    "your vendor",
    "your provider",
    "rival*",
    "the competition",
    "the others",
)
"""Means a competitor where the lead has one."""
_MEANT = ("they", "them", "their", "theirs")
_COMPARING = re.compile(
    r"\b(?:than|unlike|instead|over|beats?|outperforms?|ahead|superior|inferior)\b", re.IGNORECASE
)
_COMPARED = (
    r"\b(?:than|unlike|instead of|beats?|outperforms?|ahead of|superior to|inferior to)\s+"
    r"(?:\w+\s+){0,2}?(?:{names})(?!\w)"
)


def may_disparage(text: str, negative: Sequence[str]) -> bool:
    """Whether the sentence holds a negative or comparing word at all, about whomever."""
    return bool(has_phrase(text, negative)) or _COMPARING.search(text) is not None


def disparages(text: str, before: str, competitors: Sequence[str], negative: Sequence[str]) -> str:
    """The negative words about a competitor in the sentence `text`, or "".

    `before` is the sentence before: "they" means the competitor if that one was named there.
    `competitors` and `negative` are phrases; see followup/phrases.py.
    """
    named = has_phrase(text, competitors)
    meant = named or (has_phrase(before, competitors) and has_phrase(text, _MEANT))
    if not meant:
        return ""
    return has_phrase(text, negative) or _compared(text, tuple(competitors))


def _compared(text: str, competitors: tuple[str, ...]) -> str:
    match = _comparison(competitors).search(latin_lookalikes(fold(text)))
    return match.group() if match else ""


@lru_cache(maxsize=256)
def _comparison(competitors: tuple[str, ...]) -> re.Pattern[str]:
    bodies = [
        r"\W+".join(re.escape(word) for word in re.findall(r"\w+", fold(name)))
        for name in competitors
    ]
    names = "|".join(body for body in bodies if body) or "(?!)"
    return re.compile(_COMPARED.replace("{names}", names), re.IGNORECASE)
