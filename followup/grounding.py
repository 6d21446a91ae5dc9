"""Checks each claim of a message against the passages and the request. It fails closed."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from followup.claims import Claim, ClaimKind, ReadSentence, read_sentence
from followup.dates import dates_agree
from followup.sources import Source, SourceUnit, own_names, read_sources, word_stream
from followup.passage import Passage
from followup.sentences import join_units, keep_units, split_sentences, split_units
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
from followup.tokens import fold
from followup.vocabulary import content_stems, stem

_TIME_UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
_NUMERIC = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_ABOUT_CHECKED = frozenset(
    {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.QUANTITY, ClaimKind.NUMBER}
) | {ClaimKind.DURATION, ClaimKind.DATE}
_PRONOUNS = frozenset("it its they their this that these those he she his her both".split())  # noqa: SIM905
_STRONG_CLAUSE_ENDS = frozenset({";", "but", "while", "whereas"})
_MIN_QUOTED_WORDS = 3
_MIN_BODY_WORDS = 4
_COURTESY = re.compile(
    r"\b(?:thanks|thank you|no pressure|no rush|let me know|happy to|feel free|hope you|hope this|"
    r"look(?:ing)? forward|whenever)\b",
    re.IGNORECASE,
)


class Verdict(BaseModel):
    """Whether one claim of a message is supported, and by which words of which source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str = Field(description="The words of the message that claim something.")
    kind: ClaimKind
    value: str = Field(description="The claim normalised, with unit and rate: 299 USD per month.")
    sentence_index: int = Field(ge=0, description="0-based, as split_sentences counts.")
    supported: bool
    source: str = Field(default="", description="Document, or 'request'; empty if unsupported.")
    evidence: str = Field(default="", description="The source's own words; empty if unsupported.")
    reason: str = Field(default="", description="Why it is not supported; empty if it is.")


@dataclass(frozen=True, slots=True)
class _Fact:
    """A claim that a source makes, with where it stands."""

    claim: Claim
    unit: SourceUnit
    source: Source
    unit_index: int


@dataclass(frozen=True, slots=True)
class _Context:
    """What the message says around a claim."""

    subjects: list[Subject]
    stems: frozenset[str]


def check_claims(text: str, passages: Sequence[Passage], request_text: str) -> list[Verdict]:
    """A verdict for each claim of the message, in reading order.

    A claim is supported where the same value, of the same kind, unit and rate, stands in a passage
    or in `request_text` (a fact a line, the lead's and the product's names first) about the same thing: the words there are
    about the plan or customer that the message names, and share a content word with the message's
    clause. A sentence quoted whole from a source is supported as it stands. The order of the
    passages decides only which source is named.
    """
    checker = _Checker(read_sources(passages, request_text), own_names(request_text))
    verdicts: list[Verdict] = []
    earlier: list[Subject] = []
    for index, sentence in enumerate(split_sentences(text)):
        read = read_sentence(sentence, index)
        subjects = find_subjects(read, checker.known)
        starts_with_pronoun = bool(read.tokens) and read.tokens[0].lower in _PRONOUNS
        inherited = earlier if starts_with_pronoun else []
        verdicts.extend(checker.check(read, subjects, inherited))
        if subjects or not starts_with_pronoun:
            earlier = leading_subjects(read.tokens, subjects)
    return verdicts


def supported_share(verdicts: Sequence[Verdict]) -> float:
    """Supported claims / all claims, 0 to 1; 1.0 for a message without claims, which has no fault."""
    if not verdicts:
        return 1.0
    return sum(verdict.supported for verdict in verdicts) / len(verdicts)


