"""Units that a figure leaves to another: "12 days on Plus, 21 on Max"."""

from collections.abc import Iterator
from dataclasses import replace

from followup.amounts import in_cents
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.units import time_unit

_WITH_UNITS = frozenset(
    {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.QUANTITY, ClaimKind.DURATION}
)


def with_units_beside(claim: Claim, read: ReadSentence) -> Iterator[Claim]:
    """A bare number with each unit that its sentence names, the nearest before it first."""
    if claim.kind is not ClaimKind.NUMBER or claim.unit or not claim.value[0].isdigit():
        return
    beside = [other for other in read.claims if other.kind in _WITH_UNITS]
    before = [other for other in beside if other.start < claim.start]
    for other in (*reversed(before), *(other for other in beside if other.start > claim.start)):
        yield replace(
            claim,
            kind=other.kind,
            value=in_cents(claim.value) if _is_in_cents(other) else claim.value,
            unit=other.unit,
            counted=other.counted,
            per=other.per,
        )
    unit = _named_unit(claim, read)
    if unit:
        yield replace(claim, kind=ClaimKind.DURATION, unit=unit)


def with_own_unit(claim: Claim, read: ReadSentence) -> Claim | None:
    """A bare number of a source with the one unit that it may have; None where that is unclear."""
    found = (c for c in with_units_beside(claim, read) if c.unit or c.counted)
    return next(found, None)


def _named_unit(claim: Claim, read: ReadSentence) -> str:
    """The unit of time named in the plural before a number: "shared by minutes, 35 for ..."."""
    named = {
        unit
        for place in range(claim.start)
        if read.tokens[place].lower.endswith("s")
        and not any(c.start <= place < c.end for c in read.claims)
        and (unit := time_unit(read.tokens, place))
    }
    return named.pop() if len(named) == 1 else ""


def _is_in_cents(claim: Claim) -> bool:
    return claim.kind is ClaimKind.MONEY and "cent" in claim.text.lower()
