"""A small grammar over clauses: word classes, patterns that use them, and what takes them back.

A pattern is a regular expression in which `{name}` stands for any word of the class `name`. A cue
is looked for clause by clause. Words that match `not_meant` are cut out of the clause first; a
match of `unless` in the clause, or of `unless_nearby` in its sentence or the next one, cancels the
cue. What counts in the end is the latest of the statements that show a situation or take it back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from followup.clauses import Clause

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
PROPER_NAME = "proper_name"
"""Built-in class: a capitalised word that is none of the class NO_NAMES."""
NO_NAMES = "no_vendor"
_CUT = " # "
_LONG_AGO_DAYS = 60
"""A statement this old is older than one of which nothing is said about its time."""

Words = Mapping[str, Sequence[str]]


class Cue(BaseModel):
    """One way to show a situation. Patterns ignore case; `(?-i:...)` heeds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    needs: tuple[str, ...] = Field(
        default=(),
        description="Word classes of which a clause must hold a word; empty looks at every clause.",
    )
    patterns: tuple[str, ...] = Field(min_length=1, description="Any of these shows the situation.")
    not_meant: tuple[str, ...] = Field(
        default=(), description="Words that are cut out of the clause before the patterns are tried."
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
class _CompiledCue:
    needs: "_Needs"
    patterns: re.Pattern[str]
    not_meant: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    unless_nearby: re.Pattern[str] | None

    def last_match(self, clause: Clause) -> int | None:
        """Where the cue's last match begins in the clause, or None."""
        if not self.needs.are_met(clause.words):
            return None
        text = self.not_meant.sub(_CUT, clause.text) if self.not_meant else clause.text
        start = None
        for match in self.patterns.finditer(text):
            start = match.start()
        if start is None or self._is_cancelled(clause):
            return None
        return start

    def _is_cancelled(self, clause: Clause) -> bool:
        if self.unless and self.unless.search(clause.text):
            return True
        if self.unless_nearby is None:
            return False
        nearby = f"{clause.sentence} . {clause.next_sentence}"
        return self.unless_nearby.search(nearby) is not None


@dataclass(frozen=True, slots=True)
class _Needs:
    """First words of the classes that a cue needs: whole ones, and beginnings of words."""

    whole: frozenset[str]
    beginnings: tuple[str, ...]
    always: bool

    def are_met(self, words: frozenset[str]) -> bool:
        if self.always or not self.whole.isdisjoint(words):
            return True
        return bool(self.beginnings) and any(map(self._begins, words))

    def _begins(self, word: str) -> bool:
        return word.startswith(self.beginnings)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The cues of one situation, ready to be asked."""

    shown_by: tuple[_CompiledCue, ...]
    taken_back_by: tuple[_CompiledCue, ...]

    def is_shown(self, clauses: Iterable[Clause]) -> bool:
        """Whether the latest statement about the situation shows it."""
        signals = [signal for clause in clauses for signal in self._signals(clause)]
        return bool(signals) and _latest(signals).shows

    def _signals(self, clause: Clause) -> Iterator[_Signal]:
        """What a clause says, in the order of its words."""
        shown, taken = _last(self.shown_by, clause), _last(self.taken_back_by, clause)
        found = [(place, shows) for place, shows in ((taken, False), (shown, True)) if place >= 0]
        for _, shows in sorted(found):
            yield _Signal(shows, clause)


def compile_grammar(cues: Cues, words: Words) -> Grammar:
    """The grammar of the cues. Raises ValueError for a wrong pattern or an unknown word class."""
    return Grammar(
        tuple(_compiled(cue, words) for cue in cues.shown_by.values()),
        tuple(_compiled(cue, words) for cue in cues.taken_back_by.values()),
    )


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


def _compiled(cue: Cue, words: Words) -> _CompiledCue:
    needed = [word for name in cue.needs for word in _class(name, words)]
    firsts = {word.split()[0].lower() for word in needed}
    return _CompiledCue(
        needs=_Needs(
            whole=frozenset(word for word in firsts if not word.endswith("*")),
            beginnings=tuple(sorted(word[:-1] for word in firsts if word.endswith("*"))),
            always=not cue.needs,
        ),
        patterns=_alternatives(cue.patterns, words),
        not_meant=_alternatives(cue.not_meant, words) if cue.not_meant else None,
        unless=_alternatives(cue.unless, words) if cue.unless else None,
        unless_nearby=_alternatives(cue.unless_nearby, words) if cue.unless_nearby else None,
    )


def _alternatives(patterns: Sequence[str], words: Words) -> re.Pattern[str]:
    filled = [_filled(pattern, words) for pattern in patterns]
    for pattern, source in zip(filled, patterns, strict=True):
        try:
            re.compile(pattern)
        except re.error as error:
            message = f"'{source}' is not a valid pattern: {error}"
            raise ValueError(message) from error
    return re.compile("|".join(f"(?:{pattern})" for pattern in filled), re.IGNORECASE)


def _filled(pattern: str, words: Words) -> str:
    return _PLACEHOLDER.sub(lambda match: _class_pattern(match.group(1), words), pattern)


def _class_pattern(name: str, words: Words) -> str:
    if name == PROPER_NAME:
        return rf"(?!{_any_of(tuple(words.get(NO_NAMES, ())))})(?-i:\b[A-Z])[\w&]*(?:\.\w+)*"
    return _any_of(tuple(_class(name, words)))


def _class(name: str, words: Words) -> Sequence[str]:
    if name not in words:
        message = f"word class '{name}' is not in words; known are {', '.join(sorted(words))}"
        raise ValueError(message)
    return words[name]


@lru_cache(maxsize=256)
def _any_of(words: tuple[str, ...]) -> str:
    """A pattern for any of the words, longest first; `*` at the end of one is any ending."""
    if not words:
        return r"(?!)"
    ordered = sorted(words, key=len, reverse=True)
    bodies = [re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "") for word in ordered]
    return rf"\b(?:{'|'.join(bodies)})\b"
