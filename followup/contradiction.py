"""Finds the words of a source that say the opposite of a sentence."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from followup.claims import ClaimKind, ReadSentence
from followup.polarity import (
    LIGHT_VERBS,
    Clause,
    conflicts,
    joined,
    read_polarity,
    says_alike,
    statement_stem,
)
from followup.relations import Placed, Relations, Side
from followup.sources import Source, SourceUnit
from followup.subjects import PLAN_WORDS, Subject, may_be_plan
from followup.vocabulary import content_stems, roots_of

_MIN_SHARE = 0.6
_MIN_AGREEING_SHARE = 0.45
_MIN_AGREEMENT = 0.85
_MIN_SHARED = 2
_MIN_COVERED = 0.65
"""Share of a denying clause, by weight, that the other side says: then they are of the same."""
_MIN_CLAUSE_STEMS = 3
_PLAN_STEMS = frozenset(map(statement_stem, PLAN_WORDS))
_PRONOUN = re.compile(r"(?:it|its|they|their|this|these|that)\b", re.IGNORECASE)
# "Native-speaker surcharge: none"
_NONE = re.compile(r"([^:.]{3,60}): (?:none|no|not available|not included)\.?", re.IGNORECASE)
_NO_CELLS = frozenset({"no", "none", "-", "x", "✗", "✘", "not included", "n/a", "not available"})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A unit of a source that denies what the sentence affirms, or affirms what it denies."""

    document: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a unit of a source states."""

    clause: Clause
    clauses: tuple[Clause, ...]
    stems: frozenset[str]
    document: str
    placed: Placed


class ContradictionFinder:
    """The statements of a message's passages, weighted by how rare their words are."""

    def __init__(
        self,
        sources: Sequence[Source],
        relations: Relations,
        *,
        known: frozenset[str],
        own: frozenset[str],
    ) -> None:
        """`known` stems are of courtesy, `own` ones of the lead's and product's names.

        Neither sets a statement apart from others; courtesies may be denied, though. `relations`
        tells of which plan a statement is.
        """
        self._relations = relations
        # "Feel free" is a courtesy, "not free" is none.
        self._ignored = (known | own) - {statement_stem("free")}
        self._own = own
        self._statements = [
            _Statement(clause, clauses, frozenset(clause.stems), source.document, placed)
            for source in sources
            if not source.is_request
            for clause, clauses, placed in _statements_of(source)
        ]
        self._frequency = Counter(stem for found in self._statements for stem in found.stems)

    def find(self, sentence: ReadSentence, subjects: Sequence[Subject]) -> Contradiction | None:
        """What contradicts the sentence or one of its clauses; None where nothing does.

        A statement is about the same where it holds at least 60% of the sentence's words, by
        weight. It contradicts only where no other holds as much and says the contested words as the
        sentence does.
        """
        clauses = read_polarity(_with_values(sentence))
        parts = [joined(clauses)]
        if len(clauses) > 1:
            parts += [clause for clause in clauses if len(clause.stems) >= _MIN_CLAUSE_STEMS]
        for part in parts:
            found = self._against(part, clauses, subjects)
            if found:
                return Contradiction(found.document, found.placed.unit.shown)
        return None

    def _against(
        self, part: Clause, clauses: Sequence[Clause], subjects: Sequence[Subject]
    ) -> _Statement | None:
        plans = [subject for subject in subjects if may_be_plan(subject)]
        others = [s for s in subjects if s not in plans and self._relations.is_told_of(s)]
        # Of whom a story tells, its sentences need not say.
        aside = frozenset(statement_stem(word) for other in others for word in other.name)
        said = frozenset(part.stems) - self._own - aside
        wanted = said - self._ignored
        total = self._weight(wanted)
        names = {statement_stem(word) for plan in plans for word in plan.name}
        opposed, opposed_share, contested = None, 0.0, frozenset[str]()
        agreeing: list[tuple[_Statement, float]] = []
        for statement in self._statements:
            shared = wanted & statement.stems
            if not shared or len(said & statement.stems) < _MIN_SHARED:
                continue
            covered = self._denied_share(part, clauses, statement, aside)
            found = _contested(part, clauses, statement) - self._own
            # What it says the opposite of, it cannot hold.
            missing = self._weight(wanted & found - statement.stems)
            share = max(self._weight(shared) / max(total - missing, 1), covered)
            if share < _MIN_AGREEING_SHARE:
                continue
            if found <= names and (not covered or len(plans) > 1):
                # "Comes with Scale, not with Growth" denies nothing of Growth itself.
                found = frozenset()
            if part.near_denials and statement.clause.near_denials:
                # "None for Meadow" and "not available for Meadow" agree about Meadow.
                found -= names
            if not found:
                agreeing.append((statement, share))
            elif self._is_of_another(plans, statement, found) or any(
                self._relations.side(other, statement.placed) is Side.RIVAL for other in others
            ):
                continue
            elif share > max(opposed_share, _MIN_SHARE):
                opposed, opposed_share, contested = statement, share, found
        if any(
            share >= _MIN_AGREEMENT * opposed_share
            and says_alike(part, statement.clause, contested)
            for statement, share in agreeing
        ):
            return None
        return opposed

    def _denied_share(
        self,
        part: Clause,
        clauses: Sequence[Clause],
        statement: _Statement,
        aside: frozenset[str],
    ) -> float:
        """How much one side's denying clauses are covered by what the other affirms; 0 or 1."""
        theirs = statement.clauses or (statement.clause,)
        pairs = [
            (_with_subject(theirs, place), frozenset(part.stems)) for place in range(len(theirs))
        ]
        ours = (
            clauses
            if len(clauses) > 1 and len(part.stems) == len(joined(clauses).stems)
            else [part]
        )
        pairs += [(_with_subject(ours, place), statement.stems) for place in range(len(ours))]
        for denying, stems in pairs:
            said = denying.near_denials - self._ignored - LIGHT_VERBS - aside
            said = frozenset(word for word in said if not word[0].isdigit())
            if not (denying.heads and len(said) >= _MIN_SHARED):
                continue
            covered = frozenset(word for word in said if word in stems or _in_roots(word, stems))
            if self._weight(covered) >= _MIN_COVERED * self._weight(said):
                return 1.0
        return 0.0

    def _is_of_another(
        self, plans: Sequence[Subject], statement: _Statement, contested: frozenset[str]
    ) -> bool:
        """Whether the contested words are said of other plans than the sentence's."""
        if not plans and statement.placed.is_cell and True in statement.clause.denied:
            # "Starter: No" says nothing of a plan that the sentence does not name.
            return True
        ours = {statement_stem(word) for plan in plans for word in plan.name}
        every = {statement_stem(w) for name in self._relations.plans for w in name}
        for clause in statement.clauses:
            named = every & set(clause.stems)
            if contested & set(clause.stems) and named:
                return bool(ours) and not named & ours
        return any(self._relations.side(plan, statement.placed) is Side.RIVAL for plan in plans)

    def _weight(self, stems: frozenset[str]) -> float:
        """Sum of the stems' inverse document frequencies: log(1 + statements / with the stem)."""
        num = len(self._statements)
        # Exact whatever the order of the set, so that equal shares stay equal.
        return math.fsum(math.log(1 + num / self._frequency.get(stem, 1)) for stem in stems)


