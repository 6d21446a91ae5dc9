"""Prices that a message works out: times a quantity, less a percentage, with more on top."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

from followup.claims import Claim, ClaimKind, ReadSentence
from followup.operands import COUNTS, HUNDRED, Operands, compares, is_told, values

_ADDS_UP = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes? (?:to|out)|would|"
    r"works? out|brings?|i\.e|equals?|plus|on top|then|times|adds? up|difference|together)\b|=",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\b(?:difference|save|saves|saving|spare|cheaper)\b", re.IGNORECASE)
_YEARLY = re.compile(r"\b(?:years?|yearly|annual\w*)\b", re.IGNORECASE)
_MAX_FREE = 3
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class _Prices:
    """What a price may be worked out from."""

    here: list[float]
    """Prices of the sentence."""
    ours: list[float]
    """Prices of message and request."""
    listed: list[float]
    """Prices of the documents."""
    counts: list[float]
    limits: list[float]
    """Counts of the documents: what a plan includes."""
    shares: list[float]
    told_shares: list[float]
    """Percentages; the latter stand in the message."""
    months: list[float]
    """How many months of a year are free; none where the sentence speaks of no year."""

    def scaled(self) -> Iterator[float]:
        """A price by a count, by the twelve months, or less a percentage, or two of these."""
        every = [*self.ours, *self.listed]
        yield from (price / count for price in every for count in self.counts)
        for price in self.ours:
            yield price / _MONTHS
            yield from (price * share / HUNDRED for share in self.shares)
        off = [(price, share) for price in self.ours for share in self.shares]
        off += [(price, share) for price in self.listed for share in self.told_shares]
        reduced = [price * (HUNDRED - share) / HUNDRED for price, share in off]
        yield from (price * (_MONTHS - m) for price in self.listed for m in self.months)
        yield from reduced
        yield from (price * _MONTHS for price in (*self.ours, *reduced))
        yield from (price * count for price in (*every, *reduced) for count in self.counts)

    def combined(self, wanted: float) -> Iterator[float]:
        """Two prices added or subtracted, also times a count, or with further units on top."""
        for first, second in permutations(self.ours, 2):
            yield first + second
            yield first - second
            yield from ((first - second) * count for count in self.counts)
        beyond = product(self.counts, (*self.counts, *self.limits))
        times = {*self.counts, *(more - less for more, less in beyond)}
        for first, second in product((*self.ours, *self.listed), self.ours):
            if second and first != second and (wanted - first) / second in times:
                yield wanted
        for (a, m), (b, n) in combinations(product(self.here, self.counts), 2):
            yield a * m + b * n


def of_prices(
    claim: Claim,
    read: ReadSentence,
    said: Sequence[Claim],
    known: Callable[[], Sequence[Claim]],
    numbers: Sequence[float],
) -> Iterator[float]:
    money = [c for c in said if _is_money_like(c, claim)]
    here = values(c for c in money if c in read.claims)
    counts = [number for number in numbers if number > 1]
    yield from (a * b for a, b in product(here, counts))
    yield from (a / b for a, b in product(here, counts))
    is_reckoned = is_told(read, claim) or any(c.kind is ClaimKind.PERCENT for c in read.claims)
    adds_up = _ADDS_UP.search(read.text) is not None
    if not (is_reckoned or adds_up):
        return
    told = [c for c in said if c.kind is ClaimKind.PERCENT]
    there = known()
    is_yearly = _YEARLY.search(read.text) is not None
    prices = _Prices(
        here=here,
        ours=values(money),
        listed=values(c for c in there if _is_money_like(c, claim)),
        counts=counts,
        limits=values(c for c in there if c.kind in COUNTS and not c.unit),
        shares=values([*told, *(c for c in there if c.kind is ClaimKind.PERCENT)]),
        told_shares=values(told),
        months=[0, *values(c for c in (*said, *there) if _is_free_time(c))] if is_yearly else [],
    )
    if is_reckoned:
        yield from prices.scaled()
    if adds_up:
        yield from prices.combined(float(claim.value))


def differences(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], operands: Operands
) -> Iterator[float]:
    """Between a price of the message and another, or two of one passage."""
    if not (compares(claim, read) or _DIFFERENCE.search(read.text)):
        return
    ours = values(c for c in said if _is_money_like(c, claim))
    listed = values(c for c in operands.known() if _is_money_like(c, claim))
    yield from (abs(a - b) for a, b in product(ours, (*ours, *listed)))
    for group in operands.alike:
        prices = values(c for c in group if _is_money_like(c, claim))
        yield from (abs(a - b) for a, b in combinations(prices, 2))


def _is_money_like(other: Claim, claim: Claim) -> bool:
    """Whether both are of one currency; cents are of any."""
    return other.kind is ClaimKind.MONEY and (
        other.unit == claim.unit or "cent" in {other.unit, claim.unit}
    )


def _is_free_time(claim: Claim) -> bool:
    is_short = claim.unit == "month" and claim.value.isdigit() and int(claim.value) <= _MAX_FREE
    return claim.kind is ClaimKind.DURATION and is_short
