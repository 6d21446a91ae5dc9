"""Figures that say the same with another number: 26 weeks, half a year; $49, just under $50."""

from decimal import Decimal

from followup.bounds import Bound
from followup.claims import Claim, ClaimKind
from followup.units import SECONDS

_NUMERIC = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_FIGURES = _NUMERIC | {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION}
_CALENDAR = frozenset({"month", "quarter", "year", "decade"})
"""Units of time that are no fixed number of days."""
_CALENDAR_TOLERANCE = Decimal("0.025")
"""26 weeks and 6 months, 90 days and 3 months differ by less, 4 weeks and a month by more."""
_LEAST, _MOST = Decimal("0.8"), Decimal("1.25")
_ABOUT = Decimal("0.06")
_HOURS_A_DAY = 24


def may_be_near(claim: Claim) -> bool:
    """Whether a claim's figure can tell a written one with another number at all."""
    is_figure = claim.kind in _FIGURES and "-" not in claim.value
    return is_figure and (
        claim.bound is not Bound.EXACT or claim.kind is ClaimKind.DURATION or claim.unit == "times"
    )


def is_near(claim: Claim, written: Claim) -> bool:
    """Whether a claim's figure tells a written one in other units, or rounds it and says so."""
    if not may_be_near(claim) or "-" in written.value:
        return False
    if claim.unit == "times" and written.unit == "hour" and claim.per == {"day"}:
        # Four times a day is every 6 hours.
        return Decimal(claim.value) * Decimal(written.value) == _HOURS_A_DAY
    is_like = claim.kind is written.kind or {claim.kind, written.kind} <= _NUMERIC
    if not is_like:
        return False
    if claim.kind is ClaimKind.DURATION and _is_same_length(claim, written):
        return True
    if claim.kind is ClaimKind.DURATION and claim.unit != written.unit:
        return _is_within(claim, length_in_seconds(claim), length_in_seconds(written))
    return claim.unit == written.unit and _is_rounded(claim, written)


def length_in_seconds(claim: Claim) -> Decimal:
    """Of a duration; months and years have their mean length. 0 for an unknown unit."""
    factor = SECONDS.get(claim.unit.removeprefix("business "))
    return Decimal(claim.value.split("-")[0]) * factor if factor else Decimal(0)


def _is_same_length(claim: Claim, written: Claim) -> bool:
    """Whether one counts months or years and the other days or weeks, to the same length."""
    if (claim.unit in _CALENDAR) == (written.unit in _CALENDAR):
        return False
    ours, theirs = length_in_seconds(claim), length_in_seconds(written)
    is_work = claim.unit.startswith("business") or written.unit.startswith("business")
    return not is_work and abs(ours - theirs) <= _CALENDAR_TOLERANCE * theirs


def _is_rounded(claim: Claim, written: Claim) -> bool:
    if claim.bound is Bound.EXACT or written.bound not in {Bound.EXACT, Bound.ABOUT}:
        return False
    said, true = Decimal(claim.value), Decimal(written.value)
    if len(said.normalize().as_tuple().digits) >= len(true.normalize().as_tuple().digits):
        # "About 33" rounds nothing.
        return False
    return _is_within(claim, said, true)


def _is_within(claim: Claim, said: Decimal, true: Decimal) -> bool:
    """Whether a claim that says how it rounds comes near enough; nothing exact does."""
    if claim.bound is Bound.ABOUT:
        return abs(said - true) <= _ABOUT * true
    if claim.bound in {Bound.LESS, Bound.AT_MOST}:
        return _LEAST * said <= true < said
    if claim.bound is Bound.EXACT:
        return False
    return said < true <= _MOST * said
