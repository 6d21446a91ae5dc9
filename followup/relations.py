"""Finds the subjects of which a message says what the sources say of another."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from itertools import pairwise

from followup.claims import ReadSentence
from followup.customer_plans import CustomerPlans
from followup.evidence_subjects import PRONOUNS, EvidenceSubjects
from followup.said_of import MIN_WORDS, is_contrasted, said_of, says_enough
from followup.sources import Source, SourceUnit, word_stream
from followup.subjects import PLAN_WORDS, Name, Subject, same_subject
from followup.value_subjects import (
    ALL_OF,
    is_all_of,
    upright_subjects,
    word_before,
)
from followup.vocabulary import content_stems

MIN_COVERED = 0.6
"""Share of what is said, by weight, that the sources must say of the other subject."""
MIN_COVERED_OF_MENTIONED = 0.8
"""The same of a name of which the sources tell nothing else."""
MAX_OWN_SHARE = 0.7
"""Below this share of that, what the sources say of the subject itself is something else."""
_MAX_LISTED = 8
_NEGATIONS = frozenset(
    "not no never without except unless neither nor cannot doesn't don't isn't aren't".split()  # noqa: SIM905
)
_EVERY = frozenset({"every", "all", "any", "each", "both"})
_NO_CELLS = frozenset({"no", "none", "-", "x", "n/a", "not included", "false", "✗", "✕", "❌"})


class Side(Enum):
    """Of whom a unit speaks: the subject, another like it, or nobody in particular."""

    OWN = auto()
    RIVAL = auto()
    GENERAL = auto()


@dataclass(frozen=True, slots=True)
class Placed:
    """A unit of a source with where it stands."""

    unit: SourceUnit
    index: int
    source: Source

    @property
    def is_cell(self) -> bool:
        """Whether the unit is a cell of a table."""
        return bool(self.unit.cell_names)


class Relations:
    """What the sources of one message say of whom."""

    def __init__(self, sources: Sequence[Source], evidence: EvidenceSubjects) -> None:
        self._sources = sources
        self._evidence = evidence
        self._customer_plans = CustomerPlans(sources[:-1], evidence)
        self._included: dict[Name, frozenset[Name]] = {}

    def subjects_of(self, read: ReadSentence) -> list[Subject]:
        """The subjects that a sentence of the message names."""
        return self._evidence.in_sentence(read)

    def is_told_of(self, subject: Subject) -> bool:
        """Whether the sources tell things of the subject; see KnownNames."""
        return self._evidence.known.is_told_of(subject.name)

    def named_in(self, placed: Placed) -> list[Subject]:
        """The subjects that a unit of a source names."""
        return self._evidence.in_unit(placed.unit)

    @property
    def plans(self) -> frozenset[Name]:
        """The names of all plans."""
        return self._evidence.known.plans

    @cached_property
    def _units(self) -> list[Placed]:
        return [Placed(u, i, s) for s in self._sources[:-1] for i, u in enumerate(s.units)]

    @cached_property
    def _by_stem(self) -> dict[str, list[int]]:
        """Indices of the units that hold a stem."""
        places: defaultdict[str, list[int]] = defaultdict(list)
        for index, placed in enumerate(self._units):
            for word in placed.unit.stems:
                places[word].append(index)
        return places

    def misplaced(
        self, read: ReadSentence, subjects: Sequence[Subject], wanted: Sequence[Subject]
    ) -> Iterator[tuple[Subject, str]]:
        """Each misplaced subject in `wanted`, with the words that name the right one.

        Words count by log(1 + units / units with it). A question says nothing; what is negated is
        only held against what is.
        """
        if read.text.endswith("?"):
            return
        everywhere = self._restricted(read)
        if everywhere:
            yield everywhere
        yield from self._customer_plans.misplaced(read, subjects)
        for subject in wanted:
            if not subject.is_plan and word_before(read.tokens, subject.place) == "in":
                # Where it holds, "in Europe", is not of whom it is said.
                continue
            whole = said_of(read, subjects, subject)
            pieces = [said_of(read, subjects, subject, in_piece=True)] if subject.is_plan else []
            for said in dict.fromkeys((whole, *pieces)):
                words = self._misplacing(read, subjects, subject, said)
                if words:
                    yield subject, words
                    break

    def _misplacing(
        self,
        read: ReadSentence,
        subjects: Sequence[Subject],
        subject: Subject,
        said: frozenset[str],
    ) -> str:
        """The words that say of another what is said of a subject, or ""."""
        is_enough = says_enough(read, subjects, subject, said)
        if not is_enough or is_contrasted(read, subject):
            return ""
        # Of a tool or town much must be said elsewhere, word for word.
        if self._evidence.known.is_only_asked(subject.name):
            return ""
        is_told = subject.is_plan or self.is_told_of(subject)
        if not is_told and len(said) <= MIN_WORDS:
            return ""
        covered = MIN_COVERED if is_told else MIN_COVERED_OF_MENTIONED
        beside = [s for s in subjects if not s.is_plan]
        return self._said_of_another(subject, said, covered, beside, is_negated=_is_negated(read))

    def _restricted(self, read: ReadSentence) -> tuple[Subject, str] | None:
        """What is said of every plan where the sources say it of some: "API: Branch only"."""
        places = [
            place
            for place, (first, second) in enumerate(pairwise(read.tokens))
            if first.lower in _EVERY and second.lower in PLAN_WORDS
        ]
        if not places:
            return None
        subject = Subject(("every",), places[0], places[0] + 2, is_plan=True, is_role=True)
        said = said_of(read, [], subject) - _EVERY
        words = self._said_of_another(subject, said, MIN_COVERED, (), is_negated=_is_negated(read))
        return (subject, words) if words else None

    def _said_of_another(
        self,
        subject: Subject,
        said: frozenset[str],
        covered: float,
        beside: Sequence[Subject],
        *,
        is_negated: bool,
    ) -> str:
        """The words that say of another most of what is said of the subject, or ""."""
        fits: defaultdict[int, float] = defaultdict(float)
        total = 0.0
        for word in sorted(said):
            places = self._by_stem.get(word, ())
            weight = math.log(1 + len(self._units) / max(len(places), 1))
            total += weight
            for place in places:
                fits[place] += weight
        enough = covered * total
        rival, general, words = 0.0, 0.0, ""
        for place, fit in sorted(fits.items(), key=lambda item: -item[1]):
            if fit < MAX_OWN_SHARE * (rival or enough):
                break
            placed = self._units[place]
            side = self.side(subject, placed, beside)
            if side is Side.OWN:
                own_words = content_stems(placed.unit.sentence.text)
                if not (said & own_words or self._evidence.is_headed(subject, placed.source)):
                    # "Two-step login is part of every plan", under "Single sign-on".
                    continue
                return ""
            if side is Side.GENERAL and not placed.unit.is_heading:
                general = max(general, fit)
            is_like = _is_negated(placed.unit.sentence) == is_negated
            if side is Side.RIVAL and is_like and not rival and fit >= enough:
                rival, words = fit, placed.unit.shown
        # What names no plan says nothing of which plan has it, unless it says more.
        return words if rival >= general else ""

    def _all_of(self, plan: Name) -> frozenset[Name]:
        """The plans of which the sources say that this one has all: "everything in Starter"."""
        if plan not in self._included:
            found: set[Name] = set()
            wanted = {plan}
            for _ in range(2):
                for owners, parts in self._inclusions:
                    if wanted & owners:
                        found |= parts
                wanted |= found
            self._included[plan] = frozenset(found - {plan})
        return self._included[plan]

    @cached_property
    def _inclusions(self) -> list[tuple[set[Name], set[Name]]]:
        """(plans that have all of others, those others) of each unit that says so."""
        found = []
        for placed in self._units:
            tokens = placed.unit.sentence.tokens
            if not any(token.lower in ALL_OF for token in tokens):
                continue
            named = [s for s in self._evidence.in_unit(placed.unit) if s.is_plan]
            parts = {s.name for s in named if is_all_of(tokens, s.place)}
            owners = {s.name for s in named} - parts
            owners.update(self._evidence.of_cell(placed.unit))
            if parts:
                found.append((owners, parts))
        return found

    def side(self, subject: Subject, placed: Placed, beside: Sequence[Subject] = ()) -> Side | None:
        """Whom a unit speaks of; None where it says nothing of anyone.

        What the message names `beside` the subject is no other than it means.
        """
        unit, evidence = placed.unit, self._evidence
        if unit.cell_names and unit.sentence.text.rpartition(": ")[2].lower() in _NO_CELLS:
            return None
        like = [s for s in evidence.in_unit(unit) if s.is_plan == subject.is_plan]
        if subject.is_plan:
            like = upright_subjects(unit.sentence, like) or like
        cell_names = evidence.of_cell(unit)
        if subject.is_plan and any(name in evidence.known.plans for name in cell_names):
            # "Grow plus reviews" in the row of Branch is of Branch.
            like = []
        names = [*(s.name for s in like), *cell_names]
        included = self._all_of(subject.name) if subject.is_plan else frozenset()
        is_own = _holds(subject, names) or bool(included.intersection(names))
        is_own |= subject.is_plan and _names_every_plan(unit.sentence)
        is_own |= unit.shown.endswith(":") and self._is_listed(subject, placed)
        if is_own or evidence.is_headed(subject, placed.source):
            return Side.OWN
        is_cell_of_plan = any(name in evidence.known.plans for name in cell_names)
        if not subject.is_plan:
            like = [s for s in like if not any(_holds(other, [s.name]) for other in beside)]
        if (
            like
            or (subject.is_plan and is_cell_of_plan)
            or (
                evidence.is_headed_by_another(subject, placed.source)
                and not any(evidence.is_headed(other, placed.source) for other in beside)
            )
        ):
            return Side.RIVAL
        if unit.cell_names:
            return None
        return self._side_of_nameless(subject, included, placed)

    def _is_listed(self, subject: Subject, placed: Placed) -> bool:
        """Whether the list that a unit announces names the subject."""
        after = placed.source.units[placed.index + 1 : placed.index + 1 + _MAX_LISTED]
        return any(f" {' '.join(subject.name)} " in word_stream(unit.shown) for unit in after)

    def _side_of_nameless(
        self, subject: Subject, included: frozenset[Name], placed: Placed
    ) -> Side | None:
        sentence = placed.unit.sentence
        before = self._evidence.inherited(placed.unit, placed.index, placed.source)
        inherited = [s.name for s in before if s.is_plan == subject.is_plan]
        if _holds(subject, inherited):
            return Side.OWN
        if _names_every_plan(sentence):
            return Side.OWN if subject.is_plan else None
        is_of_another = bool(inherited) and not included.intersection(inherited)
        # "He" may be someone named two sentences before; "it", after a plan, is that plan.
        if subject.is_plan and is_of_another and _is_leaning(sentence):
            return Side.RIVAL
        return Side.GENERAL


def _holds(subject: Subject, names: Sequence[Name]) -> bool:
    return any(same_subject(subject.name, name, is_plan=subject.is_plan) for name in names)


def _is_negated(sentence: ReadSentence) -> bool:
    return any(token.lower in _NEGATIONS for token in sentence.tokens)


def _names_every_plan(sentence: ReadSentence) -> bool:
    words = [token.lower for token in sentence.tokens]
    return any(first in _EVERY and second in PLAN_WORDS for first, second in pairwise(words))


def _is_leaning(sentence: ReadSentence) -> bool:
    return bool(sentence.tokens) and sentence.tokens[0].lower in PRONOUNS
