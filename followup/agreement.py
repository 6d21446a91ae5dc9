"""Whether a value that stands in a source is the value that a message claims."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache

from followup.bounds import Bound, bound_holds, denied_behind
from followup.claims import Claim, ClaimKind
from followup.dates import WEEKDAY_ORDER, dates_agree, read_date
from followup.elided_units import with_own_unit
from followup.nearness import length_in_seconds
from followup.numerals import plain_text
from followup.parts import leans
from followup.rates import EVERY, PERSONS
from followup.sources import Source, SourceUnit
from followup.vocabulary import content_stems, roots_of, stem

TIME_UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
_NUMERIC = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_FIGURES = _NUMERIC | {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION}
_ONE_DIGIT_COUNTRIES = frozenset({"1", "7"})
_DASH = re.compile(r"(?<=\d)-")
_IN_SMALLER_UNIT = {
    "minute": (60, "second"),
    "hour": (3_600, "second"),
    "day": (86_400, "second"),
    "week": (604_800, "second"),
    "fortnight": (1_209_600, "second"),
    "quarter": (3, "month"),
    "year": (12, "month"),
    "decade": (120, "month"),
}
"""Units of time that are a fixed number of smaller ones: a week is 7 days, a month no number."""
_MAX_LENGTH_RATIO = 12
_MIN_DISTINCT = 100
_MIN_ODD_DIGITS = 3
_MIN_SHORT = 3
_SPAN_JOINTS = frozenset({"to", "-", "till", "until", "through"})
_PEOPLE = frozenset(
    map(stem, "people person employee staff worker colleague".split())  # noqa: SIM905
)
_ANYTHING = frozenset(map(stem, ["people", "persons", "places", "things", "items", "units"]))
"""Stems that any count may be of: 25 people where the source writes participants."""


@dataclass(frozen=True, eq=False)
class Fact:
    """A claim that a source makes, with where it stands: equal only to itself, a cheap key."""

    claim: Claim
    unit: SourceUnit
    source: Source
    unit_index: int
    roots: frozenset[str]
    """Roots of the unit's stems, and "=" before the keys of all values that stand in it."""
    context_roots: frozenset[str] = frozenset()
    """Of a table cell, the roots of its whole row; of "It lasts 30 days", of the unit before."""

    @cached_property
    def words(self) -> frozenset[str]:
        """Both kinds of roots without the values."""
        return frozenset(root for root in self.roots | self.context_roots if root[0] != "=")


@lru_cache(maxsize=4_096)
def facts_of(source: Source) -> tuple[tuple[str, Fact], ...]:
    """The facts of a source, each under every key of its value."""
    facts: list[tuple[str, Fact]] = []
    for unit_index, unit in enumerate(source.units):
        roots = roots_of(unit.stems) | {
            f"={value_keys(claim)[0]}" for claim in unit.claims if claim.kind is not ClaimKind.NAME
        }
        context_roots = roots_of(content_stems(unit.shown)) if unit.cell_names else frozenset[str]()
        before = source.units[unit_index - 1].shown if unit_index else ""
        if unit_index and (leans(unit.sentence) or before.rstrip("*_ ").endswith("?")):
            context_roots = roots_of(source.units[unit_index - 1].stems)
        elided = (with_own_unit(claim, unit.sentence) for claim in unit.sentence.claims)
        for claim in (*unit.sentence.claims, *filter(None, elided)):
            fact = Fact(claim, unit, source, unit_index, roots, context_roots)
            facts.extend((key, fact) for key in value_keys(claim))
    return tuple(facts)


# Each value of a message is held against every fact of its sources.
@lru_cache(maxsize=16_384)
def value_keys(claim: Claim) -> tuple[str, ...]:
    """What a fact is found by: its value and the ends of its range; claims use the first one.

    Durations stand in their smallest unit, so that 2 weeks and 14 days are one.
    """
    if claim.kind is ClaimKind.DATE:
        return ("date",)
    if claim.kind is ClaimKind.PHONE:
        return (claim.value, *_national_numbers(claim))
    values = [claim.value, *_ends(claim)]
    if claim.kind is ClaimKind.DURATION:
        values = [_smallest_value(value, claim.unit) for value in values]
    return tuple(values)


def shares_value(claim: Claim, other: Claim) -> bool:
    """Whether two claims may say one value: it, or an end of a range."""
    return not set(value_keys(claim)).isdisjoint(value_keys(other))


