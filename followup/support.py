"""Finds the words of a source that support a claim, or says why none do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from followup.agreement import (
    TIME_UNITS,
    Fact,
    cut,
    value_keys,
    value_mismatch,
)
from followup.changes import is_other_end, is_turned_round
from followup.claim_context import Before, ClaimContext, read_context
from followup.claims import Claim, ClaimKind, ReadSentence, read_sentence
from followup.denials import affirms, denies
from followup.elided_units import with_units_beside
from followup.evidence_subjects import EvidenceSubjects
from followup.fact_index import FactIndex
from followup.known_names import equated, known_names
from followup.name_support import NameFinder, Support
from followup.operands import compares
from followup.parts import part_of
from followup.reckoning import Reckoner
from followup.relations import Relations
from followup.rivals import Rivals, other_subject
from followup.roles import Roles
from followup.sources import REQUEST, Source, word_stream
from followup.subjects import PLAN_WORDS, KnownNames, Name, Subject
from followup.vocabulary import roots_of, stem

_ABOUT_CHECKED = frozenset(
    {
        ClaimKind.MONEY,
        ClaimKind.PERCENT,
        ClaimKind.QUANTITY,
        ClaimKind.NUMBER,
        ClaimKind.DURATION,
        ClaimKind.DATE,
        ClaimKind.CODE,
    }
)
_PLAN_STEMS = frozenset(map(stem, PLAN_WORDS))
_COUNTS = frozenset({ClaimKind.NUMBER, ClaimKind.QUANTITY})
_MIN_QUOTED_WORDS = 3
_MAX_UNHEARD = 10
_APART = "no source brings this name together with the others"
_NO_VALUE = "no source has this value"
_NOT_COUNTED = (_NO_VALUE, "the value counts something else")


class SupportFinder:
    """The sources of one message, indexed by value."""

    def __init__(
        self, sources: Sequence[Source], own: frozenset[str], said_plans: frozenset[Name]
    ) -> None:
        self.sources = sources
        self.known: KnownNames = known_names(sources, own, said_plans)
        self._facts = FactIndex(sources)
        self._names = NameFinder(sources, self.known)
        self._evidence = EvidenceSubjects(self.known)
        self._rivals = Rivals(sources, self._facts.all, self._evidence)
        self._reckoner = Reckoner(sources, self._facts.all, self._evidence)
        self.relations = Relations(sources, self._evidence)
        self._roles = Roles(sources[:-1], self._evidence)

    def find(
        self, read: ReadSentence, subjects: list[Subject], before: Before
    ) -> list[tuple[Claim, Support]]:
        """What supports each claim of a sentence of the message, in its order.

        `subjects` are the sentence's own. Where all are supported, a name follows for each subject
        of which the sources do not say what the sentence says.
        """
        quoted = None if before.inherited else self._quoted_from(read)
        if quoted:
            return [
                (claim, Support(quoted.document, read.text))
                if quoted.is_request or not claim.is_relative
                else (claim, self._of_claim(claim, read, subjects, before))
                for claim in read.claims
            ]
        found = [(claim, self._of_claim(claim, read, subjects, before)) for claim in read.claims]
        found = self._reckoner.followed(found, read, subjects, before)
        found = [(c, self._of_other_direction(c, read, s) or s) for c, s in found]
        if any(support.reason for _, support in found):
            return found
        # Of whom a value is, has been checked with it.
        spans = [part_of(read.tokens, c.start) for c in read.claims if c.kind in _ABOUT_CHECKED]
        rest = [s for s in subjects if not any(low <= s.place < high for low, high in spans)]
        return [*found, *self._wrong_subjects(read, subjects, rest)]

    def _of_claim(
        self, claim: Claim, read: ReadSentence, subjects: list[Subject], before: Before
    ) -> Support:
        if claim.kind is ClaimKind.NAME:
            if self._names.is_apart(claim, read, subjects, before.customers):
                return Support(reason=_APART)
            return self._names.find(claim, read, opens=not before.text)
        support = self._of_value(claim, read_context(claim, read, subjects, before, self.known))
        if support.reason or is_other_end(claim, read):
            support = support if support.reason else Support(reason=_NO_VALUE)
            support = self._of_change(claim, read, subjects, before) or support
        if not support.reason and self._is_other_difference(claim, read, support):
            return Support(reason=_NO_VALUE)
        is_told = not support.reason and support.document != REQUEST
        if is_told and denies(read, claim) and affirms(support.evidence, claim):
            return Support(reason=f"the source affirms this: {cut(support.evidence)}")
        return support

    def _of_other_direction(
        self, claim: Claim, read: ReadSentence, support: Support
    ) -> Support | None:
        """Why "from 9 to 2" is not what a source says that tells of a change from 2 to 9."""
        if support.reason or not is_turned_round(claim, read, support.evidence):
            return None
        return Support(reason=f"the source tells it the other way round: {cut(support.evidence)}")

    def _wrong_subjects(
        self, read: ReadSentence, subjects: list[Subject], rest: list[Subject]
    ) -> Iterator[tuple[Claim, Support]]:
        for first, second in equated(read, subjects):
            is_known = first.name in self.known.plans and second.name in self.known.plans
            is_known |= any(s.is_role and s.name in self.known.aliases for s in (first, second))
            if is_known and first.name != second.name:
                reason = f"no source calls {' '.join(first.name)} the {' '.join(second.name)} plan"
                yield _name_claim(read, first), Support(reason=reason)
        for subject in subjects:
            if subject.is_plan and not subject.is_role and not self._names.has_plan(subject):
                yield _name_claim(read, subject), Support(reason="no source has this plan")
        misplaced = dict(self._roles.misplaced(read, subjects))
        misplaced |= self.relations.misplaced(read, subjects, rest)
        for subject, words in misplaced.items():
            reason = f"the sources say this of another: {cut(words)}"
            yield _name_claim(read, subject), Support(reason=reason)

    def _quoted_from(self, read: ReadSentence) -> Source | None:
        if len(read.tokens) < _MIN_QUOTED_WORDS:
            return None
        line = read.text.lower()
        return next((source for source in self.sources if line in source.lines), None)

    def _of_value(self, claim: Claim, context: ClaimContext) -> Support:
        reason = _NO_VALUE
        for fact, claimed in self._facts.candidates(claim):
            if context.is_reported and not fact.source.is_request:
                reason = "the lead did not say so"
                continue
            mismatch = self._mismatch(claimed, context, fact)
            if mismatch is None:
                alone = self._alone_among(claim, context)
                if alone:
                    return Support(reason=other_subject([alone], fact))
                return Support(fact.source.document, fact.unit.shown)
            reason = mismatch or reason
        if reason.startswith(_NOT_COUNTED) and self._counts_unheard(claim):
            return Support(REQUEST, claim.text)
        if claim.kind is ClaimKind.LINK:
            source = self._facts.source_of_host(claim)
            if source:
                return Support(source.document, claim.text)
        return Support(reason=reason)

    def _mismatch(self, claim: Claim, context: ClaimContext, fact: Fact) -> str | None:
        """None where a fact supports a claim of its value; else why not, "" for an unlike kind."""
        there = fact.roots | fact.context_roots | fact.source.heading_roots
        is_linked = bool(context.topic.telling & there) or self._shares_name(context, fact)
        # "A vehicle on Ranger costs $23 monthly" is $23 per vehicle.
        told = fact.claim.per if "each" in context.words else fact.claim.per & context.words
        if context.is_per_person:
            told |= {"user"}
        claim = replace(claim, per=claim.per | (told & fact.claim.per) - TIME_UNITS)
        is_of_request = (
            fact.source.is_request and claim.kind in _COUNTS and not self._facts.has_count(claim)
        )
        mismatch = value_mismatch(claim, fact, is_linked=is_linked or is_of_request)
        if mismatch is not None or claim.kind not in _ABOUT_CHECKED:
            return mismatch
        if claim.kind is ClaimKind.MONEY:
            is_linked = bool(
                context.topic.telling & (fact.roots if fact.source.is_request else there)
            )
        if fact.source.is_request:
            may_be_of_lead = is_linked or not context.subjects or is_of_request
            return self._request_objection(claim, context, fact, may_be_of_lead=may_be_of_lead)
        return self._rivals.objection(claim, context, fact, is_linked=is_linked)

    def _request_objection(
        self, claim: Claim, context: ClaimContext, fact: Fact, *, may_be_of_lead: bool
    ) -> str | None:
        """Why a value of the request is not what the message says; None where it may be."""
        is_size = context.is_size and not self._facts.has_count(claim)
        if context.is_of_lead or is_size or claim.kind is ClaimKind.DATE:
            return None
        if claim.kind is ClaimKind.MONEY:
            if not context.topic.telling & fact.roots:
                return "the request says this of the lead"
            return (
                None
                if context.is_of_reader
                else self._rivals.objection(claim, context, fact, is_linked=True)
            )
        if not may_be_of_lead:
            return self._rivals.objection(claim, context, fact, is_linked=False)
        other = self._rivals.of_documents(claim, context, fact)
        other = other or self._rivals.outweighing(claim, context, fact)
        # No reason that arithmetic cannot override: "forty at €6.50 make €260".
        return f"the documents say another value: {cut(other.unit.shown)}" if other else None

    def _counts_unheard(self, claim: Claim) -> bool:
        """Whether a small number in words counts what no source knows: "three must-haves".

        And whether as many plans as "all three plans" are listed.
        """
        if claim.counted and claim.counted <= _PLAN_STEMS and claim.value.isdigit():
            return int(claim.value) in self.known.num_plans
        is_small = claim.kind is ClaimKind.QUANTITY and claim.text[0].isalpha() and not claim.unit
        is_small = is_small and claim.value.isdigit() and int(claim.value) <= _MAX_UNHEARD
        return is_small and not any(roots_of(claim.counted) & s.roots for s in self.sources)

    def _shares_name(self, context: ClaimContext, fact: Fact) -> bool:
        """Whether a name of the sentence stands in the fact's own words: a person, a town.

        Not a plan: where all plans are listed, that links nothing.
        """
        stream = word_stream(fact.unit.shown)
        shared = (name for name in context.names if name in stream)
        return any(tuple(name.split()) not in self.known.plans for name in shared)

    def _of_change(
        self, claim: Claim, read: ReadSentence, subjects: list[Subject], before: Before
    ) -> Support | None:
        """What supports "from 34% to 71%" where the sources tell the two apart.

        And "3" in "6 days to Canada and 3 elsewhere", read with the unit of the figure beside.
        """
        if claim.kind is ClaimKind.NUMBER:
            context = read_context(claim, read, subjects, before, self.known)
            read_alike = with_units_beside(claim, read)
            supports = (self._of_value(other, context) for other in read_alike)
            return next((support for support in supports if not support.reason), None)
        keys = value_keys(claim)
        if len(keys) == 1 or not claim.start or read.tokens[claim.start - 1].lower != "from":
            return None
        context = read_context(claim, read, subjects, before, self.known)
        ends = [
            self._of_value(replace(claim, value=value), context) for value in claim.value.split("-")
        ]
        return None if any(end.reason for end in ends) else ends[-1]

    def _is_other_difference(self, claim: Claim, read: ReadSentence, support: Support) -> bool:
        """Whether "two weeks longer" rests on words that compare nothing: "delivery in 2 weeks"."""
        if claim.kind is not ClaimKind.DURATION or not compares(claim, read):
            return False
        there = read_sentence(support.evidence)
        alike = [c for c in there.claims if c.kind is claim.kind and c.value == claim.value]
        return not any(compares(found, there) for found in alike)

    def _alone_among(self, claim: Claim, context: ClaimContext) -> Subject | None:
        """A subject that shares the value in the message, but in no source."""
        for subject in context.beside:
            facts = [
                f
                for f, c in self._facts.candidates(claim)
                if not value_mismatch(c, f, is_linked=True)
            ]
            joined = f" {' '.join(subject.name)} and {' '.join(context.subjects[0].name)} "
            if any(joined in fact.source.word_stream for fact in facts):
                # "Oak and Ivy Vets" is one name.
                continue
            if not any(self._evidence.supports([subject], fact) for fact in facts):
                return subject
        return None


def _name_claim(read: ReadSentence, subject: Subject) -> Claim:
    tokens = read.tokens[subject.place : subject.end]
    return Claim(
        kind=ClaimKind.NAME,
        text=read.text[tokens[0].start : tokens[-1].end],
        value=" ".join(subject.name),
        start=subject.place,
    )