class RepairedText(BaseModel):
    """A message without its unsupported sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    num_dropped: int = Field(ge=0, description="Sentences left out.")
    is_message: bool = Field(
        description="Whether a greeting and a statement of its own are left: no question, no thanks."
    )


def drop_unsupported(text: str, verdicts: Sequence[Verdict]) -> RepairedText:
    """Leave out each sentence that holds an unsupported claim, and tidy the whitespace.

    `verdicts` are those of this very text: they name its sentences by index.
    """
    units = split_units(text)
    bad = {verdict.sentence_index for verdict in verdicts if not verdict.supported}
    kept = keep_units(units, [index for index in range(len(units)) if index not in bad])
    has_body = any(
        len(unit.text.split()) >= _MIN_BODY_WORDS
        and not unit.text.endswith("?")
        and not (unit.is_greeting or unit.is_sign_off or _COURTESY.search(unit.text))
        for unit in kept
    )
    is_message = has_body and any(unit.is_greeting for unit in kept)
    return RepairedText(
        text=join_units(kept), num_dropped=len(units) - len(kept), is_message=is_message
    )


class _Checker:
    """The sources of one message, indexed by value."""

    def __init__(self, sources: Sequence[Source], own: frozenset[str]) -> None:
        self.sources = sources
        self.known: KnownNames = known_names(sources, own)
        self._own_stems = frozenset(stem(word) for line in own for word in line.split())
        self._facts: Mapping[str, list[_Fact]] = self._index()
        self._unit_subjects: dict[int, list[Subject]] = {}

    def _index(self) -> Mapping[str, list[_Fact]]:
        facts: defaultdict[str, list[_Fact]] = defaultdict(list)
        for source in self.sources:
            for unit_index, unit in enumerate(source.units):
                for claim in unit.sentence.claims:
                    key = "date" if claim.kind is ClaimKind.DATE else claim.value
                    facts[key].append(_Fact(claim, unit, source, unit_index))
        return facts

    def check(
        self, read: ReadSentence, subjects: list[Subject], inherited: list[Subject]
    ) -> list[Verdict]:
        """Verdicts on the claims of one sentence of the message."""
        quoted = None if inherited else self._quoted_from(read)
        verdicts = []
        for claim in read.claims:
            if quoted and not (claim.is_relative and not quoted.is_request):
                verdicts.append(_supported(claim, quoted.document, read.text))
            elif claim.kind is ClaimKind.NAME:
                verdicts.append(self._check_name(claim))
            else:
                context = self._context(claim, read, subjects, inherited)
                verdicts.append(self._check_value(claim, context))
        return verdicts

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
        words = []
        for place, token in enumerate(read.tokens):
            if token.lower in _STRONG_CLAUSE_ENDS:
                if place > claim.start:
                    break
                words.clear()
            words.append(token.lower)
        return self._meaning(" ".join(words))

    def _meaning(self, text: str) -> frozenset[str]:
        """Content stems, without the own names that stand everywhere and without units."""
        units = {stem(unit) for unit in (*_TIME_UNITS, "percent", "dollar", "euro", "usd")}
        return content_stems(text) - self._own_stems - units

    def _check_name(self, claim: Claim) -> Verdict:
        """A name is supported where its words stand in a row, or where it is made of such names."""
        stream = word_stream(claim.value)
        # The request goes first: the lead's own name is not the documents' to support.
        for source in (self.sources[-1], *self.sources[:-1]):
            if stream in source.word_stream:
                return _supported(claim, source.document, self._words_with(source, stream, claim))
        if self._is_made_of_known(tuple(stream.split())):
            return _supported(claim, self._first_document(stream), claim.text)
        return _unsupported(claim, "no source has this name")

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
        first_word = f" {stream.split()[0]} "
        return next(s.document for s in self.sources if first_word in s.word_stream)

    def _words_with(self, source: Source, stream: str, claim: Claim) -> str:
        shown = (unit.shown for unit in source.units if stream in word_stream(unit.shown))
        return next(shown, claim.text)

    def _check_value(self, claim: Claim, context: _Context) -> Verdict:
        key = "date" if claim.kind is ClaimKind.DATE else claim.value
        reason = "no source has this value"
        for fact in self._facts.get(key, ()):
            mismatch = _value_mismatch(claim, fact)
            if mismatch is None and claim.kind in _ABOUT_CHECKED:
                mismatch = self._about_mismatch(context, fact)
            if mismatch is None:
                return _supported(claim, fact.source.document, fact.unit.shown)
            reason = mismatch or reason
        if claim.kind is ClaimKind.LINK:
            source = self._source_of_host(claim)
            if source:
                return _supported(claim, source.document, claim.text)
        return _unsupported(claim, reason)

    def _source_of_host(self, claim: Claim) -> Source | None:
        """The source of a link below the host that the message names without a path."""
        for facts in self._facts.values():
            for fact in facts:
                is_link = fact.claim.kind is ClaimKind.LINK
                if is_link and fact.claim.value.startswith(f"{claim.value}/"):
                    return fact.source
        return None

    def _about_mismatch(self, context: _Context, fact: _Fact) -> str | None:
        wanted = [s for s in context.subjects if s.is_plan] or context.subjects
        if wanted:
            return None if self._names_one_of(wanted, fact) else _other_subject(wanted, fact)
        if context.stems & fact.unit.stems:
            return None
        return f"the value stands there about something else: {_cut(fact.unit.shown)}"

    def _names_one_of(self, wanted: Sequence[Subject], fact: _Fact) -> bool:
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

    def _inherits(self, wanted: Sequence[Subject], fact: _Fact) -> bool:
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


def _value_mismatch(claim: Claim, fact: _Fact) -> str | None:
    """None where the fact states the claim's value; else why not, "" for another thing altogether."""
    written = fact.claim
    if claim.kind is ClaimKind.DATE:
        if written.kind is not ClaimKind.DATE or not dates_agree(claim.value, written.value):
            return ""
        only_request = claim.is_relative and not fact.source.is_request
        return "a date that depends on today must stand in the request" if only_request else None
    if claim.kind in _NUMERIC and written.kind in _NUMERIC:
        return _count_mismatch(claim, fact)
    if written.kind is ClaimKind.NUMBER and claim.kind is ClaimKind.DURATION:
        return None if _cell_has_unit(claim, fact.unit) else "the value stands there without unit"
    if claim.kind is not written.kind:
        return ""
    if claim.unit != written.unit:
        return f"the value stands there in another unit: {_cut(fact.unit.shown)}"
    return _rate_mismatch(claim, fact)


