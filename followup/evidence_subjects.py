"""Which plan or customer a sentence or table cell of a source is about."""

from collections.abc import Sequence

from followup.agreement import Fact
from followup.claims import ClaimKind, ReadSentence
from followup.parts import leans, part_of
from followup.sources import Source, SourceUnit, word_stream
from followup.subjects import (
    KnownNames,
    Name,
    Subject,
    cell_subject_names,
    find_subjects,
    is_alike,
    same_subject,
)
from followup.value_subjects import (
    clause_of,
    coordinated,
    is_all_of,
    leading_subjects,
    subjects_of_value,
)

PRONOUNS = frozenset("it its they their this that these those he she his her both".split())  # noqa: SIM905


class EvidenceSubjects:
    """The subjects of the sources' units, read once a message."""

    def __init__(self, known: KnownNames) -> None:
        self.known = known
        self._in_unit: dict[SourceUnit, list[Subject]] = {}
        self._in_sentence: dict[str, list[Subject]] = {}
        self._is_about_cached: dict[tuple[Name, bool, Fact], bool] = {}

    def in_unit(self, unit: SourceUnit) -> list[Subject]:
        """The subjects that a unit's own words name."""
        if unit not in self._in_unit:
            found = find_subjects(unit.sentence, self.known)
            if unit.is_heading or unit.cell_names:
                found = [subject for subject in found if self._is_known(subject)]
            self._in_unit[unit] = found
        return self._in_unit[unit]

    def in_sentence(self, read: ReadSentence) -> list[Subject]:
        """The subjects that a sentence of the message names, wherever in it the sentence stands."""
        if read.text not in self._in_sentence:
            self._in_sentence[read.text] = find_subjects(read, self.known)
        return self._in_sentence[read.text]

    def _is_known(self, subject: Subject) -> bool:
        return subject.is_plan or subject.name in self.known.by_first_word.get(subject.name[0], ())

    def _named_by(self, unit: SourceUnit) -> list[Name]:
        """The names that the row and column of a table cell are."""
        return [n for cell in unit.cell_names for n in cell_subject_names(cell, self.known)]

    def of_cell(self, unit: SourceUnit) -> list[Name]:
        """The names that the row and column of a table cell stand for."""
        names = self._named_by(unit)
        for cell in unit.cell_names:
            stream = word_stream(cell)
            names += [
                self.known.canonical(plan)
                for plan in self.known.plans
                if f" {' '.join(plan)} " in stream
            ]
        return names

    def supports(self, wanted: Sequence[Subject], fact: Fact) -> bool:
        """Whether a fact may be about one of the subjects: it is theirs, or nobody else's.

        What a source says of no plan in particular holds for every plan.
        """
        return any(self._is_about_once(subject, fact) for subject in wanted)

    def is_told_of(self, wanted: Sequence[Subject], fact: Fact) -> bool:
        """Whether the fact's own words, row or heading name one of the subjects."""
        names = [*self.of_cell(fact.unit), *(s.name for s in self.in_unit(fact.unit))]
        return any(
            self.is_headed(s, fact.source) or any(_same(s, name) for name in names) for s in wanted
        )

    def _is_about_once(self, subject: Subject, fact: Fact) -> bool:
        key = (subject.name, subject.is_plan, fact)
        if key not in self._is_about_cached:
            self._is_about_cached[key] = self._is_about(subject, fact)
        return self._is_about_cached[key]

    def _is_about(self, subject: Subject, fact: Fact) -> bool:
        unit, source = fact.unit, fact.source
        if unit.cell_names:
            return self._is_cell_of(subject, unit, source)
        about = self._subjects_of(fact)
        is_beside = (
            self._is_only_plan(subject, fact)
            if subject.is_plan
            else self._is_named_beside(subject, fact)
        )
        if is_beside or any(_same(subject, other.name) for other in about):
            return True
        is_headed = self.is_headed(subject, source)
        rivals = [other for other in about if self._is_rival(other, subject)]
        # On a customer's own page a person or a town is no other customer.
        if rivals and (subject.is_plan or not is_headed or any(map(self._has_page, rivals))):
            return False
        inherited = [] if about else self.inherited(unit, fact.unit_index, source)
        if is_headed or any(_same(subject, other.name) for other in inherited):
            return True
        leans_on_rival = leans(unit.sentence) and any(
            self._is_rival(other, subject) for other in inherited
        )
        # Of whom a story tells without a name, it does not tell of somebody else.
        is_of_story = source.is_of_customers and not subject.is_plan
        return not (leans_on_rival or is_of_story or self.is_headed_by_another(subject, source))

    def _is_rival(self, other: Subject, subject: Subject) -> bool:
        """Whether a name in the sources is of the subject's kind, so that a figure is its own."""
        if not is_alike(other, subject):
            return False
        return other.is_plan or subject.is_plan or self.known.is_told_of(other.name)

    def is_headed_by_another(self, subject: Subject, source: Source) -> bool:
        """Whether the nearest heading that names anyone of the subject's kind names another."""
        for head in reversed([unit for unit in source.units if unit.is_heading]):
            names = [s.name for s in self.in_unit(head) if is_alike(s, subject)]
            if names:
                return not any(_same(subject, name) for name in names)
        return False

    def _is_only_plan(self, plan: Subject, fact: Fact) -> bool:
        """Whether the sentence names the plan and no other, or tells the value of all together."""
        places = {s.name: s.end for s in self.in_unit(fact.unit) if s.is_plan}
        if plan.name not in places or len(places) == 1:
            return plan.name in places
        # "$780 for Plus, $1,450 for Max, for two days": what comes last is of both.
        kinds: list[ClaimKind] = [
            c.kind for c in fact.unit.sentence.claims if c.kind is not ClaimKind.NAME
        ]
        has_list = any(kinds.count(kind) == len(places) for kind in kinds)
        low, _ = clause_of(fact.unit.sentence.tokens, fact.claim.start)
        is_last = low >= max(places.values())
        return has_list and is_last and kinds.count(fact.claim.kind) == 1

    def _is_named_beside(self, subject: Subject, fact: Fact) -> bool:
        """Whether the sentence names the subject, and no other stands nearer to the value."""
        sentence = fact.unit.sentence
        others = [s for s in self.in_unit(fact.unit) if s.is_plan == subject.is_plan]
        own = [s for s in others if _same(subject, s.name)]
        like = [c for c in sentence.claims if c.kind is fact.claim.kind]
        if len(like) == 1:
            return bool(own)
        for span in (clause_of, part_of):
            low, high = span(sentence.tokens, fact.claim.start)
            if any(low <= s.place < high for s in own):
                return True
            if any(low <= s.place < high for s in others):
                return False
        return bool(own)

    def _subjects_of(self, fact: Fact) -> list[Subject]:
        """The subjects that a fact's own sentence gives the value to."""
        unit = fact.unit
        # "It includes everything in Convoy and adds 900 requests" gives Convoy nothing.
        tokens = unit.sentence.tokens
        named = [s for s in self.in_unit(unit) if not is_all_of(tokens, s.place)]
        about = subjects_of_value(unit.sentence, named, fact.claim)
        about += [other for s in about for other in coordinated(unit.sentence, named, s)]
        low, high = clause_of(unit.sentence.tokens, fact.claim.start)
        if named and not any(low <= s.place < high for s in named):
            # "Globex is one of the first Acme users, saving 5%": the sentence is about Globex.
            about += leading_subjects(unit.sentence.tokens, named)
        return about

    def _is_cell_of(self, subject: Subject, unit: SourceUnit, source: Source) -> bool:
        names = self.of_cell(unit)
        if any(_same(subject, name) for name in names) or self.is_headed(subject, source):
            return True
        if not subject.is_plan or any(name in self.known.plans for name in names):
            return False
        row = [other for other in source.units if other.shown == unit.shown]
        if any(_same(subject, name) for other in row for name in self._named_by(other)):
            # Another cell is in the subject's own column: this one is not the subject's.
            return False
        # "Hours saved: 15; Growth price: $299": the row tells of one plan.
        names = [name for other in row for name in self.of_cell(other)]
        return {name for name in names if name in self.known.plans} <= {subject.name}

    def inherited(self, unit: SourceUnit, unit_index: int, source: Source) -> list[Subject]:
        """The subjects of the nearest sentence before that names any."""
        for earlier in reversed(source.units[:unit_index]):
            subjects = self.in_unit(earlier)
            if subjects:
                return leading_subjects(earlier.sentence.tokens, subjects)
        return []

    def is_headed(self, subject: Subject, source: Source) -> bool:
        """Whether title, section or document name hold the subject."""
        return f" {' '.join(subject.name)} " in source.heading_stream

    def _has_page(self, subject: Subject) -> bool:
        return self.known.is_headed(subject.name)


def _same(subject: Subject, name: Name) -> bool:
    return same_subject(subject.name, name, is_plan=subject.is_plan)
