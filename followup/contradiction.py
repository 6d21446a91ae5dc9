"""Finds the words of a source that say the opposite of a sentence."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from followup.claims import ReadSentence
from followup.opposition import conflicts, says_alike
from followup.polarity import LIGHT_VERBS, Clause, joined, read_polarity, statement_stem
from followup.relations import Relations, Side
from followup.requirements import is_lifted, requirements
from followup.sources import Source
from followup.stated import Statement, figures_of, statements_of, with_values
from followup.subjects import PLAN_WORDS, Subject, may_be_plan
from followup.vocabulary import roots_of

_MIN_SHARE = 0.6
_MIN_AGREEING_SHARE = 0.45
_MIN_AGREEMENT = 0.85
_MIN_SHARED = 2
_MIN_COVERED = 0.65
"""Share of a denying clause, by weight, that the other side says: then they are of the same."""
_MIN_CLAUSE_STEMS = 3
_UNKNOWN = 3.0
"""Weight of a word that no statement has: it may be another word for one that it has."""
_INCLUDING = LIGHT_VERBS - frozenset(map(statement_stem, ("require", "support", "allow", "permit")))
"""What says that there is something tells nothing of what it is."""
_PLAN_STEMS = frozenset(map(statement_stem, PLAN_WORDS))


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A unit of a source that denies what the sentence affirms, or affirms what it denies."""

    document: str
    evidence: str


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
            statement
            for source in sources
            if not source.is_request
            for statement in statements_of(source)
        ]
        self._frequency = Counter(chain.from_iterable(found.stems for found in self._statements))
        self._found: dict[tuple[ReadSentence, tuple[Subject, ...]], Contradiction | None] = {}

    def find(self, sentence: ReadSentence, subjects: Sequence[Subject]) -> Contradiction | None:
        """What contradicts the sentence or one of its clauses; None where nothing does.

        A statement is about the same where it holds at least 60% of the sentence's words, by
        weight. It contradicts only where no other holds as much and says the contested words as the
        sentence does. A repaired message keeps most sentences of its draft, so each is kept.
        """
        if (key := (sentence, tuple(subjects))) not in self._found:
            self._found[key] = self._find(sentence, subjects)
        return self._found[key]

    def _find(self, sentence: ReadSentence, subjects: Sequence[Subject]) -> Contradiction | None:
        clauses = read_polarity(with_values(sentence))
        unsaid = [clause for clause in clauses if not self._is_said(clause, subjects)]
        parts = [joined(clauses)] if unsaid else []
        if len(clauses) > 1:
            parts += [clause for clause in unsaid if len(clause.stems) >= _MIN_SHARED]
        open_stems = frozenset(joined(unsaid).stems)
        for part in parts:
            found = self._against(part, clauses, subjects, open_stems)
            if found:
                return Contradiction(found.document, found.placed.unit.shown)
        lifted = self._lifted(sentence)
        return Contradiction(lifted.document, lifted.placed.unit.shown) if lifted else None

    def _lifted(self, sentence: ReadSentence) -> Statement | None:
        """A statement that something takes what the sentence says it does not, or the reverse."""
        return next(
            (
                statement
                for ours in requirements(sentence.text)
                for statement in self._statements
                for theirs in requirements(statement.placed.unit.sentence.text)
                if is_lifted(ours, theirs)
            ),
            None,
        )

    def _is_said(self, clause: Clause, subjects: Sequence[Subject]) -> bool:
        """Whether one statement says all words of a clause, each affirmed or denied as there."""
        pairs = zip(clause.stems, clause.denied, strict=True)
        ours = {pair for pair in pairs if pair[0] not in self._ignored}
        words = {word for word, _ in ours}
        if len(words) < _MIN_SHARED or not self._frequency.keys() >= words:
            return False
        plans = [subject for subject in subjects if may_be_plan(subject)]
        return any(
            ours <= found.said and not self._is_of_another(plans, found, words)
            for found in self._statements
        )

    def _against(
        self,
        part: Clause,
        clauses: Sequence[Clause],
        subjects: Sequence[Subject],
        open_stems: frozenset[str],
    ) -> Statement | None:
        plans = [subject for subject in subjects if may_be_plan(subject)]
        others = [s for s in subjects if s not in plans and self._relations.is_told_of(s)]
        # Of whom a story tells, its sentences need not say.
        aside = frozenset(statement_stem(word) for other in others for word in other.name)
        said = frozenset(part.stems) - self._own - aside
        wanted = frozenset(w for w in said - self._ignored - _INCLUDING if not w[0].isdigit())
        total = self._weight(wanted)
        names = {statement_stem(word) for plan in plans for word in plan.name}
        opposed, opposed_share, contested = None, 0.0, frozenset[str]()
        agreeing: list[tuple[Statement, float]] = []
        for statement in self._statements_on(part, wanted, said, subjects):
            shared = wanted & statement.stems
            covered = self._denied_share(part, clauses, statement, aside)
            found = _contested(part, clauses, statement) & open_stems - self._own
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
            elif self._is_of_another(_of_clause(plans, clauses, found), statement, found) or any(
                self._relations.side(other, statement.placed) is Side.RIVAL for other in others
            ):
                continue
            elif share > max(opposed_share, _MIN_SHARE):
                opposed, opposed_share, contested = statement, share, found
        is_agreed = any(
            share >= _MIN_AGREEMENT * opposed_share
            and says_alike(part, statement.clause, contested)
            for statement, share in agreeing
        )
        return None if is_agreed else opposed

    def _statements_on(
        self,
        part: Clause,
        wanted: frozenset[str],
        said: frozenset[str],
        subjects: Sequence[Subject],
    ) -> Iterator[Statement]:
        """The statements that share words with a part and may be of the same."""
        figures = figures_of(part)
        for statement in self._statements:
            if (
                not wanted.isdisjoint(statement.stems)
                and len(said & statement.stems) >= _MIN_SHARED
                and not _states_another(part, figures, statement)
                and not self._is_of_like_name(subjects, statement)
            ):
                yield statement

    def _denied_share(
        self,
        part: Clause,
        clauses: Sequence[Clause],
        statement: Statement,
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
        self, plans: Sequence[Subject], statement: Statement, contested: Set[str]
    ) -> bool:
        """Whether the contested words are said of other plans than the sentence's."""
        if not plans and statement.placed.is_cell and True in statement.clause.denied:
            # "Starter: No" says nothing of a plan that the sentence does not name.
            return True
        ours = {statement_stem(word) for plan in plans for word in plan.name}
        others = (s.name for s in self._relations.named_in(statement.placed) if may_be_plan(s))
        every = {statement_stem(w) for name in (*self._relations.plans, *others) for w in name}
        named: set[str] = set()
        for clause in statement.clauses:
            # "Plus has a calendar but no reminders": both are of Plus.
            named = every & set(clause.stems) or named
            if contested & set(clause.stems) and named:
                return bool(ours) and not named & ours
        return any(self._relations.side(plan, statement.placed) is Side.RIVAL for plan in plans)

    def _is_of_like_name(self, subjects: Sequence[Subject], statement: Statement) -> bool:
        """Whether a statement is of Reader S where the sentence speaks of Reader M."""
        ours = {s.name for s in subjects if len(s.name) > 1}
        theirs = {s.name for s in self._relations.named_in(statement.placed)} if ours else set()
        return not ours & theirs and any(
            len(name) == len(other) and name[:-1] == other[:-1] for name in ours for other in theirs
        )

    def _weight(self, stems: frozenset[str]) -> float:
        """Sum of the stems' inverse document frequencies: log(1 + statements / with the stem)."""
        num = len(self._statements)
        # Exact whatever the order of the set, so that equal shares stay equal.
        return math.fsum(
            math.log(1 + num / self._frequency[stem]) if stem in self._frequency else _UNKNOWN
            for stem in stems
        )


def _of_clause(
    plans: Sequence[Subject], clauses: Sequence[Clause], contested: Set[str]
) -> Sequence[Subject]:
    """The plans that the clauses of the contested words name; all where those name none.

    "Plus has no routes, though; those start with Max."
    """
    there = {word for c in clauses if not contested.isdisjoint(c.stems) for word in c.stems}
    named = [p for p in plans if not there.isdisjoint(map(statement_stem, p.name))]
    return named or plans


def _states_another(ours: Clause, figures: frozenset[str], statement: Statement) -> bool:
    """Whether each has figures and they share none: then they state two facts.

    What is 0 there may be denied here.
    """
    if ours.near_denials and "0" in statement.figures:
        return True
    return bool(figures and statement.figures) and figures.isdisjoint(statement.figures)


def _contested(part: Clause, clauses: Sequence[Clause], statement: Statement) -> frozenset[str]:
    """The words of one of our parts that a statement says the opposite of, plan words left out."""
    found = conflicts(part, statement.clause) - _PLAN_STEMS
    return frozenset(word for word in found if _is_of_same(word, clauses, statement))


def _is_of_same(word: str, clauses: Sequence[Clause], statement: Statement) -> bool:
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