def value_mismatch(claim: Claim, fact: Fact, *, is_linked: bool) -> str | None:
    """None where the fact states the claim's value; else why not, "" for an unlike kind.

    `is_linked`: the message's words around the claim stand around the fact too.
    """
    written = fact.claim
    if claim.kind is ClaimKind.DATE:
        return _date_mismatch(claim, fact)
    if claim.kind in _NUMERIC and written.kind in _NUMERIC:
        return _count_mismatch(claim, fact, is_linked=is_linked)
    if written.kind is ClaimKind.NUMBER and claim.kind is ClaimKind.DURATION:
        has_unit = claim.value == written.value and _cell_has_unit(claim, fact.unit)
        return None if has_unit else "the value stands there without unit"
    if written.kind is ClaimKind.CODE and claim.kind is ClaimKind.QUANTITY:
        # "2 vCPUs" or "two vCPUs" where the source writes "2vCPUs".
        return None if written.value == glued(claim) else ""
    return _rate_mismatch(claim, fact) if claim.kind is written.kind else ""


def glued(claim: Claim) -> str:
    """A count as technical texts write it: "4vcpus"."""
    return "".join([claim.value, *claim.text.lower().split()[1:]])


def is_same_measure(claim: Claim, other: Claim) -> bool:
    """Whether two claims measure the same kind of thing, so that one value excludes the other."""
    if claim.kind in _NUMERIC and other.kind in _NUMERIC:
        return claim.unit == other.unit and bool(claim.counted & other.counted)
    if claim.kind is ClaimKind.DURATION:
        # "A week" is seldom meant as a length.
        is_length = other.kind is claim.kind and not other.text.lower().startswith(("a ", "an "))
        return is_length and claim.per == other.per and _is_of_like_length(claim, other)
    if claim.kind is ClaimKind.DATE is other.kind:
        return _date_shape(claim) == _date_shape(other)
    return claim.kind is other.kind and claim.unit == other.unit


def _date_shape(claim: Claim) -> str:
    """Hours, weekdays and days of the year exclude only their like."""
    if claim.value in WEEKDAY_ORDER:
        return "weekday"
    return "hour" if ":" in claim.value else "day"


def _is_of_like_length(claim: Claim, other: Claim) -> bool:
    """Whether two durations are no more than 12 times each other: hours of work are no weeks."""
    ours, theirs = length_in_seconds(claim), length_in_seconds(other)
    if not ours or not theirs:
        return True
    return max(ours, theirs) <= _MAX_LENGTH_RATIO * min(ours, theirs)


def _is_short_for(one: str, other: str) -> bool:
    """Whether one word is short for the other: req, requests."""
    short, full = sorted((one, other), key=len)
    return len(short) >= _MIN_SHORT and full.startswith(short)


def is_distinct(claim: Claim) -> bool:
    """Whether a figure is hardly ever met by chance."""
    figures = _ends(claim) or [claim.value]
    return all(f.isdigit() and int(f) >= _MIN_DISTINCT for f in figures)


def _ends(claim: Claim) -> list[str]:
    ends = _DASH.split(claim.value) if claim.kind in _FIGURES else []
    return ends if len(ends) > 1 else []


def _national_numbers(claim: Claim) -> list[str]:
    """A number written with its country code as it is dialled inside the country."""
    if not claim.text.startswith("+"):
        return []
    lengths = (1,) if claim.value[0] in _ONE_DIGIT_COUNTRIES else (2, 3)
    return [zero + claim.value[length:] for length in lengths for zero in ("", "0")]


def _smallest_value(value: str, unit: str) -> str:
    factor, smallest = _IN_SMALLER_UNIT.get(unit, (1, unit))
    figures = [plain_text(Decimal(figure) * factor) for figure in _DASH.split(value)]
    return f"{'-'.join(figures)} {smallest}"


def _date_mismatch(claim: Claim, fact: Fact) -> str | None:
    written = fact.claim
    if written.kind is ClaimKind.DATE and _is_between(claim, fact):
        return None
    agrees = dates_agree(claim.value, written.value) or (
        # "2025.1 (14 February)": the year stands beside.
        written.value.startswith("?-")
        and claim.value[:4] in fact.unit.shown
        and dates_agree(f"?{claim.value[4:]}", written.value)
    )
    if written.kind is not ClaimKind.DATE or not agrees:
        return ""
    only_request = claim.is_relative and not fact.source.is_request
    return "a date that depends on today must stand in the request" if only_request else None


def _is_between(claim: Claim, fact: Fact) -> bool:
    """Whether a weekday lies in a span that begins with the fact's: "Monday to Friday"."""
    tokens, end = fact.unit.sentence.tokens, fact.claim.end
    joint = tokens[end].lower if end < len(tokens) else ""
    last = read_date(tokens, end + 1) if joint in _SPAN_JOINTS and end + 1 < len(tokens) else None
    if last is None or not {claim.value, fact.claim.value, last.value} <= set(WEEKDAY_ORDER):
        return False
    day, first, until = map(WEEKDAY_ORDER.index, (claim.value, fact.claim.value, last.value))
    return first <= day <= until


