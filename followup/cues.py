"""A small grammar over clauses: word classes, patterns that use them, and what takes them back.

A pattern is a regular expression in which `{name}` stands for any word of the class `name`. A cue
is looked for clause by clause. Words that match `not_meant` are cut out of the clause first; a
match of `unless` in the clause, or of `unless_nearby` in its sentence or the next one, cancels the
cue. What counts in the end is the latest of the statements that show a situation or take it back.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from followup.clauses import Clause
from followup.lexicon import PROPER_NAME, Lexicon

_CUT = " # "
_HEEDS_CASE = ("(?-i:", f"{{{PROPER_NAME}}}")
_LONG_AGO_DAYS = 60
"""A statement this old is older than one of which nothing is said about its time."""


class Cue(BaseModel):
    """One way to show a situation.

    Patterns ignore case, but for `{proper_name}` and `(?-i:...)`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: tuple[str, ...] = Field(
        min_length=1, description="Word classes of one of which a clause must hold a word."
    )
    patterns: tuple[str, ...] = Field(min_length=1, description="Any of these shows the situation.")
    not_meant: tuple[str, ...] = Field(
        default=(),
        description="Words that are cut out of the clause before the patterns are tried.",
    )
    and_needs: tuple[str, ...] = Field(
        default=(), description="Classes of one of which it must hold a word as well."
    )
    unless: tuple[str, ...] = Field(default=(), description="Cancels the cue in its clause.")
    unless_nearby: tuple[str, ...] = Field(
        default=(), description="Cancels the cue from its own sentence or the next one."
    )


class Cues(BaseModel):
    """What shows a situation, by the name of the cue, and what takes it back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shown_by: dict[str, Cue]
    taken_back_by: dict[str, Cue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Signal:
    shows: bool
    clause: Clause


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A compiled pattern. Where no case is heeded, lower-case text makes it faster."""

    expression: re.Pattern[str]
    heeds_case: bool

    def of(self, clause: Clause) -> str:
        """The form of the clause that this pattern is tried on."""
        return clause.text if self.heeds_case else clause.lower

    def is_in(self, text: str) -> bool:
        """Whether it matches anywhere in a text of any case."""
        return self.expression.search(text if self.heeds_case else text.lower()) is not None


@dataclass(frozen=True, slots=True)
class _CompiledCue:
    needs: frozenset[str]
    and_needs: frozenset[str]
    needs_name: bool
    patterns: _Pattern
    not_meant: _Pattern | None
    unless: _Pattern | None
    unless_nearby: _Pattern | None

    def last_match(self, clause: Clause) -> int | None:
        """Where the cue's last match begins in the clause, or None."""
        if not self._may_match(clause):
            return None
        text = self.patterns.of(clause)
        if self.patterns.expression.search(text) is None:
            return None
        if self.not_meant:
            text = self.not_meant.expression.sub(_CUT, text)
        start = None
        for match in self.patterns.expression.finditer(text):
            start = match.start()
        return None if start is None or self._is_cancelled(clause) else start

    def _may_match(self, clause: Clause) -> bool:
        if self.needs.isdisjoint(clause.classes):
            return False
        if self.needs_name and clause.text == clause.lower:
            return False
        return not self.and_needs or not self.and_needs.isdisjoint(clause.classes)

    def _is_cancelled(self, clause: Clause) -> bool:
        if self.unless and self.unless.is_in(clause.text):
            return True
        if self.unless_nearby is None:
            return False
        return self.unless_nearby.is_in(f"{clause.sentence} . {clause.next_sentence}")


@dataclass(frozen=True, slots=True)
class Grammar:
    """The cues of one situation, ready to be asked."""

    shown_by: tuple[_CompiledCue, ...]
    taken_back_by: tuple[_CompiledCue, ...]
    needs: frozenset[str]
    """Classes of one of which a clause must hold a word for any cue."""

    def is_shown(self, clauses: Iterable[Clause]) -> bool:
        """Whether the latest statement about the situation shows it."""
        signals = [signal for clause in clauses for signal in self._signals(clause)]
        return bool(signals) and _latest(signals).shows

    def showing(self, clauses: Iterable[Clause]) -> list[Clause]:
        """The clauses that show the situation, whatever takes it back."""
        return [clause for clause in clauses if _last(self.shown_by, clause) >= 0]

    def _signals(self, clause: Clause) -> Iterator[_Signal]:
        """What a clause says, in the order of its words."""
        if self.needs.isdisjoint(clause.classes):
            return
        shown, taken = _last(self.shown_by, clause), _last(self.taken_back_by, clause)
        found = [(place, shows) for place, shows in ((taken, False), (shown, True)) if place >= 0]
        for _, shows in sorted(found):
            yield _Signal(shows, clause)


def compile_grammar(cues: Cues, lexicon: Lexicon) -> Grammar:
    """The grammar of the cues. Raises ValueError for a wrong pattern or an unknown word class."""
    shown = tuple(_compiled(cue, lexicon) for cue in cues.shown_by.values())
    taken_back = tuple(_compiled(cue, lexicon) for cue in cues.taken_back_by.values())
    needs = frozenset().union(*(cue.needs for cue in (*shown, *taken_back)))
    return Grammar(shown, taken_back, needs)


def _last(cues: Iterable[_CompiledCue], clause: Clause) -> int:
    places = [place for cue in cues if (place := cue.last_match(clause)) is not None]
    return max(places, default=-1)


def _latest(signals: Sequence[_Signal]) -> _Signal:
    """The last in time as far as the history tells it, else the last in the text."""
    dates = [signal.clause.date for signal in signals]
    ages = [signal.clause.age_days for signal in signals]
    places = range(len(signals))
    if all(date is not None for date in dates):
        return signals[max(places, key=lambda i: (dates[i] or (0, 0, 0), i))]
    if any(dates) or all(age is None for age in ages):
        return signals[-1]
    if any(age is None for age in ages):
        ages = [0 if age is None or age < _LONG_AGO_DAYS else age for age in ages]
    return signals[max(places, key=lambda i: (-(ages[i] or 0), i))]


def _compiled(cue: Cue, lexicon: Lexicon) -> _CompiledCue:
    for name in (*cue.needs, *cue.and_needs):
        lexicon.check(name)
    heeds_case = any(map(_heeds_case, (*cue.patterns, *cue.not_meant)))
    not_meant = _alternatives(cue.not_meant, lexicon, heeds_case=heeds_case)
    return _CompiledCue(
        needs=frozenset(cue.needs),
        and_needs=frozenset(cue.and_needs),
        needs_name=all(map(_heeds_case, cue.patterns)),
        patterns=_alternatives(cue.patterns, lexicon, heeds_case=heeds_case),
        not_meant=not_meant if cue.not_meant else None,
        unless=_any_case(cue.unless, lexicon) if cue.unless else None,
        unless_nearby=_any_case(cue.unless_nearby, lexicon) if cue.unless_nearby else None,
    )


def _heeds_case(pattern: str) -> bool:
    return any(mark in pattern for mark in _HEEDS_CASE)


def _any_case(patterns: Sequence[str], lexicon: Lexicon) -> _Pattern:
    return _alternatives(patterns, lexicon, heeds_case=any(map(_heeds_case, patterns)))


def _alternatives(patterns: Sequence[str], lexicon: Lexicon, *, heeds_case: bool) -> _Pattern:
    joined = "|".join(f"(?:{lexicon.pattern(pattern)})" for pattern in patterns)
    return _Pattern(re.compile(joined, re.IGNORECASE if heeds_case else 0), heeds_case)
