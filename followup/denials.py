"""Whether a sentence denies a figure that it states: "does not cost $299", "no discount of 20%"."""

import re

from followup.claims import Claim, ReadSentence, read_sentence
from followup.parts import part_of

_DENIES = re.compile(
    r"""\b(?:no|not|never|cannot|neither|nor|none|\w+n't|without(?=\s(?:\w+\s){0,1}$))\b
    # what denies nothing: "no more than", "not only", "don't need to", "no rush"
    (?!\s(?:more|less|fewer|later|longer\sthan|only|just|merely|exceed\w*|(?:need|have|want)\sto
      |wait|worry|rush|pressure|obligation|hurry|problem|hesitate|take\slonger))""",
    re.IGNORECASE | re.VERBOSE,
)
_JOINTS = re.compile(r"[,:;]|\b(?:and|but)\b(?= \w+s\b)")
"""No denial goes on behind them: "has no fixed term and ends with 30 days' notice"."""
_MAX_BETWEEN = 6
_ASIDE = re.compile(r"\b(?:towards?|until|before|after|from|your|of|than|up to)$", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|unless|until|whether|in case)\b", re.IGNORECASE)
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
    # "They do not count towards your ten users" denies no figure.
    near = " ".join(_JOINTS.split(before)[-1].split()[-_MAX_BETWEEN:])
    found = None if _ASIDE.search(near) or _CONDITION.search(near) else _DENIES.search(f"{near} ")
    # "Messages that you do not use are kept for 3 months": the denial ended before.
    return found is not None and _FINITE.search(found.string, found.end() + 1) is None


def affirms(evidence: str, claim: Claim) -> bool:
    """Whether a source's words state a claim's figure without denying or restricting it."""
    read = read_sentence(evidence)
    alike = [c for c in read.claims if c.kind is claim.kind and c.value == claim.value]
    if alike:
        return not any(denies(read, found) for found in alike)
    return _DENIES_ANYTHING.search(evidence) is None
