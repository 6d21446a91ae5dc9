"""Finds the words of a source that support a claim, or says why none do."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from followup.agreement import TIME_UNITS, Fact, cut, facts_of, value_keys, value_mismatch
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.denials import affirms, denies
from followup.english import is_english
from followup.evidence_subjects import EvidenceSubjects
from followup.known_names import equated, known_names
from followup.parts import part_of
from followup.relations import Relations
from followup.sources import Source, word_stream
from followup.subjects import KnownNames, Name, Subject
from followup.topics import Topic, better_fact, topic_of
from followup.value_subjects import (
    clause_of,
    coordinated,
    is_oblique,
    paired_subject,
    subjects_of_value,
)
from followup.vocabulary import stem

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
_WITH_UNITS = frozenset(
    {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.QUANTITY, ClaimKind.DURATION}
)
_MIN_QUOTED_WORDS = 3
_READER = frozenset("you your yours you're you've you'd".split())  # noqa: SIM905
_SAID = frozenset("said told mentioned wrote noted described explained shared".split())  # noqa: SIM905
_OF_MONEY = _SAID | frozenset("budget spend spending budgeted asked aside invest".split())  # noqa: SIM905
_MAX_BEFORE_REPORT = 4
_MIN_NOUN = 5
_MET = frozenset(
    [
        "call",
        "hear",
        "heard",
        "spoke",
        "talked",
        "talk",
        "met",
        "meeting",
        "conversation",
        "chat",
        "demo",
        "demonstration",
        "ring",
    ]
)


@dataclass(frozen=True, slots=True)
class Support:
    """The source and the words that support a claim, or the reason why nothing does."""

    document: str = ""
    evidence: str = ""
    reason: str = ""


_NO_NAME = Support(reason="no source has this name")


@dataclass(frozen=True, slots=True)
class _Context:
    """What the message says around a claim."""

    subjects: list[Subject]
    beside: list[Subject]
    """Subjects that share the value: "Northwind and Corvane save 20 hours"."""
    topic: Topic
    names: tuple[str, ...]
    """Word streams of the names in the part that are neither plans' nor the request's own."""
    words: frozenset[str]
    """The words of the part of the sentence, and their stems."""
    is_circumstance: bool
    """The only subject is no plan and stands behind a preposition: "on AWS"."""
    is_of_lead: bool
    """The part of the sentence speaks of the reader, and of no plan: "your team of 35"."""
    is_reported: bool
    """It says that the reader said so: "you told us"."""


class SupportFinder:
    """The sources of one message, indexed by value."""

    def __init__(
        self, sources: Sequence[Source], own: frozenset[str], said_plans: frozenset[Name]
    ) -> None:
        self.sources = sources
        self.known: KnownNames = known_names(sources, own, said_plans)
        self._own_stems = frozenset(stem(word) for line in own for word in line.split())
        self._facts: defaultdict[str, list[Fact]] = defaultdict(list)
        for source in sources:
            for key, fact in facts_of(source):
                self._facts[key].append(fact)
        self._all_facts = [fact for source in sources for _, fact in facts_of(source)]
        self._evidence = EvidenceSubjects(self.known)
        self.relations = Relations(sources, self._evidence)

    def find(
        self, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> list[tuple[Claim, Support]]:
        """What supports each claim of a sentence of the message, in its order.

        `subjects` are the sentence's own, `inherited` what its "it" means. Where all are supported,
        a name follows for each subject of which the sources do not say what the sentence says.
        """
        quoted = None if inherited else self._quoted_from(read)
        found = []
        for claim in read.claims:
            if quoted and not (claim.is_relative and not quoted.is_request):
                support = Support(quoted.document, read.text)
            elif claim.kind is ClaimKind.NAME:
                support = self._of_name(claim)
            else:
                support = self._of_value(claim, self._context(claim, read, subjects, inherited))
                if support.reason:
                    support = self._of_change(claim, read, subjects, inherited) or support
                if not support.reason and denies(read, claim) and affirms(support.evidence, claim):
                    support = Support(reason=f"the source affirms this: {cut(support.evidence)}")
            found.append((claim, support))
        if quoted or any(support.reason for _, support in found):
            return found
        # Of whom a value is, has been checked with it.
        spans = [part_of(read.tokens, c.start) for c in read.claims if c.kind in _ABOUT_CHECKED]
        rest = [s for s in subjects if not any(low <= s.place < high for low, high in spans)]
        return [*found, *self._wrong_subjects(read, subjects, rest)]

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
            if subject.is_plan and not subject.is_role and not self._is_known(subject):
                yield _name_claim(read, subject), Support(reason="no source has this plan")
        for subject, words in self.relations.misplaced(read, subjects, rest):
            reason = f"the sources say this of another: {cut(words)}"
            yield _name_claim(read, subject), Support(reason=reason)

    def _is_known(self, subject: Subject) -> bool:
        name = subject.name
        if name in self.known.plans or name in self.known.by_first_word.get(name[0], ()):
            return True
        is_plain = len(name) == 1 and name[0] in self.known.lower_words
        stream = f" {' '.join(name)} "
        return not is_plain and any(stream in source.word_stream for source in self.sources)

    def _quoted_from(self, read: ReadSentence) -> Source | None:
        if len(read.tokens) < _MIN_QUOTED_WORDS:
            return None
        line = read.text.lower()
        return next((source for source in self.sources if line in source.lines), None)

    def _context(
        self, claim: Claim, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> _Context:
        about = subjects_of_value(read, subjects, claim) or inherited
        about = [s for s in about if s.is_plan] or about
        is_paired = paired_subject(read, subjects, claim) is not None
        beside = [] if is_paired or not about else coordinated(read, subjects, about[0])
        low, high = part_of(read.tokens, claim.start)
        words = {token.lower for token in read.tokens[low:high]}
        is_reported = _is_reported(read, low, high, claim.start) or (
            # "Thank you for the call on May 7": when the two met, only the request says.
            claim.kind is ClaimKind.DATE
            and bool(words & _MET)
            and bool(words & (_READER | {"thank", "thanks", "our"}))
        )
        return _Context(
            subjects=about,
            beside=[s for s in beside if s not in about],
            topic=topic_of(read, claim, subjects, self._own_stems),
            names=self._names_in(read, low, high, subjects),
            words=frozenset(words | set(map(stem, words))),
            is_circumstance=bool(about)
            and all(
                not s.is_plan
                and (
                    is_oblique(read.tokens, s.place)
                    or s.place >= clause_of(read.tokens, claim.start)[1]
                )
                for s in about
            ),
            is_of_lead=bool(words & _READER)
            and not any(s.is_plan and low <= s.place < high for s in subjects)
            and (claim.kind is not ClaimKind.MONEY or bool(words & _OF_MONEY)),
            is_reported=is_reported,
        )

    def _names_in(
        self, read: ReadSentence, low: int, high: int, subjects: Sequence[Subject]
    ) -> tuple[str, ...]:
        plans = {place for s in subjects if s.is_plan for place in range(s.place, s.end)}
        return tuple(
            word_stream(claim.value)
            for claim in read.claims
            if claim.kind is ClaimKind.NAME
            and low <= claim.start < high
            and claim.start not in plans
            and not self.known.is_own(tuple(claim.value.split()))
            and any(word_stream(claim.value) in source.word_stream for source in self.sources)
        )

    def _of_name(self, claim: Claim) -> Support:
        """A name is supported where its words stand in a row, or where it is made of such names."""
        stream = word_stream(claim.value)
        # The request goes first: the lead's own name is not the documents' to support.
        for source in (self.sources[-1], *self.sources[:-1]):
            if stream in source.word_stream:
                return Support(source.document, self._words_with(source, stream, claim))
        document = self._first_document(stream)
        if document and self._is_made_of_known(tuple(stream.split())):
            return Support(document, claim.text)
        source = self._source_of_adjective(claim.value)
        return Support(source.document, claim.text) if source else _NO_NAME

    def _source_of_adjective(self, name: str) -> Source | None:
        """The source that has the noun of a plain word: European, of Europe."""
        if not is_english(name) or len(name) <= _MIN_NOUN:
            return None
        for source in self.sources:
            words = source.word_stream.split()
            if any(name.startswith(w) and len(w) >= _MIN_NOUN for w in words):
                return source
        return None

    def _is_made_of_known(self, words: tuple[str, ...]) -> bool:
        """Whether own names and names of the sources, put one after the other, give the words."""
        if not words:
            return True
        for length in range(len(words), 0, -1):
            head = words[:length]
            known = head in self.known.by_first_word.get(head[0], ()) or (
                f" {' '.join(head)} " in self.known.own
            )
            if known and self._is_made_of_known(words[length:]):
                return True
        return False

    def _first_document(self, stream: str) -> str:
        """The source that has the name's first word, or ""."""
        words = stream.split(maxsplit=1)
        found = (s.document for s in self.sources if words and f" {words[0]} " in s.word_stream)
        return next(found, "")

    def _words_with(self, source: Source, stream: str, claim: Claim) -> str:
        shown = (unit.shown for unit in source.units if stream in word_stream(unit.shown))
        return next(shown, claim.text)

    def _of_value(self, claim: Claim, context: _Context) -> Support:
        reason = "no source has this value"
        for fact in self._candidates(claim):
            if context.is_reported and not fact.source.is_request:
                reason = "the lead did not say so"
                continue
            # "A vehicle on Ranger costs $23 monthly" is $23 per vehicle.
            told = fact.claim.per if "each" in context.words else fact.claim.per & context.words
            mismatch = value_mismatch(replace(claim, per=claim.per | told - TIME_UNITS), fact)
            if mismatch is None and fact.source.is_request and context.is_of_lead:
                return Support(fact.source.document, fact.unit.shown)
            if mismatch is None and claim.kind in _ABOUT_CHECKED:
                mismatch = self._about_mismatch(claim, context, context.subjects, fact)
            if mismatch is None:
                alone = self._alone_among(claim, context)
                if alone:
                    return Support(reason=_other_subject([alone], fact))
                return Support(fact.source.document, fact.unit.shown)
            reason = mismatch or reason
        if claim.kind is ClaimKind.LINK:
            source = self._source_of_host(claim)
            if source:
                return Support(source.document, claim.text)
        return Support(reason=reason)

    def _candidates(self, claim: Claim) -> list[Fact]:
        """Facts that may state the value: also a bare number in a table, and "2vCPUs"."""
        keys = [value_keys(claim)[0]]
        if claim.kind is ClaimKind.DURATION:
            keys.append(claim.value)
        if claim.kind is ClaimKind.QUANTITY and not claim.unit:
            keys.append("".join(claim.text.lower().split()))
        return [fact for key in keys for fact in self._facts.get(key, ())]

    def _of_change(
        self, claim: Claim, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> Support | None:
        """What supports "from 34% to 71%" where the sources tell the two apart.

        And "3" in "6 days to Canada and 3 elsewhere", read with the unit of the figure beside.
        """
        if claim.kind is ClaimKind.NUMBER:
            context = self._context(claim, read, subjects, inherited)
            beside = [other for other in read.claims if other.kind in _WITH_UNITS]
            read_alike = (
                replace(claim, kind=c.kind, unit=c.unit, counted=c.counted, per=c.per)
                for c in beside
            )
            supports = (self._of_value(other, context) for other in read_alike)
            return next((support for support in supports if not support.reason), None)
        keys = value_keys(claim)
        if len(keys) == 1 or not claim.start or read.tokens[claim.start - 1].lower != "from":
            return None
        context = self._context(claim, read, subjects, inherited)
        ends = [
            self._of_value(replace(claim, value=value), context) for value in claim.value.split("-")
        ]
        return None if any(end.reason for end in ends) else ends[-1]

    def _alone_among(self, claim: Claim, context: _Context) -> Subject | None:
        """A subject that shares the value in the message, but in no source."""
        for subject in context.beside:
            facts = [f for f in self._candidates(claim) if value_mismatch(claim, f) is None]
            joined = f" {' '.join(subject.name)} and {' '.join(context.subjects[0].name)} "
            if any(joined in fact.source.word_stream for fact in facts):
                # "Oak and Ivy Vets" is one name.
                continue
            if not any(
                self._about_mismatch(claim, context, [subject], fact) is None for fact in facts
            ):
                return subject
        return None

    def _source_of_host(self, claim: Claim) -> Source | None:
        """The source of a link below the host that the message names without a path."""
        for facts in self._facts.values():
            for fact in facts:
                is_link = fact.claim.kind is ClaimKind.LINK
                if is_link and fact.claim.value.startswith(f"{claim.value}/"):
                    return fact.source
        return None

    def _about_mismatch(
        self, claim: Claim, context: _Context, wanted: Sequence[Subject], fact: Fact
    ) -> str | None:
        topic = context.topic
        if not all(name in fact.source.word_stream for name in context.names):
            return "no source says this of all that are named"
        there = fact.roots | fact.context_roots | fact.source.heading_roots
        has_topic = bool(topic.telling & there)
        if (
            wanted
            and not self._evidence.supports(wanted, fact, has_topic=has_topic)
            and (not context.is_circumstance or self._evidence.names_another(wanted[0], fact))
        ):
            return _other_subject(wanted, fact)
        is_code = claim.kind is ClaimKind.CODE
        if (
            not has_topic
            and not is_code
            and self._is_off_topic(claim, topic, fact, is_named=bool(wanted))
        ):
            return f"the value stands there about something else: {cut(fact.unit.shown)}"
        if is_code:
            return None
        better = not fact.source.is_request and better_fact(
            claim,
            topic,
            fact,
            self._all_facts,
            lambda rival: not wanted or self._evidence.supports(wanted, rival, has_topic=True),
        )
        if better:
            return f"of this the source says another value: {cut(better.unit.shown)}"
        return None

    def _is_off_topic(self, claim: Claim, topic: Topic, fact: Fact, *, is_named: bool) -> bool:
        """Whether the message says of what the value is, and the fact speaks of nothing of it.

        Words that no source knows may be other words for the same where a name already agrees; but
        not for prices, because a fee of that name may not exist.
        """
        if claim.kind is ClaimKind.MONEY:
            return bool(topic.head) or not (is_named or topic.clause & fact.roots)
        if is_named or _is_specific(claim):
            return False
        if not topic.clause & fact.roots:
            return True
        words = topic.head or topic.local
        return any(words & source.roots for source in self.sources[:-1])


def _is_reported(read: ReadSentence, low: int, high: int, place: int) -> bool:
    """Whether "you said" or the like stands around the token at `place`."""
    words = [token.lower for token in read.tokens[low:high]]
    return any(
        first in _READER
        and second in _SAID
        and (low or index <= _MAX_BEFORE_REPORT or index + low > place)
        for index, (first, second) in enumerate(pairwise(words))
    )


def _is_specific(claim: Claim) -> bool:
    """Whether the value is hardly ever met by chance: a range, a rate, a whole date."""
    if claim.kind is ClaimKind.DATE:
        return claim.value[:1].isdigit() and claim.value.count("?") <= 1
    return bool(claim.per) or len(value_keys(claim)) > 1


def _name_claim(read: ReadSentence, subject: Subject) -> Claim:
    tokens = read.tokens[subject.place : subject.end]
    return Claim(
        kind=ClaimKind.NAME,
        text=read.text[tokens[0].start : tokens[-1].end],
        value=" ".join(subject.name),
        sentence_index=read.index,
        start=subject.place,
    )


def _other_subject(wanted: Sequence[Subject], fact: Fact) -> str:
    name = " ".join(wanted[0].name)
    return f"the value does not stand there for {name}: {cut(fact.unit.shown)}"
