"""Figures that a message works out from others: "1,500 over at 4 cents each is $60"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import permutations

from followup.bounds import Bound
from followup.claims import Claim, ClaimKind

# Without one of these a new figure is stated, not worked out.
_WORKED_OUT = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes?|would|works? out|"
    r"brings?|saves?|saving|i\.e|left|over|equals?|means?|plus|on top|off|each|apiece|instead of|"
    r"then|fits?|half|times)\b|=",
    re.IGNORECASE,
)
_COUNTS = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_MIN_COUNT = 10
_MONTHS = Decimal(12)
_ABOUT = Decimal("0.015")
_HUNDRED = Decimal(100)


def is_worked_out(
    claim: Claim, sentence: str, said: Sequence[Claim], known: Sequence[Claim]
) -> bool:
    """Whether a figure follows from others by one step of arithmetic, or two for a price.

    `said` are the message's other claims and the request's; `known` are those of the documents,
    of which only percentages and large counts are taken: nearly everything follows from small ones.
    """
    if not _WORKED_OUT.search(sentence) or "-" in claim.value:
        return False
    prices = _values(c for c in said if c.kind is ClaimKind.MONEY and c.unit == claim.unit)
    counts = _values(c for c in said if c.kind in _COUNTS)
    shares = _values(c for c in (*said, *known) if c.kind is ClaimKind.PERCENT)
    if claim.kind is ClaimKind.MONEY:
        results = _prices(prices, counts, shares)
    elif claim.kind in _COUNTS and Decimal(claim.value) >= _MIN_COUNT:
        large = [v for v in _values(c for c in known if c.kind in _COUNTS) if v >= _HUNDRED]
        results = _counts(counts, [*counts, *large])
    elif claim.unit == "times":
        results = (b / a for v in (prices, counts) for a in v for b in v if a)
    else:
        return False
    wanted = Decimal(claim.value)
    return any(_agree(wanted, result, claim) for result in results)


def _agree(wanted: Decimal, result: Decimal, claim: Claim) -> bool:
    if claim.bound is Bound.ABOUT:
        return abs(wanted - result) <= _ABOUT * wanted
    is_whole = wanted == wanted.to_integral_value() and claim.kind in _COUNTS
    return abs(wanted - result) < (1 if is_whole and result < wanted else Decimal("0.005"))


def _values(claims: Iterable[Claim]) -> list[Decimal]:
    return list(dict.fromkeys(Decimal(c.value) for c in claims if "-" not in c.value))


def _prices(
    prices: Sequence[Decimal], counts: Sequence[Decimal], shares: Sequence[Decimal]
) -> Iterator[Decimal]:
    for price in prices:
        yield price * _MONTHS
        yield price / _MONTHS
        for share in shares:
            yield price * share / _HUNDRED
            yield price * (1 - share / _HUNDRED)
            yield price * _MONTHS * (1 - share / _HUNDRED)
        for count in counts:
            yield price * count
    for first, second in permutations(prices, 2):
        yield first + second
        yield first - second
        for count in counts:
            yield first + second * count
        for more, less in permutations(counts, 2):
            yield first + second * (more - less)


def _counts(said: Sequence[Decimal], known: Sequence[Decimal]) -> Iterator[Decimal]:
    for first in said:
        for second in known:
            yield abs(first - second)
            if first != second:
                yield first + second
            yield first * second
            if second:
                yield first / second