def _count_mismatch(claim: Claim, fact: _Fact) -> str | None:
    written = fact.claim
    if claim.unit != written.unit:
        return f"the value stands there in another unit: {_cut(fact.unit.shown)}"
    if claim.counted:
        there = written.counted or fact.unit.stems
        if not claim.counted & there:
            return f"the value counts something else there: {_cut(fact.unit.shown)}"
    return _rate_mismatch(claim, fact)


def _rate_mismatch(claim: Claim, fact: _Fact) -> str | None:
    """A message may leave out "a month", but not "per user", and may add neither."""
    written = fact.claim
    added = claim.per - written.per
    if added and fact.unit.cell_names:
        added = frozenset(rate for rate in added if stem(rate) not in fact.unit.stems)
    dropped = written.per - claim.per - _TIME_UNITS
    if added or (dropped and claim.kind is ClaimKind.MONEY):
        return f"the value stands there at another rate: {_cut(fact.unit.shown)}"
    return None


def _cell_has_unit(claim: Claim, unit: SourceUnit) -> bool:
    """Whether a bare number in a table has its unit and rate in the names of row and column."""
    return bool(unit.cell_names) and all(
        stem(word) in unit.stems for word in (*claim.unit.split(), *claim.per)
    )


def _other_subject(wanted: Sequence[Subject], fact: _Fact) -> str:
    name = " ".join(wanted[0].name)
    return f"the value does not stand there for {name}: {_cut(fact.unit.shown)}"


def _cut(text: str, max_characters: int = 160) -> str:
    return text if len(text) <= max_characters else f"{text[:max_characters].rstrip()}…"


def _value_text(claim: Claim) -> str:
    rate = "".join(f" per {word}" for word in sorted(claim.per))
    return f"{claim.value} {claim.unit or ' '.join(sorted(claim.counted))}".strip() + rate


def _supported(claim: Claim, document: str, evidence: str) -> Verdict:
    return Verdict(
        claim=claim.text,
        kind=claim.kind,
        value=_value_text(claim),
        sentence_index=claim.sentence_index,
        supported=True,
        source=document,
        evidence=evidence,
    )


def _unsupported(claim: Claim, reason: str) -> Verdict:
    return Verdict(
        claim=claim.text,
        kind=claim.kind,
        value=_value_text(claim),
        sentence_index=claim.sentence_index,
        supported=False,
        reason=reason,
    )
