"""What a message says around a claim: of whom, on which topic, and whether it is a report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from followup.claims import Claim, ClaimKind, ReadSentence
from followup.evidence_subjects import PRONOUNS
from followup.parts import part_of
from followup.sources import word_stream
from followup.subjects import KnownNames, Subject
from followup.topics import Topic, topic_of
from followup.value_subjects import (
    coordinated,
    is_all_of,
    paired_subject,
    subjects_of_value,
)
from followup.vocabulary import stem

_CONTRASTS = (["instead", "of"], ["rather", "than"], ["compared", "to"], ["compared", "with"])
_EACH_OF = frozenset("head person people employee employees each staff".split())  # noqa: SIM905
_MARKS = (", ", "; ", ": ")
_READER = frozenset("you your yours you're you've you'd".split())  # noqa: SIM905
_SAID = frozenset("said told mentioned wrote noted described explained shared".split())  # noqa: SIM905
_OF_MONEY = _SAID | frozenset("budget spend spending budgeted asked aside invest".split())  # noqa: SIM905
_PAYS, _NOW = frozenset({"pay", "paying"}), frozenset({"now", "today", "currently", "present"})
_MAX_BEFORE_REPORT = 4
# It tells nothing of the reader but that there is one.
_LEAD_IN = re.compile(r"(?:as you asked|to answer your question)[^,:]{0,20}[,:]", re.IGNORECASE)
_MET = frozenset("call meet meeting conversation chat demo demonstration hear visit".split())  # noqa: SIM905
_BUDGET = frozenset("budget budgeted invest aside".split())  # noqa: SIM905
_ASKED_FOR = frozenset("asked wished wanted requested suggested proposed".split())  # noqa: SIM905
_WISHES = frozenset("want wanted plan hope intend".split())  # noqa: SIM905
_SPOKE = frozenset({"spoke", "talked", "met"})


@dataclass(frozen=True, slots=True)
class Before:
    """What the sentences before one have spoken of."""

    inherited: tuple[Subject, ...] = ()
    """What the sentence's "it" means; empty where it does not begin so."""
    subjects: tuple[Subject, ...] = ()
    """All that they name."""
    text: str = ""
    claims: tuple[Claim, ...] = ()

    @property
    def customers(self) -> list[Subject]:
        """The names that are no plans."""
        return [subject for subject in self.subjects if not subject.is_plan]


@dataclass(frozen=True, slots=True)
class ClaimContext:
    """What the message says around a claim."""

    sentence: str
    clause: str
    """The words around the claim between the nearest commas, semicolons or colons."""
    before: Before
    customers: list[Subject]
    """The names, no plans, of the whole sentence."""
    subjects: list[Subject]
    beside: list[Subject]
    """Subjects that share the value: "Northwind and Corvane save 20 hours"."""
    topic: Topic
    words: frozenset[str]
    """The words of the part of the sentence, and their stems."""
    is_of_lead: bool
    """The part of the sentence speaks of the reader, and of no plan: "your team of 35"."""
    is_of_reader: bool
    """The part of the sentence names the reader, of whatever it speaks: "you'd pay"."""
    is_size: bool
    """A count before which "for" stands: "for 520 devices it would be 8%"."""
    is_contrast: bool
    """The value is of what the sentence compares with: "instead of $9"."""
    names: tuple[str, ...]
    """Word streams of the sentence's names."""
    is_per_person: bool
    """The sentence speaks of people or of a price for each: then a price may be each one's."""
    is_reported: bool
    """It says that the reader said so: "you told us"."""


def read_context(
    claim: Claim,
    read: ReadSentence,
    subjects: list[Subject],
    before: Before,
    known: KnownNames,
) -> ClaimContext:
    """What the sentence says around one of its claims; `subjects` are the sentence's own."""
    low, high = part_of(read.tokens, claim.start)
    here = [s for s in subjects if low <= s.place < high]
    about = _subjects_about(claim, read, subjects, before, known)
    is_paired = paired_subject(read, subjects, claim) is not None
    beside = [] if is_paired or not about else coordinated(read, here, about[0])
    opening = _LEAD_IN.match(read.text)
    begin = opening.end() if opening else 0
    words = {token.lower for token in read.tokens[low:high] if token.start >= begin}
    clause = _clause_around(read, claim)
    said = clause.lower().split()
    is_contrast = _is_contrast(read, claim)
    if is_contrast:
        # "$14 instead of $9", "2 hours against 6": the other value is another's.
        about = [s for s in about if s.place > claim.start]
    return ClaimContext(
        sentence=read.text,
        clause=clause,
        before=before,
        customers=[subject for subject in subjects if not subject.is_plan],
        subjects=about,
        beside=[s for s in beside if s not in about],
        topic=topic_of(read, claim, subjects, known.own_stems),
        words=frozenset(words | set(map(stem, words))),
        is_of_lead=_is_of_lead(claim, read, words, subjects, known),
        is_of_reader=bool(words & _READER),
        is_size=bool(claim.counted) and read.tokens[claim.start - 1].lower == "for",
        is_contrast=is_contrast,
        names=tuple(
            word_stream(c.value)
            for c in read.claims
            if c.kind is ClaimKind.NAME and not known.is_own(tuple(c.value.split()))
        ),
        is_per_person=any(token.lower in _EACH_OF for token in read.tokens),
        is_reported=any(a in _READER and b in _SAID for a, b in pairwise(said))
        or _is_reported(read, low, high, claim.start)
        or _is_of_request(claim, words.intersection(said), words),
    )


