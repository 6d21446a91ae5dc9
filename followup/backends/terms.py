"""The words that BM25 indexes: lower case, without stop words, as English stems.

Milvus Lite has a tokenizer but no stemmer, Milvus Standalone has both. So the words are prepared
here, for passages and queries alike, and either store only splits them at the blanks again.
"""

import re
import threading
from collections.abc import Iterable

from Stemmer import Stemmer

TERMS_VERSION = 1
"""Part of every document's fingerprint: raise it when the same text gives other terms."""

# Names of which nothing but a letter would be left.
_SIGNED_NAMES = (
    (re.compile(r"\b([a-z])\+\+"), r"\1plusplus"),
    (re.compile(r"\b([a-z])#"), r"\1sharp"),
    (re.compile(r"(?<!\w)\.net\b"), "dotnet"),
)
# Letters and digits only: an underscore is a word character to Milvus Lite but not to Milvus.
_WORD = re.compile(r"[^\W_]+")

STOP_WORDS = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further had has
    have having he her here hers him his how i if in into is it its just me more most my no nor not
    now of off on once only or other our ours out over own same she should so some such than that
    the their them then there these they this those through to too under until up very was we were
    what when where which while who whom why will with would you your yours
    """.split()  # noqa: SIM905 - thirteen lines of quoted words would hide the list
)


def index_terms(text: str) -> list[str]:
    """The terms of `text` in their order, repeated as often as they occur."""
    lowered = text.lower()
    for name, written in _SIGNED_NAMES:
        lowered = name.sub(written, lowered)
    words = [word for word in _WORD.findall(lowered) if word not in STOP_WORDS]
    stems: list[str] = _stemmers.english.stemWords(words)
    return stems


def query_coverage(query_terms: Iterable[str], passage_terms: Iterable[str]) -> float:
    """Share of the distinct query terms that the passage holds, 0 to 1; 0 for an empty query."""
    wanted = set(query_terms)
    if not wanted:
        return 0.0
    return len(wanted.intersection(passage_terms)) / len(wanted)


class _Stemmers(threading.local):
    """Snowball's English stemmer (Porter 2), one for each thread: its objects may not be shared."""

    def __init__(self) -> None:
        self.english = Stemmer("english")


_stemmers = _Stemmers()