def _contested(part: Clause, clauses: Sequence[Clause], statement: _Statement) -> frozenset[str]:
    """The words of one of our parts that a statement says the opposite of, plan words left out."""
    found = conflicts(part, statement.clause) - _PLAN_STEMS
    return frozenset(word for word in found if _is_of_same(word, clauses, statement))


def _is_of_same(word: str, clauses: Sequence[Clause], statement: _Statement) -> bool:
    """Whether a contested word stands in clauses of the same thing: two "stores" may be of two.

    A sentence of one clause speaks of one thing.
    """
    if len(clauses) == 1:
        return True
    ours = [set(clause.stems) for clause in clauses if word in clause.stems]
    theirs = [set(clause.stems) for clause in statement.clauses if word in clause.stems]
    if not ours or not theirs or any(len(stems) < _MIN_CLAUSE_STEMS for stems in (*ours, *theirs)):
        return True
    return any(len(a & b) > 1 for a in ours for b in theirs)


def _with_subject(clauses: Sequence[Clause], place: int) -> Clause:
    """A clause; one too short to tell of what it is, with the clause before."""
    clause = clauses[place]
    if place and clause.heads and len(set(clause.stems) - LIGHT_VERBS) < _MIN_SHARED:
        both = joined((clauses[place - 1], clause))
        return Clause(both.stems, both.denied, frozenset(both.stems), clause.heads)
    return clause


