"""Whether the sources give a message's value to another subject, or its subject another value."""

import re
from collections.abc import Sequence

from followup.agreement import Fact, cut, is_distinct, is_same_measure, shares_value, value_keys
from followup.claim_context import ClaimContext
from followup.claims import Claim, ClaimKind, read_sentence
from followup.customer_figures import is_told_of_one, passes_for_all
from followup.evidence_subjects import EvidenceSubjects
from followup.own_prices import paid_beside, says_own_price
from followup.sources import Source
from followup.subjects import Subject
from followup.topics import better_fact
from followup.value_lists import other_of_list, other_of_table
from followup.vocabulary import roots_of, stem
from followup.weights import WordWeights, is_other

_COUNTS = frozenset({ClaimKind.NUMBER, ClaimKind.QUANTITY})
_MIN_TOLD = 3
_MAX_OF_SUBJECT, _MAX_OF_NOBODY = 0.5, 0.8
_FOR = (["for"], ["with"], ["at"], ["of"], ["your"], ["the"], ["to"])
_COMES = (["come"], ["comes"], ["came"], ["up"])
_PRICED = re.compile(r"([A-Z][a-z]{2,}) (?:costs?|is|starts|comes)\b")
_FEES = roots_of(
    map(stem, "fee charge surcharge penalty deposit fine discount refund bonus credit".split())  # noqa: SIM905
)


