"""Whether a sentence denies a figure that it states: "does not cost $299", "no discount of 20%"."""

import re

from followup.claims import Claim, ReadSentence
from followup.parts import part_of

_DENIES = re.compile(
    r"""\b(?:no|not|never|cannot|without|neither|nor|none|\w+n't)\b
    # what denies nothing: "no more than", "not only", "don't need to", "no rush"
    (?!\s(?:more|less|fewer|later|longer\sthan|only|just|merely|exceed\w*|(?:need|have|want)\sto
      |wait|worry|rush|pressure|obligation|hurry|problem|hesitate|take\slonger))""",
    re.IGNORECASE | re.VERBOSE,
)
_FINITE = re.compile(r"\w\s(?:is|are|was|were|will)\b", re.IGNORECASE)
_DENIES_ANYTHING = re.compile(
    r"\b(?:no|not|never|cannot|without|neither|nor|none|nothing|only|except|exclud\w+|instead|"
    r"unlike|\w+n't)\b",
    re.IGNORECASE,
)


def denies(read: ReadSentence, claim: Claim) -> bool:
    """Whether the words before a figure, in its part of the sentence, deny it."""
    low, _ = part_of(read.tokens, claim.start)
    before = read.text[read.tokens[low].start : read.tokens[claim.start].start]
    found = _DENIES.search(f"{before.rpartition(',')[2]} ")
    # "Messages that you do not use are kept for 3 months": the denial ended before.
    return found is not None and _FINITE.search(found.string, found.end() + 1) is None


def denies_anything(text: str) -> bool:
    """Whether a source's words deny or restrict anything."""
    return _DENIES_ANYTHING.search(text) is not None
