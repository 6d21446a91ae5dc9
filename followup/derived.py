"""Figures that a message works out from others: "1,500 over at 4 cents each is $60"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, permutations

from followup.bounds import Bound
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.numerals import read_numeral

# Without one of these a new figure is stated, not worked out.
_WORKED_OUT = re.compile(
    r"\b(?:so|that's|that is|this is|makes?|making|total|in all|altogether|comes? (?:to|out)|would|"
    r"works? out|brings?|saves?|saving|i\.e|left|over|equals?|means?|plus|on top|off|apiece|"
    r"each(?! (?:day|week|month|quarter|year))|instead of|then|fits?|half|times|adds? up|buy|"
    r"order|take)\b|=",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\W+(?:more|less|cheaper|dearer|extra|difference|on top|longer|shorter)\b", re.I
)
_TOTALS = re.compile(r"\b(?:in all|total|altogether|together)\b", re.IGNORECASE)
_DASH = re.compile(r"(?<=\d)-")
_COUNTS = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_MIN_COUNT = 10
_LARGE = 100
_MONTHS = 12
_ABOUT = Decimal("0.015")
_ABOUT_TIMES = Decimal("0.1")
_HUNDRED = 100


def is_worked_out(
    claim: Claim, read: ReadSentence, said: Sequence[Claim], known: Sequence[Claim]
) -> bool:
    """Whether a figure follows from others by one step of arithmetic, or two for a price.

    `said` are the message's other claims and the request's; `known` are those of the documents.
    Of those only prices, percentages and large counts are taken, with a figure of the message
    each: from two that the message does not say, nearly everything follows.
    """
    if "-" in claim.value:
        return False
    numbers = [*_numerals(read, claim), *_values(c for c in said if c.kind in _COUNTS)]
    results: Iterable[Decimal]
    if claim.kind is ClaimKind.MONEY:
        results = _prices(claim, read, said, known, numbers)
    elif claim.kind in _COUNTS and Decimal(claim.value) >= _MIN_COUNT:
        large = [v for v in _values(c for c in known if c.kind in _COUNTS) if v >= _LARGE]
        ours = _values(c for c in said if c.kind is ClaimKind.MONEY)
        ratios = (a / b for a, b in permutations(ours, 2) if b)
        results = chain(_of_counts(numbers, [*numbers, *large]), ratios) if _is_told(read) else ()
    elif claim.unit == "times":
        here = [*_numerals(read, claim)]
        results = (b / a for a in here for b in here)
    elif claim.kind is ClaimKind.DURATION and _TOTALS.search(read.text):
        ours = _values(c for c in said if c.unit == claim.unit)
        theirs = _values(c for c in known if c.unit == claim.unit)
        results = (a + b for a in ours for b in (*ours, *theirs))
    else:
        return False
    wanted = Decimal(claim.value)
    return any(_agree(wanted, result, claim) for result in results)


def compares(claim: Claim, read: ReadSentence) -> bool:
    """Whether a figure is a difference: "two weeks longer", "$9 more"."""
    return _COMPARES.match(read.text, read.tokens[claim.end - 1].end) is not None


def _is_told(read: ReadSentence) -> bool:
    return _WORKED_OUT.search(read.text) is not None


def _agree(wanted: Decimal, result: Decimal, claim: Claim) -> bool:
    if claim.bound is Bound.ABOUT:
        return abs(wanted - result) <= (_ABOUT_TIMES if claim.unit == "times" else _ABOUT) * wanted
    is_whole = wanted == wanted.to_integral_value() and claim.kind in _COUNTS and not claim.unit
    return abs(wanted - result) < (1 if is_whole and result < wanted else Decimal("0.005"))


def _values(claims: Iterable[Claim]) -> list[Decimal]:
    return list(dict.fromkeys(Decimal(v) for c in claims for v in _DASH.split(c.value)))


def _numerals(read: ReadSentence, claim: Claim) -> Iterator[Decimal]:
    """The other numbers of the sentence, also those that count nothing: "three of them"."""
    for place in range(len(read.tokens)):
        found = None if claim.start <= place < claim.end else read_numeral(read.tokens, place)
        if found and found.value:
            yield found.value


def _prices(
    claim: Claim,
    read: ReadSentence,
    said: Sequence[Claim],
    known: Sequence[Claim],
    numbers: Sequence[Decimal],
) -> Iterator[Decimal]:
    ours = _values(c for c in said if c.kind is ClaimKind.MONEY and c.unit == claim.unit)
    theirs = _values(c for c in known if c.kind is ClaimKind.MONEY and c.unit == claim.unit)
    shares = _values(c for c in (*said, *known) if c.kind is ClaimKind.PERCENT)
    counts = [number for number in numbers if number > 1]
    here = _values(c for c in said if c.kind is ClaimKind.MONEY and c in read.claims)
    yield from (price * count for price in here for count in counts)
    yield from (price / count for price in here for count in counts)
    if compares(claim, read) or "difference" in read.text:
        yield from (a - b for a, b in permutations((*ours, *theirs), 2))
    if not _is_told(read):
        return
    yield from (price * count for price in theirs for count in counts)
    yield from (price / count for price in (*ours, *theirs) for count in counts)
    told = _values(c for c in said if c.kind is ClaimKind.PERCENT)
    yield from (price * (_HUNDRED - share) / _HUNDRED for price in theirs for share in told)
    for price in ours:
        yield price * _MONTHS
        yield price / _MONTHS
        yield from (
            price * count * (_HUNDRED - share) / _HUNDRED for share in shares for count in counts
        )
        for share in shares:
            yield price * share / _HUNDRED
            yield price * (_HUNDRED - share) / _HUNDRED
            yield price * _MONTHS * (_HUNDRED - share) / _HUNDRED
    times = {*counts, *(more - less for more, less in permutations(counts, 2))}
    wanted = Decimal(claim.value)
    for first, second in permutations(ours, 2):
        yield first + second
        yield first - second
        if second and (wanted - first) / second in times:
            yield wanted


def _of_counts(said: Sequence[Decimal], known: Sequence[Decimal]) -> Iterator[Decimal]:
    for first in said:
        for second in known:
            yield abs(first - second)
            if first != second:
                yield first + second
            yield first * second
            if second:
                yield first / second
