"""Figures that a message works out from others: "1,500 over at 4 cents each is $60"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, permutations, product

from followup.bounds import Bound
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.numerals import read_numeral

# Without one of these a new figure is stated, not worked out.
_WORKED_OUT = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes? (?:to|out)|would|"
    r"works? out|brings?|saves?|saving|i\.e|left|over|equals?|means?|plus|on top|off|apiece|"
    r"each(?! (?:day|week|month|quarter|year))|instead of|then|fits?|half|times|adds? up|buy|"
    r"spare|leaves?|order|take|for (?:all|both)|difference)\b|=",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\W+(?:more|less|cheaper|dearer|extra|difference|on top|longer|shorter)\b", re.I
)
_ADDS_UP = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes? (?:to|out)|would|"
    r"works? out|brings?|i\.e|equals?|plus|on top|then|times|adds? up|difference|together)\b|=",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"\b(?:difference|save|saves|saving|spare|cheaper)\b", re.IGNORECASE)
_TOTALS = re.compile(r"\b(?:in all|total|altogether|together)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:by|what it was|less|fewer|more|cut|drop\w*|fell|fall\w*|rose|rise\w*|grew|sav\w+|"
    r"reduc\w+|down|up)\b",
    re.IGNORECASE,
)
_DASH = re.compile(r"(?<=\d)-")
_COUNTS = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
FIGURES = _COUNTS | {ClaimKind.MONEY, ClaimKind.PERCENT, ClaimKind.DURATION}
_OF_READER = re.compile(r"\b(?:you|you'd|your|yours|all of)\b", re.IGNORECASE)
_YEARLY = re.compile(r"\b(?:years?|yearly|annual\w*)\b", re.IGNORECASE)
_MAX_FREE = 3
_MIN_COUNT = 10
_LARGE = 100
_MONTHS = 12
_ABOUT = 0.015
_ABOUT_RATIO = 0.1
_NEAR = 0.8
_ABOUT_SHARE = 0.05
_HUNDRED = 100.0
_ROUNDING = 0.005


def is_worked_out(
    claim: Claim,
    read: ReadSentence,
    said: Sequence[Claim],
    asked: Sequence[Claim],
    known: Sequence[Claim],
    beside: Sequence[Claim],
) -> bool:
    """Whether a figure follows from others by one step of arithmetic, or two for a price.

    `said` are the message's other claims, `asked` the request's; `known` are those that the documents
    tell of the claim's subjects, `beside` those in the evidence of the sentence's other figures. Of
    `known` only prices, percentages and large counts are taken, with a figure of the message each:
    from two that the message does not say, nearly everything follows.
    """
    if "-" in claim.value:
        return False
    numbers = [*_numerals(read, claim), *_values(c for c in said if c.kind in _COUNTS)]
    if _OF_READER.search(read.text):
        numbers += _values(c for c in asked if c.kind in _COUNTS)
    said = (*said, *(c for c in asked if c.kind not in _COUNTS))
    results: Iterable[float] = ()
    if claim.kind is ClaimKind.MONEY:
        results = _of_prices(claim, read, said, known, numbers)
    elif claim.kind in _COUNTS and claim.unit == "times":
        results = _ratios(claim, read, said, beside)
    elif claim.kind in _COUNTS and float(claim.value) >= _MIN_COUNT and _is_told(read):
        results = _of_counts(said, known, [*_numerals(read, claim)], numbers)
    elif claim.kind is ClaimKind.PERCENT and _CHANGES.search(read.text):
        results = _changes(claim, read, said, beside)
    elif claim.kind is ClaimKind.DURATION:
        results = _of_durations(claim, read, said, known)
    return any(_agree(claim, result) for result in results)


def is_sum(claim: Claim, parts: Sequence[Claim]) -> bool:
    """Whether a count adds up two others: "your 36 machines" of 30 Macs and 6 servers."""
    counts = _values(c for c in parts if c.kind in _COUNTS)
    is_count = claim.kind in _COUNTS and "-" not in claim.value
    return is_count and any(a + b == float(claim.value) for a, b in combinations(counts, 2))


def is_reckoned_with(claim: Claim, worked_out: Sequence[Claim], prices: Sequence[Claim]) -> bool:
    """Whether a figure is only supposed: "three hours come to £54", where one is £18."""
    if claim.kind not in _COUNTS | {ClaimKind.DURATION} or "-" in claim.value:
        return False
    figures = _values(c for c in prices if c.kind is ClaimKind.MONEY)
    return any(
        abs(float(result.value) - price * float(claim.value)) < _ROUNDING
        for result in worked_out
        for price in figures
        if result.kind is ClaimKind.MONEY and "-" not in result.value and price
    )


def compares(claim: Claim, read: ReadSentence) -> bool:
    """Whether a figure is a difference: "two weeks longer", "$9 more"."""
    return _COMPARES.match(read.text, read.tokens[claim.end - 1].end) is not None


def _is_told(read: ReadSentence) -> bool:
    return _WORKED_OUT.search(read.text) is not None


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
    is_whole = wanted.is_integer() and claim.kind in _COUNTS and not claim.unit
    return abs(wanted - result) < (1 if is_whole and result < wanted else _ROUNDING)


def _values(claims: Iterable[Claim]) -> list[float]:
    return list(dict.fromkeys(float(v) for c in claims for v in _DASH.split(c.value)))


def _numerals(read: ReadSentence, claim: Claim) -> Iterator[float]:
    """The other numbers of the sentence, also those that count nothing: "three of them"."""
    for place in range(len(read.tokens)):
        found = None if claim.start <= place < claim.end else read_numeral(read.tokens, place)
        if found and found.value:
            yield float(found.value)
        elif read.tokens[place].lower == "both":
            yield 2.0


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
            yield from (price * share / _HUNDRED for share in self.shares)
        off = [(price, share) for price in self.ours for share in self.shares]
        off += [(price, share) for price in self.listed for share in self.told_shares]
        reduced = [price * (_HUNDRED - share) / _HUNDRED for price, share in off]
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


def _of_prices(
    claim: Claim,
    read: ReadSentence,
    said: Sequence[Claim],
    known: Sequence[Claim],
    numbers: Sequence[float],
) -> Iterator[float]:
    money = [c for c in said if _is_money_like(c, claim)]
    told = [c for c in said if c.kind is ClaimKind.PERCENT]
    is_yearly = _YEARLY.search(read.text) is not None
    prices = _Prices(
        here=_values(c for c in money if c in read.claims),
        ours=_values(money),
        listed=_values(c for c in known if _is_money_like(c, claim)),
        counts=[number for number in numbers if number > 1],
        limits=_values(c for c in known if c.kind in _COUNTS and not c.unit),
        shares=_values([*told, *(c for c in known if c.kind is ClaimKind.PERCENT)]),
        told_shares=_values(told),
        months=[0, *_values(c for c in (*said, *known) if _is_free_time(c))] if is_yearly else [],
    )
    yield from (a * b for a, b in product(prices.here, prices.counts))
    yield from (a / b for a, b in product(prices.here, prices.counts))
    if compares(claim, read) or _DIFFERENCE.search(read.text):
        every = (*prices.ours, *prices.listed)
        yield from (a - b for a, b in permutations(every, 2))
    if _is_told(read):
        yield from prices.scaled()
    if _ADDS_UP.search(read.text):
        yield from prices.combined(float(claim.value))


def _is_money_like(other: Claim, claim: Claim) -> bool:
    """Whether both are of one currency; cents are of any."""
    return other.kind is ClaimKind.MONEY and (
        other.unit == claim.unit or "cent" in {other.unit, claim.unit}
    )


def _is_free_time(claim: Claim) -> bool:
    is_short = claim.unit == "month" and claim.value.isdigit() and int(claim.value) <= _MAX_FREE
    return claim.kind is ClaimKind.DURATION and is_short


def _of_counts(
    said: Sequence[Claim],
    known: Sequence[Claim],
    here: Sequence[float],
    numbers: Sequence[float],
) -> Iterator[float]:
    """Of a number of the sentence and another, or of two prices."""
    large = [v for v in _values(c for c in known if c.kind in _COUNTS) if v >= _LARGE]
    for first, second in product(here, (*numbers, *large)):
        yield abs(first - second)
        if first != second:
            yield first + second
        yield first * second
        if second and first:
            yield first / second
            yield second / first
    money = _values(c for c in said if c.kind is ClaimKind.MONEY)
    yield from (a / b for a, b in permutations(money, 2) if b)


def _ratios(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[float]:
    """Of two figures of the sentence, or of one and another in its evidence."""
    here = [*_numerals(read, claim)]
    yield from (b / a for a, b in product(here, here) if a)
    yield from (a / b for a, b in _alike(claim, read, said, beside) if b)


def _changes(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[float]:
    """By how much in percent a figure differs from another of its kind, and its share of it."""
    for first, second in _alike(claim, read, said, beside):
        if first:
            yield abs(first - second) * _HUNDRED / first
            yield second * _HUNDRED / first


def _alike(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], beside: Sequence[Claim]
) -> Iterator[tuple[float, float]]:
    """Pairs of figures that measure the same, one of them in the sentence beside the claim."""
    here = [c for c in said if c in read.claims and c.start != claim.start and c.kind in FIGURES]
    for first, second in product(here, (*here, *beside)):
        if first.kind is second.kind and (first.unit, first.per) == (second.unit, second.per):
            for a, b in product(_values((first,)), _values((second,))):
                yield from ((a, b), (b, a)) if a != b else ()


def _of_durations(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], known: Sequence[Claim]
) -> Iterator[float]:
    ours = _values(c for c in said if c.unit == claim.unit)
    theirs = _values(c for c in known if c.unit == claim.unit)
    if _TOTALS.search(read.text):
        yield from chain((a + b for a, b in product(ours, (*ours, *theirs))))
    if compares(claim, read):
        yield from (a - b for a, b in permutations(theirs, 2))
