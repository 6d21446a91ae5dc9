"""Finds the words of a source that support a claim, or says why none do."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from followup.agreement import TIME_UNITS, Fact, cut, value_mismatch
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.sources import Source, SourceUnit, word_stream
from followup.subjects import (
    KnownNames,
    Subject,
    cell_subject_names,
    find_subjects,
    known_names,
    leading_subjects,
    same_subject,
    subjects_of_value,
)
from followup.vocabulary import content_stems, stem

_ABOUT_CHECKED = frozenset(
    {
        ClaimKind.MONEY,
        ClaimKind.PERCENT,
        ClaimKind.QUANTITY,
        ClaimKind.NUMBER,
        ClaimKind.DURATION,
        ClaimKind.DATE,
    }
)
_STRONG_CLAUSE_ENDS = frozenset({";", "but", "while", "whereas"})
_MIN_QUOTED_WORDS = 3
_UNIT_STEMS = frozenset(map(stem, (*TIME_UNITS, "percent", "dollar", "euro", "usd")))


@dataclass(frozen=True, slots=True)
class Support:
    """The source and the words that support a claim, or the reason why nothing does."""

    document: str = ""
    evidence: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Context:
    """What the message says around a claim."""

    subjects: list[Subject]
    stems: frozenset[str]


class SupportFinder:
    """The sources of one message, indexed by value."""

    def __init__(self, sources: Sequence[Source], own: frozenset[str]) -> None:
        self.sources = sources
        self.known: KnownNames = known_names(sources, own)
        self._own_stems = frozenset(stem(word) for line in own for word in line.split())
        self._facts: Mapping[str, list[Fact]] = self._index()
        self._unit_subjects: dict[int, list[Subject]] = {}

    def _index(self) -> Mapping[str, list[Fact]]:
        facts: defaultdict[str, list[Fact]] = defaultdict(list)
        for source in self.sources:
            for unit_index, unit in enumerate(source.units):
                for claim in unit.sentence.claims:
                    key = "date" if claim.kind is ClaimKind.DATE else claim.value
                    facts[key].append(Fact(claim, unit, source, unit_index))
        return facts

    def find(
        self, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> list[tuple[Claim, Support]]:
        """What supports each claim of a sentence of the message, in its order.

        `subjects` are the sentence's own, `inherited` what its "it" means.
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
            found.append((claim, support))
        return found

    def _quoted_from(self, read: ReadSentence) -> Source | None:
        if len(read.tokens) < _MIN_QUOTED_WORDS:
            return None
        line = read.text.lower()
        return next((source for source in self.sources if line in source.lines), None)

    def _context(
        self, claim: Claim, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> _Context:
        about = subjects_of_value(read.tokens, subjects, claim.start) or inherited
        stems = self._clause_stems(claim, read) or self._meaning(read.text)
        return _Context(about, stems)

    def _clause_stems(self, claim: Claim, read: ReadSentence) -> frozenset[str]:
        words: list[str] = []
        for place, token in enumerate(read.tokens):
            if token.lower in _STRONG_CLAUSE_ENDS:
                if place > claim.start:
                    break
                words.clear()
            words.append(token.lower)
        return self._meaning(" ".join(words))

    def _meaning(self, text: str) -> frozenset[str]:
        """Content stems, without the own names that stand everywhere and without units."""
        return content_stems(text) - self._own_stems - _UNIT_STEMS

    def _of_name(self, claim: Claim) -> Support:
        """A name is supported where its words stand in a row, or where it is made of such names."""
        stream = word_stream(claim.value)
        # The request goes first: the lead's own name is not the documents' to support.
        for source in (self.sources[-1], *self.sources[:-1]):
            if stream in source.word_stream:
                return Support(source.document, self._words_with(source, stream, claim))
        if self._is_made_of_known(tuple(stream.split())):
            return Support(self._first_document(stream), claim.text)
        return Support(reason="no source has this name")

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
        first_word = f" {stream.split(maxsplit=1)[0]} "
        return next(s.document for s in self.sources if first_word in s.word_stream)

    def _words_with(self, source: Source, stream: str, claim: Claim) -> str:
        shown = (unit.shown for unit in source.units if stream in word_stream(unit.shown))
        return next(shown, claim.text)

    def _of_value(self, claim: Claim, context: _Context) -> Support:
        key = "date" if claim.kind is ClaimKind.DATE else claim.value
        reason = "no source has this value"
        for fact in self._facts.get(key, ()):
            mismatch = value_mismatch(claim, fact)
            if mismatch is None and claim.kind in _ABOUT_CHECKED:
                mismatch = self._about_mismatch(context, fact)
            if mismatch is None:
                return Support(fact.source.document, fact.unit.shown)
            reason = mismatch or reason
        if claim.kind is ClaimKind.LINK:
            source = self._source_of_host(claim)
            if source:
                return Support(source.document, claim.text)
        return Support(reason=reason)

    def _source_of_host(self, claim: Claim) -> Source | None:
        """The source of a link below the host that the message names without a path."""
        for facts in self._facts.values():
            for fact in facts:
                is_link = fact.claim.kind is ClaimKind.LINK
                if is_link and fact.claim.value.startswith(f"{claim.value}/"):
                    return fact.source
        return None

    def _about_mismatch(self, context: _Context, fact: Fact) -> str | None:
        wanted = [s for s in context.subjects if s.is_plan] or context.subjects
        if wanted:
            return None if self._names_one_of(wanted, fact) else _other_subject(wanted, fact)
        if context.stems & fact.unit.stems:
            return None
        return f"the value stands there about something else: {cut(fact.unit.shown)}"

    def _names_one_of(self, wanted: Sequence[Subject], fact: Fact) -> bool:
        """Whether the evidence is about one of the subjects: by its words, row, or heading."""
        unit, source = fact.unit, fact.source
        if unit.cell_names:
            names = [n for cell in unit.cell_names for n in cell_subject_names(cell, self.known)]
            if any(
                same_subject(s, n, is_plan=n in self.known.plans) for s in wanted for n in names
            ):
                return True
            if any(name in self.known.plans for name in names) and wanted[0].is_plan:
                return False
            return _is_headed(wanted, source)
        subjects = self._subjects_in(unit)
        about = subjects_of_value(unit.sentence.tokens, subjects, fact.claim.start)
        if about:
            is_same = any(same_subject(s, o.name, is_plan=o.is_plan) for s in wanted for o in about)
            rivals = [o for o in about if o.is_plan == wanted[0].is_plan]
            return is_same or (not rivals and _is_headed(wanted, source))
        return self._inherits(wanted, fact) or _is_headed(wanted, source)

    def _inherits(self, wanted: Sequence[Subject], fact: Fact) -> bool:
        """Whether the nearest sentence before that names a subject names one of these."""
        for unit in reversed(fact.source.units[: fact.unit_index]):
            subjects = self._subjects_in(unit)
            if subjects:
                leading = leading_subjects(unit.sentence.tokens, subjects)
                return any(
                    same_subject(s, o.name, is_plan=o.is_plan) for s in wanted for o in leading
                )
        return False

    def _subjects_in(self, unit: SourceUnit) -> list[Subject]:
        key = id(unit)
        if key not in self._unit_subjects:
            self._unit_subjects[key] = find_subjects(unit.sentence, self.known)
        return self._unit_subjects[key]


def _is_headed(wanted: Sequence[Subject], source: Source) -> bool:
    return any(f" {' '.join(subject.name)} " in source.heading_stream for subject in wanted)


def _other_subject(wanted: Sequence[Subject], fact: Fact) -> str:
    name = " ".join(wanted[0].name)
    return f"the value does not stand there for {name}: {cut(fact.unit.shown)}"