def _count_mismatch(claim: Claim, fact: Fact, *, is_linked: bool) -> str | None:
    written = fact.claim
    is_told = bool(fact.unit.cell_names) and not _not_told(claim.per, fact.unit)
    is_told |= claim.per == written.per
    if claim.unit == "times" and not written.unit and claim.per and is_told:
        # "2 times a year" where a table says "2 a year".
        return None if claim.value == written.value else ""
    # 200 of nothing in particular is met by chance, 1,250 hardly.
    is_odd = len(claim.value.rstrip("0")) >= _MIN_ODD_DIGITS
    is_sure = is_distinct(claim) and (bool(written.counted or written.unit) or is_odd)
    if claim.counted and not (is_linked or is_sure):
        # Of what a source counts, it may speak with another word: 3,000 texts, 3,000 messages.
        there = fact.roots | fact.context_roots | fact.source.heading_roots
        if claim.counted & _PEOPLE and written.counted & _PEOPLE:
            return _rate_mismatch(claim, fact)
        if not (
            roots_of(claim.counted) & there
            or claim.counted & _ANYTHING
            or any(_is_short_for(a, b) for a in claim.counted for b in written.counted)
        ):
            return f"the value counts something else there: {cut(fact.unit.shown)}"
    return _rate_mismatch(claim, fact)


def _rate_mismatch(claim: Claim, fact: Fact) -> str | None:
    """A message may leave out "a month", but not "per user", and may add neither.

    Units must be equal, or a fixed number of each other.
    """
    written = fact.claim
    if value_keys(claim)[0] not in value_keys(written) or (
        claim.unit != written.unit
        and claim.kind is not ClaimKind.DURATION
        and "cent" not in {claim.unit, written.unit}
    ):
        return f"the value stands there in another unit: {cut(fact.unit.shown)}"
    denied = replace(
        written, bound=denied_behind(written.bound, fact.unit.sentence.tokens[written.end :])
    )
    if not _bound_holds(claim, written) and not _bound_holds(claim, denied):
        return f"the value is no such limit there: {cut(fact.unit.shown)}"
    # "Fell from 240 a day to 95": a rate said of one figure of a sentence holds for the others.
    others = fact.unit.sentence.claims if not written.per else ()
    added = (claim.per - written.per).difference(*(other.per for other in others))
    if claim.kind is not ClaimKind.MONEY:
        # "99.8% of the time in each quarter"
        added = _not_told(added, fact.unit)
    if added and fact.unit.cell_names:
        added = _not_told(added, fact.unit)
    if not written.per & TIME_UNITS:
        # What recurs in no source is paid once.
        added -= {"once"}
    if claim.kind is ClaimKind.MONEY:
        # "£95 per lesson" where the source has "£95 per 60-minute lesson".
        added = frozenset(
            r for r in added if r in TIME_UNITS or r == "user" or r not in fact.unit.stems
        )
    dropped = written.per - claim.per - TIME_UNITS - {"once"}
    if added or (dropped and claim.kind is ClaimKind.MONEY):
        return f"the value stands there at another rate: {cut(fact.unit.shown)}"
    return None


def _not_told(rates: frozenset[str], unit: SourceUnit) -> frozenset[str]:
    """The rates that no word of a unit tells; "monthly" tells "a month"."""
    told = (
        unit.stems
        | ({"user"} if unit.stems & PERSONS else set())
        | {EVERY[word] for word in EVERY if stem(word) in unit.stems}
    )
    return frozenset(rate for rate in rates if stem(rate) not in told and rate not in told)


def _bound_holds(claim: Claim, written: Claim) -> bool:
    """A range supports itself, "at least" its lower and "up to" its upper end."""
    is_money = claim.kind is ClaimKind.MONEY
    if _ends(written) and not _ends(claim):
        _, low, high = value_keys(written)
        claimed = value_keys(claim)[0]
        if written.bound not in {Bound.EXACT, Bound.ABOUT}:
            return False
        return (claimed, claim.bound) in {(low, Bound.AT_LEAST), (high, Bound.AT_MOST)}
    # "Includes 10 users" says no more than "up to 10 users"; "45%" says more than "up to 45%".
    is_strict = is_money or claim.kind is ClaimKind.PERCENT
    if claim.bound is Bound.EXACT and not is_strict:
        return True
    return bound_holds(claim.bound, written.bound, is_money=is_money)


def _cell_has_unit(claim: Claim, unit: SourceUnit) -> bool:
    """Whether a bare number in a table has its unit and rate in the names of row and column."""
    return bool(unit.cell_names) and all(
        stem(word) in unit.stems for word in (*claim.unit.split(), *claim.per)
    )


def cut(text: str, max_characters: int = 160) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= max_characters else f"{text[:max_characters].rstrip()}…"
