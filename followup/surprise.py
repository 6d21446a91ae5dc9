"""How much of a sentence is news: rare words that no source has."""

import math
import re
from collections.abc import Sequence

from followup.english import num_uses
from followup.sources import Source
from followup.vocabulary import STOP_WORDS, roots_of, stem

MIN_SURPRISE = 1.5
"""Below this, what a sentence adds to the sources is talk: "Good to know before you decide"."""
MIN_INVENTED = 3.0
"""So much is no way of speaking of a figure that stands beside it."""
_COMMON_USES = 50_000
_MAX_SURPRISE = 4.0
_OF_COMPANY = re.compile(r"(?:we|our)\b(?!'d| (?:could|can|might|would|have))")
_MIN_OF_WORD = 0.3
_ODD = 3.0
_MAX_WORDS_OF_ODD = 4
# What the writer asks for, or leaves to the reader, states nothing.
_ASIDE = re.compile(r"\b(?:please\b[^.]*|if you (?:need|like|want|wish|prefer|would)\b[^,.;]*)")
_WORD = re.compile(r"[^\W\d_]{2,}(?:'[^\W\d_]+)?")


def surprise(sentence: str, known: frozenset[str], sources: Sequence[Source]) -> float:
    """The sum, over the words that neither `known` stems nor sources hold, of log10(50,000 / uses).

    Uses are those of film subtitles, where 50,000 have the thousand most common words; such words
    count 0, words that never occur there 4. A mean news word ("certification") counts about 2.
    """
    roots = frozenset[str]().union(*(s.roots | s.heading_roots for s in sources))
    text = _ASIDE.sub(" ", sentence.lower())
    words = {word for word in _WORD.findall(text) if word not in STOP_WORDS and "'" not in word}
    news = {
        word for word in words if stem(word) not in known and not roots_of((stem(word),)) & roots
    }
    if _OF_COMPANY.match(text) and any(num_uses(word) < _COMMON_USES for word in news):
        # What the company says of itself is no talk.
        return MIN_SURPRISE
    bits = [found for word in news if (found := _of_word(word)) > _MIN_OF_WORD]
    # One odd word is a way of speaking, unless it is hardly ever heard and much of the sentence.
    is_odd = sum(bits) >= _ODD and len(words) <= _MAX_WORDS_OF_ODD
    return math.fsum(bits) if len(bits) > 1 or is_odd else 0.0


def _of_word(word: str) -> float:
    uses = num_uses(word)
    return min(_MAX_SURPRISE, max(0.0, math.log10(_COMMON_USES / uses))) if uses else _MAX_SURPRISE
