"""Figures that the sources tell of one customer, and whether a message makes them everyone's."""

import re

from followup.agreement import Fact
from followup.claim_context import ClaimContext
from followup.evidence_subjects import EvidenceSubjects
from followup.names import OF_CUSTOMERS
from followup.vocabulary import stem

_OF_MANY = re.compile(
    r"\b(?:we|we've|us|our)\b|^(?:customers|clients|teams|users|companies)\b|"
    r"\b(?:our|most|many|typical|all|other|every|each) (?:customer|client|team|compan)|"
    r"\b(?:customers|clients|teams|companies) (?:save|see|report|cut|get|recover|gain|need|take)\b",
    re.IGNORECASE,
)
_OF_EVERYONE = re.compile(
    r"(?<!like )(?<!similar to )\b(?:we|we've|us|our|you|you'd|you'll|your|yours|customers|clients|"
    r"users|teams|companies|businesses|firms|everyone|everybody|people)\b",
    re.IGNORECASE,
)
_NO_CLAIM_OF_ALL = re.compile(
    r"\bour (?:own )?(?:customer|client|user|friends?)\b|\bone of (?:our|the)\b|"
    r"\b(?:as )?you (?:asked|mentioned|said|told)\b",
    re.IGNORECASE,
)
# "A retailer", "another clinic", "one of our customers", "a team much like yours".
_SOMEONE = re.compile(
    r"\bone of (?:our|the|these|those)\b|\b(?:someone|somebody)\b|"
    r"\b(?:a|an|one|another|this|that|the same) (?:[\w'-]+ ){0,4}?(?:customers?|clients?|company|"
    r"business|firm|team|shop|store|clinic|practice|school|college|university|agency|studio|office|"
    r"hospital|hotel|restaurant|group|bank|startup|site|user|retailer|wholesaler|manufacturer|"
    r"\w*maker|grocer|courier|distributor|contractor|carrier|operator|provider|dealer|publisher|"
    r"builder|supplier|organi[sz]ation|\w{3,}ery|\w{3,}ist)\b(?! of\b(?! ours))",
    re.IGNORECASE,
)
_EVERY_CUSTOMER = re.compile(
    r"\b(?:all|most|many|every|each) (?:of )?(?:our )?(?:customers?|clients?|users?)\b|"
    r"\bour (?:customers|clients|users)\b(?!,? (?:such as|like|including|for ex|for inst))",
    re.IGNORECASE,
)
_POINTING = re.compile(r"\b(?:its|it|they|their|them|there|this|that|the (?:\w+ )?\w+'s)\b", re.I)
_THEIRS = re.compile(r"\b(?:their|they|them|there|his|her)\b", re.IGNORECASE)
_NAMED_NOUN = re.compile(r"\b(?:a|an|one|another) (?:[\w'-]+ ){0,3}?([a-z]{4,})\b(?! of\b)")


def is_told_of_one(fact: Fact, evidence: EvidenceSubjects) -> bool:
    """Whether a source tells a figure of one customer, and of nobody else.

    That is on a page about customers, or where a name does what customers do: "Odell saves $9".
    """
    if fact.source.is_request or _OF_MANY.search(fact.unit.sentence.text):
        return False
    named = evidence.in_unit(fact.unit)
    is_of_customer = fact.source.is_of_customers and any(
        evidence.known.is_told_of(s.name) for s in named if not s.is_plan
    )
    if any(subject.is_plan for subject in named) and not is_of_customer:
        return False
    if fact.source.is_of_customers or "customer" in fact.unit.cell_names:
        return True
    tokens = fact.unit.sentence.tokens
    return any(
        subject.end < len(tokens) and tokens[subject.end].lower in OF_CUSTOMERS for subject in named
    )


def passes_for_all(context: ClaimContext, fact: Fact, evidence: EvidenceSubjects) -> bool:
    """Whether a message takes one customer's figure for everyone's: "our customers save $9".

    It does not where it names the customer, or speaks of someone: "a retailer", "one customer".
    """
    if _EVERY_CUSTOMER.search(context.sentence):
        return True
    is_named = evidence.supports(context.customers, fact)
    if is_named or _speaks_of_someone(context.sentence, fact):
        return False
    before = context.before
    is_of_before = evidence.supports(before.customers, fact)
    is_of_before |= _speaks_of_someone(before.text, fact)
    if not is_of_before:
        return True
    said = _NO_CLAIM_OF_ALL.sub(" ", context.clause)
    is_of_someone = _POINTING.search(said) or _THEIRS.search(context.sentence)
    return _OF_EVERYONE.search(said) is not None and is_of_someone is None


def _speaks_of_someone(text: str, fact: Fact) -> bool:
    """Whether a text speaks of one customer without a name, in the source's own noun perhaps."""
    if _SOMEONE.search(text):
        return True
    return any(
        stem(noun) in fact.unit.stems or f" {noun} " in fact.source.word_stream
        for noun in _NAMED_NOUN.findall(text)
        if stem(noun) not in _NO_CUSTOMERS
    )


_NO_CUSTOMERS = frozenset(
    map(
        stem,
        """hour day week month quarter year minute second percent third half drop fall rise cut
        increase decrease reduction growth saving result total average single good great number
        lot few little short quick""".split(),  # noqa: SIM905
    )
)
