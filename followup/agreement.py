"""Whether a value that stands in a source is the value that a message claims."""

from dataclasses import dataclass

from followup.claims import Claim, ClaimKind
from followup.dates import dates_agree
from followup.sources import Source, SourceUnit
from followup.vocabulary import stem

TIME_UNITS = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
_NUMERIC = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})


@dataclass(frozen=True, slots=True)
class Fact:
    """A claim that a source makes, with where it stands."""

    claim: Claim
    unit: SourceUnit
    source: Source
    unit_index: int


def value_mismatch(claim: Claim, fact: Fact) -> str | None:
    """None where the fact states the claim's value; else why not, "" for an unlike kind."""
    written = fact.claim
    if claim.kind is ClaimKind.DATE:
        return _date_mismatch(claim, fact)
    if claim.kind in _NUMERIC and written.kind in _NUMERIC:
        return _count_mismatch(claim, fact)
    if written.kind is ClaimKind.NUMBER and claim.kind is ClaimKind.DURATION:
        return None if _cell_has_unit(claim, fact.unit) else "the value stands there without unit"
    return _rate_mismatch(claim, fact) if claim.kind is written.kind else ""


def _date_mismatch(claim: Claim, fact: Fact) -> str | None:
    written = fact.claim
    if written.kind is not ClaimKind.DATE or not dates_agree(claim.value, written.value):
        return ""
    only_request = claim.is_relative and not fact.source.is_request
    return "a date that depends on today must stand in the request" if only_request else None


def _count_mismatch(claim: Claim, fact: Fact) -> str | None:
    written = fact.claim
    if claim.counted:
        there = written.counted or fact.unit.stems
        if not claim.counted & there:
            return f"the value counts something else there: {cut(fact.unit.shown)}"
    return _rate_mismatch(claim, fact)


def _rate_mismatch(claim: Claim, fact: Fact) -> str | None:
    """A message may leave out "a month", but not "per user", and may add neither.

    Units must be equal.
    """
    written = fact.claim
    if claim.unit != written.unit:
        return f"the value stands there in another unit: {cut(fact.unit.shown)}"
    added = claim.per - written.per
    if added and fact.unit.cell_names:
        added = frozenset(rate for rate in added if stem(rate) not in fact.unit.stems)
    dropped = written.per - claim.per - TIME_UNITS
    if added or (dropped and claim.kind is ClaimKind.MONEY):
        return f"the value stands there at another rate: {cut(fact.unit.shown)}"
    return None


def _cell_has_unit(claim: Claim, unit: SourceUnit) -> bool:
    """Whether a bare number in a table has its unit and rate in the names of row and column."""
    return bool(unit.cell_names) and all(
        stem(word) in unit.stems for word in (*claim.unit.split(), *claim.per)
    )


def cut(text: str, max_characters: int = 160) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= max_characters else f"{text[:max_characters].rstrip()}…"