def _subjects_about(
    claim: Claim, read: ReadSentence, subjects: list[Subject], before: Before, known: KnownNames
) -> list[Subject]:
    """The plans, and the names that the sources tell of, that the value is said of."""
    low, high = part_of(read.tokens, claim.start)
    named = [s for s in subjects if not is_all_of(read.tokens, s.place)]
    own = [s for s in named if s.place <= claim.start < s.end]
    if own and claim.kind is ClaimKind.CODE:
        # "The VF-11 or the VF-22": a model's number is of that model.
        return own
    about = subjects_of_value(read, named, claim) or [*before.inherited]
    if len(named) < len(subjects) and not any(s.is_plan for s in about):
        # "It includes everything in Starter, plus Salesforce and 12 currencies."
        about += [s for s in before.inherited if s not in about]
    if not about and any(
        token.lower.partition("'")[0] in PRONOUNS for token in read.tokens[low:high]
    ):
        # "At Odell it was 11, and after they had changed it went down to 3."
        about = [s for s in subjects if s.place < low][-1:]
    return [s for s in about if s.is_plan or known.is_told_of(s.name)]


def _is_of_lead(
    claim: Claim,
    read: ReadSentence,
    words: set[str],
    subjects: Sequence[Subject],
    known: KnownNames,
) -> bool:
    """Whether the part speaks of the lead, and of no plan; of money only as its budget or cost."""
    low, high = part_of(read.tokens, claim.start)
    if any(s.is_plan and low <= s.place < high for s in subjects):
        return False
    before = {token.lower for token in read.tokens[max(0, claim.start - 2) : claim.start]}
    is_spent = (
        bool(words & _OF_MONEY)
        or bool(words & _PAYS and words & _NOW)
        or " that you " in read.text.lower()
        or "your" in before
    )
    is_of_reader = bool(words & _READER) or _names_lead(read, known, low, high)
    return is_of_reader and (claim.kind is not ClaimKind.MONEY or is_spent)


def _is_of_request(claim: Claim, words: set[str], around: set[str]) -> bool:
    """Whether only the request can say it: when the two met or the reader starts, its budget."""
    if claim.kind is ClaimKind.MONEY:
        return bool(words & _READER) and bool(words & _BUDGET)
    if claim.kind is ClaimKind.DATE and around & _READER and around & _ASKED_FOR:
        return True
    if claim.kind is not ClaimKind.DATE or "-" not in claim.value:
        return False
    if claim.value.endswith("?") and claim.value.startswith("?"):
        return False
    if claim.value.split("-")[1] == "?":
        return False
    is_of_both = bool(words & _MET) and bool(words & (_READER | {"thank", "thanks"}))
    is_of_both |= "our" in words and bool(words & (_MET - {"meet", "hear"}))
    return is_of_both or bool(words & _SPOKE) or (bool(words & _READER) and bool(words & _WISHES))


def _is_contrast(read: ReadSentence, claim: Claim) -> bool:
    before = [token.lower for token in read.tokens[max(0, claim.start - 2) : claim.start]]
    return before[-1:] in (["against"], ["versus"], ["vs"]) or before in _CONTRASTS


def _clause_around(read: ReadSentence, claim: Claim) -> str:
    start = read.tokens[claim.start].start
    low = max(read.text.rfind(mark, 0, start) + len(mark) for mark in _MARKS)
    ends = [found for mark in _MARKS if (found := read.text.find(mark, start)) >= 0]
    return read.text[low if low > 1 else 0 : min(ends, default=len(read.text))]


def _names_lead(read: ReadSentence, known: KnownNames, low: int, high: int) -> bool:
    """Whether a name of the request that no document has, the lead's or its company's, is there."""
    return any(
        claim.kind is ClaimKind.NAME
        and low <= claim.start < high
        and known.is_only_own(tuple(claim.value.split()))
        for claim in read.claims
    )


def _is_reported(read: ReadSentence, low: int, high: int, place: int) -> bool:
    """Whether "you said" or the like stands around the token at `place`."""
    words = [token.lower for token in read.tokens[low:high]]
    return any(
        first in _READER
        and second in _SAID
        and (low or index <= _MAX_BEFORE_REPORT or index + low > place)
        for index, (first, second) in enumerate(pairwise(words))
    )