def _in_roots(word: str, stems: frozenset[str]) -> bool:
    return bool(roots_of((word,)) & roots_of(stems))


@lru_cache(maxsize=4_096)
def _statements_of(source: Source) -> tuple[tuple[Clause, tuple[Clause, ...], Placed], ...]:
    return tuple(_statements(source))


def _statements(source: Source) -> Iterator[tuple[Clause, tuple[Clause, ...], Placed]]:
    """What each unit states. A question states what the "yes" or "no" after it says.

    A unit that starts with a pronoun speaks of what the unit before it does.
    """
    before = Clause((), ())
    for place, unit in enumerate(source.units):
        text = _with_values(unit.sentence)
        placed = Placed(unit, place, source)
        if unit.cell_names:
            yield _in_context(_cell_clause(unit), unit.stems), (), placed
        elif text.rstrip("*_ ").endswith("?"):
            after = source.units[place + 1].sentence.text if place + 1 < len(source.units) else ""
            answer = after.split(maxsplit=1)[0].strip(",.!;:*_").lower() if after else ""
            if answer in {"yes", "no"}:
                yield _all(_whole(text).stems, denied=answer == "no"), (), placed
        elif (none := _NONE.fullmatch(text)) is not None:
            yield _all(_whole(none.group(1)).stems, denied=True), (), placed
        else:
            clause = _whole(text)
            if _PRONOUN.match(text):
                yield _in_context(clause, frozenset(before.stems)), read_polarity(text), placed
            else:
                before = clause
                yield clause, read_polarity(text), placed


def _in_context(clause: Clause, context: frozenset[str]) -> Clause:
    """The clause with stems that tell what it is about and neither affirm nor deny."""
    more = sorted(context - set(clause.stems))
    denied = (*[None] * len(more), *clause.denied)
    return Clause((*more, *clause.stems), denied, clause.near_denials, clause.heads)


def _cell_clause(unit: SourceUnit) -> Clause:
    column, _, cell = _with_values(unit.sentence).partition(": ")
    is_denied = cell.strip().lower() in _NO_CELLS
    names = set(map(statement_stem, content_stems(" ".join((*unit.cell_names, column)))))
    inside = joined(read_polarity(cell))
    return _all((*sorted(names - set(inside.stems)), *inside.stems), denied=is_denied)


def _all(stems: tuple[str, ...], *, denied: bool) -> Clause:
    heads = frozenset(stems) if denied else frozenset[str]()
    return Clause(stems, (denied,) * len(stems), heads, heads)


@lru_cache(maxsize=16_384)
def _whole(text: str) -> Clause:
    return joined(read_polarity(text))


def _with_values(sentence: ReadSentence) -> str:
    """The sentence with each figure in its normalised form: "two hundred dollars" -> "200"."""
    text = sentence.text
    for claim in sentence.claims:
        if claim.kind is not ClaimKind.NAME:
            text = text.replace(claim.text, f" {claim.value} ", 1)
    return text
