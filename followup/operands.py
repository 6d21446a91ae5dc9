"""The figures that others may be worked out from, and the words that say so."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from followup.claims import Claim, ClaimKind, ReadSentence
from followup.numerals import read_numeral
from followup.parts import part_of

# Without one of these a new figure is stated, not worked out.
_WORKED_OUT = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes? (?:to|out)|would|"
    r"works? out|brings?|saves?|saving|i\.e|left|over|equals?|means?|plus|on top|off|apiece|"
    r"each(?! (?:day|week|month|quarter|year))|instead of|then|fits?|half|times|adds? up|buy|"
    r"spare|leaves?|"
    r"order|take|for (?:all|both)|difference)\b|=",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\W+(?:more|less|cheaper|dearer|extra|difference|on top|longer|shorter)\b", re.I
)
_DASH = re.compile(r"(?<=\d)-")
COUNTS = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
FIGURES = COUNTS | {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION}
HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class Operands:
    """What a figure may be worked out from."""

    said: Sequence[Claim]
    """The supported claims of the message."""
    asked: Sequence[Claim]
    """The claims of the request."""
    known: Callable[[], Sequence[Claim]]
    """What the documents tell of the claim's subjects; dear to find, and seldom needed."""
    beside: Sequence[Claim]
    """What stands in the evidence of the sentence's other figures."""
    alike: Sequence[Sequence[Claim]]
    """Prices of one passage: only these are compared with each other."""


def values(claims: Iterable[Claim]) -> list[float]:
    """Each value, and both ends of each range, once."""
    return list(dict.fromkeys(float(v) for c in claims for v in _DASH.split(c.value)))


def numerals(read: ReadSentence, claim: Claim) -> Iterator[float]:
    """The other numbers of the sentence, also those that count nothing: "three of them"."""
    for place in range(len(read.tokens)):
        found = None if claim.start <= place < claim.end else read_numeral(read.tokens, place)
        if found and found.value:
            yield float(found.value)
        elif read.tokens[place].lower == "both":
            yield 2.0


def compares(claim: Claim, read: ReadSentence) -> bool:
    """Whether a figure is a difference: "two weeks longer", "$9 more"."""
    return _COMPARES.match(read.text, read.tokens[claim.end - 1].end) is not None


def is_told(read: ReadSentence, claim: Claim) -> bool:
    """Whether a figure's part of the sentence says that something is worked out."""
    low, high = part_of(read.tokens, claim.start)
    words = read.text[read.tokens[low].start : read.tokens[high - 1].end]
    return _WORKED_OUT.search(words) is not None