class Rivals:
    """The facts of one message's sources, each a possible rival of the others."""

    def __init__(
        self, sources: Sequence[Source], facts: Sequence[Fact], evidence: EvidenceSubjects
    ) -> None:
        self._sources = sources
        self._facts = facts
        self._evidence = evidence
        self._weights = WordWeights(facts)

    def objection(
        self, claim: Claim, context: ClaimContext, fact: Fact, *, is_linked: bool
    ) -> str | None:
        """Why a fact with the claim's value is about something else; None where it may be not.

        That takes another subject or another value in the sources: silence is no rival.
        """
        wanted = context.subjects
        if apart := self._apart(claim, wanted, fact):
            return other_subject(apart, fact)
        rival = self._own_price(claim, context, fact)
        if rival:
            return f"of this the source says another value: {cut(rival.unit.shown)}"
        if not self._is_settled(claim, context, fact):
            if not is_linked and self._is_off_topic(claim, context, fact):
                return f"the value stands there about something else: {cut(fact.unit.shown)}"
            rival = self._better(claim, context, fact)
        if not (rival or context.is_contrast or self._is_of_before(context, fact)):
            rival = self.outweighing(claim, context, fact)
        if rival:
            return f"of this the source says another value: {cut(rival.unit.shown)}"
        if self._passes_for_all(claim, context, fact):
            return f"the sources tell this of one customer: {cut(fact.unit.shown)}"
        return None

    def _apart(self, claim: Claim, wanted: Sequence[Subject], fact: Fact) -> Sequence[Subject]:
        """The subjects, all plans or all others, to which a fact does not give its value."""
        plans = [s for s in wanted if s.is_plan]
        others = [s for s in wanted if not s.is_plan]
        for group in (plans, others):
            if group and not self._evidence.supports(group, fact):
                return group
        is_dated = claim.kind is ClaimKind.DATE and self._is_dated_apart(others, fact)
        return others if is_dated else ()

    def _is_dated_apart(self, wanted: Sequence[Subject], fact: Fact) -> bool:
        """Whether a date stands where nothing speaks of the events or customers of the message.

        A length or a count that a source tells of nobody may hold for all; a date seldom does.
        """
        told = [s for s in wanted if self._evidence.known.is_told_of(s.name)]
        place = f"{fact.source.heading_stream}{fact.source.word_stream}"
        return bool(told) and not any(f" {' '.join(s.name)} " in place for s in told)

    def _own_price(self, claim: Claim, context: ClaimContext, fact: Fact) -> Fact | None:
        """What a plan costs, where the message says just that and the fact is of something on it.

        "The Starter plan costs $0.15", where an extra invoice on the Starter plan does.
        """
        paid = self._paid_beside(fact) if claim.kind is ClaimKind.MONEY else frozenset()
        if not paid or paid & context.words:
            return None
        read = read_sentence(context.sentence)
        if not says_own_price(read, claim, self._evidence.in_sentence(read)):
            return None
        return next(
            (
                rival
                for rival in self._facts
                if rival.claim.kind is ClaimKind.MONEY
                and rival.claim.value != claim.value
                and self._evidence.is_told_of(context.subjects, rival)
                and not self._paid_beside(rival)
            ),
            None,
        )

    def _paid_beside(self, fact: Fact) -> frozenset[str]:
        subjects = self._evidence.in_unit(fact.unit)
        return paid_beside(fact.unit, fact.claim, subjects, self._evidence.known.plans)

    def _is_settled(self, claim: Claim, context: ClaimContext, fact: Fact) -> bool:
        """Whether nothing but the subject has to agree.

        A code is what it is, "instead of $9" is of something else, and what the sentences before
        speak of needs no words here.
        """
        is_code = claim.kind is ClaimKind.CODE
        return is_code or context.is_contrast or self._is_of_before(context, fact)

    def _is_of_before(self, context: ClaimContext, fact: Fact) -> bool:
        """Whether a fact is of what the sentences before name, and this one names nothing."""
        return not context.subjects and self._evidence.is_told_of(context.before.subjects, fact)

    def _better(self, claim: Claim, context: ClaimContext, fact: Fact) -> Fact | None:
        """A fact of which the message's words speak rather."""
        wanted = context.subjects
        # What is told of a subject by name gives way to nothing that is told of nobody.
        is_named = self._evidence.is_told_of(wanted, fact)
        is_theirs = self._evidence.is_told_of if is_named else self._evidence.supports
        beside = other_of_list(claim, context.topic, fact, wanted)
        beside = beside or other_of_table(claim, context.topic, fact)
        if beside or fact.source.is_request:
            return beside
        return better_fact(
            claim,
            context.topic,
            fact,
            self._facts,
            wanted if is_named else (),
            lambda rival: (
                is_theirs(wanted, rival) if wanted else _is_general(rival) or not _is_general(fact)
            ),
        )

    def outweighing(self, claim: Claim, context: ClaimContext, fact: Fact) -> Fact | None:
        """A fact about the same subjects that the message's words fit far better.

        Where the message names no subject, its words may speak of anything: then this fact must
        have none of them. What is told of nobody gives way soonest, to what is told of the subject.
        """
        if claim.kind is ClaimKind.CODE:
            return None
        wanted = context.subjects
        is_theirs = bool(wanted) and self._evidence.is_told_of(wanted, fact)
        if is_theirs and fact.unit.cell_names:
            # A cell in the plan's own row or column has few words beside.
            return None
        limit = _MAX_OF_SUBJECT if wanted else 0.0
        found = self._weights.outweighing(claim, context.topic, fact, limit)
        if not (is_theirs or not wanted or fact.source.is_request):
            sooner = self._weights.outweighing(claim, context.topic, fact, _MAX_OF_NOBODY)
            found += [r for r in sooner if self._evidence.is_told_of(wanted, r)]
        return next(
            (
                rival
                for rival in found
                if (
                    self._evidence.supports(wanted, rival)
                    if wanted
                    else (_is_general(rival) or not _is_general(fact))
                    and not self._evidence.of_cell(rival.unit)
                )
            ),
            None,
        )

    def of_documents(self, claim: Claim, context: ClaimContext, fact: Fact) -> Fact | None:
        """A document's other value of what the message says, where the lead merely has the value.

        "It covers up to 150 invoices", where the trial covers 50 and the lead sends 150.
        """
        if claim.kind not in _COUNTS:
            return None
        wanted = context.subjects
        of_plan = self._of_plan(claim, context)
        return of_plan or better_fact(
            claim,
            context.topic,
            fact,
            (rival for rival in self._facts if _is_general(rival)),
            wanted,
            lambda rival: (
                len(context.topic.clause & rival.roots - fact.roots) >= _MIN_TOLD
                and (not wanted or self._evidence.supports(wanted, rival))
            ),
        )

    def _of_plan(self, claim: Claim, context: ClaimContext) -> Fact | None:
        """Another count of the same that the documents tell of the plan: "bills in 20 currencies".

        What the sentence counts before the plan, or as what it is for, is the lead's.
        """
        plans = [s for s in context.subjects if s.is_plan]
        before = context.sentence.partition(claim.text)[0].lower().split()[-2:]
        is_for = before[-1:] in _FOR and before[:1] not in _COMES
        is_later = any(
            " ".join(s.name) in context.sentence.lower().partition(claim.text.lower())[2]
            for s in plans
        )
        if not plans or not claim.counted or is_for or is_later:
            return None
        return next(
            (
                rival
                for rival in self._facts
                if not rival.source.is_request
                and is_other(claim, context.topic, rival)
                and self._evidence.is_told_of(plans, rival)
            ),
            None,
        )

    def _passes_for_all(self, claim: Claim, context: ClaimContext, fact: Fact) -> bool:
        is_small = fact.claim.kind in _COUNTS and not claim.text[0].isdigit()
        return (
            not is_small
            and is_told_of_one(fact, self._evidence)
            and passes_for_all(context, fact, self._evidence)
        )

    def _is_off_topic(self, claim: Claim, context: ClaimContext, fact: Fact) -> bool:
        """Whether the message says of what the value is, and the sources tell that otherwise.

        Words that no source knows may be other words for the same; but a fee of an unknown name
        may not exist.
        """
        topic = context.topic
        if claim.kind is ClaimKind.MONEY and (topic.head & _FEES or self._is_unknown(context)):
            return True
        if self._evidence.is_told_of(context.subjects, fact):
            return False
        if claim.kind is ClaimKind.NUMBER and claim.text[-1].isdigit() and not is_distinct(claim):
            # Small numbers stand everywhere.
            return True
        words = topic.head | topic.local
        return any(
            is_same_measure(claim, rival.claim)
            and not shares_value(claim, rival.claim)
            and f"={value_keys(rival.claim)[0]}" not in topic.clause
            and words & rival.roots
            and (not context.subjects or self._evidence.supports(context.subjects, rival))
            for rival in self._facts
            if not rival.source.is_request
        )

    def _is_unknown(self, context: ClaimContext) -> bool:
        """Whether a price is said of a capitalised word that no source has: "Premium costs $9"."""
        opening = _PRICED.match(context.sentence)
        if opening is None or context.subjects:
            return False
        word = frozenset([stem(opening.group(1).lower())])
        return not any(roots_of(word) & source.roots for source in self._sources)


def _is_general(fact: Fact) -> bool:
    """Whether a fact is no part of a story, whose figures are one customer's."""
    return not fact.source.is_of_customers


def other_subject(wanted: Sequence[Subject], fact: Fact) -> str:
    """The reason where a value is another subject's."""
    name = " ".join(wanted[0].name)
    return f"the value does not stand there for {name}: {cut(fact.unit.shown)}"
