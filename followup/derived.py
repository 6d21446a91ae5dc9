"""Figures that a message works out from others: "1,500 over at 4 cents each is $60"."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, combinations, permutations, product

from followup.bounds import Bound
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.operands import (
    COUNTS,
    FIGURES,
    HUNDRED,
    Operands,
    compares,
    is_told,
    numerals,
    values,
)
from followup.reckoned_prices import differences, of_prices

_TOTALS = re.compile(r"\b(?:in all|total|altogether|together)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:by|what it was|less|fewer|more|cut|drop\w*|fell|fall\w*|rose|rise\w*|grew|sav\w+|"
    r"reduc\w+|down|up)\b",
    re.IGNORECASE,
)
_OF_READER = re.compile(r"\b(?:you|you'd|your|yours|all of)\b", re.IGNORECASE)
_MIN_COUNT = 10
_LARGE = 100
_ABOUT = 0.015
_ABOUT_RATIO = 0.1
_NEAR = 0.8
_ABOUT_SHARE = 0.05
_ROUNDING = 0.005


def is_worked_out(claim: Claim, read: ReadSentence, operands: Operands) -> bool:
    """Whether a figure follows from others by one step of arithmetic, or two for a price.

    Of what is known, only prices, percentages and large counts are taken, with a figure of the
    message each: from two that the message does not say, nearly everything follows.
    """
    if "-" in claim.value:
        return False
    asked, known, beside, said = operands.asked, operands.known, operands.beside, operands.said
    numbers = [*numerals(read, claim), *values(c for c in said if c.kind in COUNTS)]
    if _OF_READER.search(read.text):
        numbers += values(c for c in asked if c.kind in COUNTS)
    said = (*said, *(c for c in asked if c.kind not in COUNTS))
    results: Iterable[float] = ()
    if claim.kind is ClaimKind.MONEY:
        results = chain(
            of_prices(claim, read, said, known, numbers), differences(claim, read, said, operands)
        )
    elif claim.kind in COUNTS and claim.unit == "times":
        results = _ratios(claim, read, said, beside)
    elif claim.kind in COUNTS and float(claim.value) >= _MIN_COUNT and is_told(read, claim):
        results = _of_counts(said, known(), [*numerals(read, claim)], numbers)
    elif claim.kind is ClaimKind.PERCENT and _CHANGES.search(read.text):
        results = _changes(claim, read, said, beside)
    elif claim.kind is ClaimKind.DURATION:
        results = _of_durations(claim, read, said, known)
    return any(_agree(claim, result) for result in results)


def is_sum(claim: Claim, parts: Sequence[Claim]) -> bool:
    """Whether a count adds up two others: "your 36 machines" of 30 Macs and 6 servers."""
    counts = values(c for c in parts if c.kind in COUNTS)
    is_count = claim.kind in COUNTS and "-" not in claim.value
    return is_count and any(a + b == float(claim.value) for a, b in combinations(counts, 2))


def is_reckoned_with(claim: Claim, worked_out: Sequence[Claim], prices: Sequence[Claim]) -> bool:
    """Whether a figure is only supposed: "three hours come to £54", where one is £18."""
    if claim.kind not in COUNTS | {ClaimKind.DURATION} or "-" in claim.value:
        return False
    figures = values(c for c in prices if c.kind is ClaimKind.MONEY)
    return any(
        abs(float(result.value) - price * float(claim.value)) < _ROUNDING
        for result in worked_out
        for price in figures
        if result.kind is ClaimKind.MONEY and "-" not in result.value and price
    )


def _agree(claim: Claim, result: float) -> bool:
    wanted = float(claim.value)
    if claim.bound in {Bound.LESS, Bound.MORE}:
        least, most = sorted((result, wanted))
        return (result < wanted) is (claim.bound is Bound.LESS) and least >= _NEAR * most
    if claim.bound is not Bound.EXACT:
        about = _ABOUT_RATIO if claim.unit == "times" else _ABOUT
        about = _ABOUT_SHARE if claim.kind is ClaimKind.PERCENT else about
        return abs(wanted - result) <= about * wanted
    is_fraction = claim.kind is ClaimKind.PERCENT and claim.text[0].isalpha()
    if is_fraction:
        # "A third" is 33%.
        return abs(wanted - result) < 1
    is_whole = wanted.is_integer() and claim.kind in COUNTS and not claim.unit
    return abs(wanted - result) < (1 if is_whole and result < wanted else _ROUNDING)


def _of_counts(
    said: Sequence[Claim],
    known: Sequence[Claim],
    here: Sequence[float],
    numbers: Sequence[float],
) -> Iterator[float]:
    """Of a number of the sentence and another, or of two prices."""
    large = [v for v in values(c for c in known if c.kind in COUNTS) if v >= _LARGE]
    for first, second in product(here, (*numbers, *large)):
        yield abs(first - second)
        if first != second:
            yield first + second
        yield first * second
        if second and first:
            yield first / second
            yield second / first
    money = values(c for c in said if c.kind is ClaimKind.MONEY)
    yield from (a / b for a, b in permutations(money, 2) if b)


def _ratios(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[float]:
    """Of two figures of the sentence, or of one and another in its evidence."""
    here = [*numerals(read, claim)]
    yield from (b / a for a, b in product(here, here) if a)
    yield from (a / b for a, b in _alike(claim, read, said, beside) if b)


def _changes(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[float]:
    """By how much in percent a figure differs from another of its kind, and its share of it."""
    for first, second in _alike(claim, read, said, beside):
        if first:
            yield abs(first - second) * HUNDRED / first
            yield second * HUNDRED / first


def _alike(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[tuple[float, float]]:
    """Pairs of figures that measure the same, one of them in the sentence beside the claim."""
    here = [c for c in said if c in read.claims and c.start != claim.start and c.kind in FIGURES]
    for first, second in product(here, (*here, *beside)):
        if first.kind is second.kind and (first.unit, first.per) == (second.unit, second.per):
            for a, b in product(values((first,)), values((second,))):
                yield from ((a, b), (b, a)) if a != b else ()


def _of_durations(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], known: Callable[[], Sequence[Claim]]
) -> Iterator[float]:
    is_total, is_difference = _TOTALS.search(read.text) is not None, compares(claim, read)
    if not (is_total or is_difference):
        return
    ours = values(c for c in said if c.unit == claim.unit)
    theirs = values(c for c in known() if c.unit == claim.unit)
    if is_total:
        yield from (a + b for a, b in product(ours, (*ours, *theirs)))
    if is_difference:
        yield from (a - b for a, b in permutations(theirs, 2))
