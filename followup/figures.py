"""Reads figures before their units are known: numbers, ranges, and rises that are no ranges."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from followup.numerals import Numeral, plain_text, read_numeral
from followup.tokens import Token
from followup.units import currency_of, time_unit

_CHANGES = frozenset(
    """rose rise rises risen grew grow grows grown went go goes increased increase increases
    improved improves fell fall falls fallen dropped drop drops cut cuts decreased reduced reduces
    moved moves up down shrank changed lowered raised climbed""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or a range, before its unit is known."""

    value: str
    end: int
    currency: str
    in_words: bool
    unit: str = ""
    """The unit that stood at the lower end of a range: 10% to 15%."""


def read_figure(tokens: Sequence[Token], start: int) -> Figure | None:
    """The number or range that begins at token `start`, with its currency if it stands before."""
    currency, index = _currency_before(tokens, start)
    numeral = read_numeral(tokens, index) if index < len(tokens) else None
    if numeral is None:
        return None
    numeral = _without_digits_again(tokens, numeral)
    low_unit, end = _unit_in_range(tokens, numeral.end)
    high = _range_end(tokens, start, end, currency)
    if high is None:
        return Figure(plain_text(numeral.value), numeral.end, currency, numeral.in_words)
    low = numeral.value
    if high.has_scale and not numeral.has_scale:
        digits = tokens[index].text.replace(",", "")
        _, written = _scale_of(tokens, high)
        low = Decimal(digits.replace(" ", "")) * written if tokens[index].kind == "number" else low
    if high.value <= low and (tokens[end].lower != "to" or _is_change(tokens, start)):
        return Figure(plain_text(numeral.value), numeral.end, currency, numeral.in_words)
    value = f"{plain_text(low)}-{plain_text(high.value)}"
    return Figure(value, high.end, currency, numeral.in_words, low_unit)


def _is_change(tokens: Sequence[Token], start: int) -> bool:
    """Whether "47 to 31" tells a change, as "from 47 to 31" and "down 47 to 31" do."""
    return start > 0 and tokens[start - 1].lower in {"from", "down", "up", "went", "of"}


def _without_digits_again(tokens: Sequence[Token], numeral: Numeral) -> Numeral:
    """The numeral with the digits that contracts put behind it: "sixty (60) days"."""
    end = numeral.end
    if not numeral.in_words or [t.text for t in tokens[end : end + 3 : 2]] != ["(", ")"]:
        return numeral
    again = read_numeral(tokens, end + 1)
    return numeral._replace(end=end + 3) if again and again.value == numeral.value else numeral


def _is_rise(tokens: Sequence[Token], start: int) -> bool:
    """Whether "from 81% to 94%" tells a rise or a fall, which are two values and no range."""
    if not start or tokens[start - 1].lower != "from":
        return False
    return any(token.lower in _CHANGES for token in tokens[max(0, start - 5) : start - 1])


def _scale_of(tokens: Sequence[Token], high: Numeral) -> tuple[Decimal, Decimal]:
    """The number as written and the scale that followed it: 5-10 million scales both ends."""
    place = high.end - 1
    while tokens[place].kind != "number":
        place -= 1
    written = Decimal(tokens[place].text.replace(",", "").replace(" ", "")) or Decimal(1)
    return written, high.value / written


def _currency_before(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    token = tokens[start]
    if token.kind == "currency":
        return currency_of(token), start + 1
    return "", start


def _unit_in_range(tokens: Sequence[Token], index: int) -> tuple[str, int]:
    """The unit that may stand at both ends: "10% to 15%", "3 months to 6 months", "299 $"."""
    if index < len(tokens):
        if tokens[index].lower in {"%", "percent"} or tokens[index].kind == "currency":
            return tokens[index].lower, index + 1
        if [token.lower for token in tokens[index : index + 2]] == ["per", "cent"]:
            return "percent", index + 2
        if time_unit(tokens, index):
            return tokens[index].lower, index + 1
    return "", index


def _range_end(tokens: Sequence[Token], start: int, index: int, currency: str) -> Numeral | None:
    if [token.lower for token in tokens[index : index + 2]] == ["up", "to"]:
        index += 1
    if index + 1 >= len(tokens):
        return None
    joint = tokens[index].lower
    between = start > 0 and tokens[start - 1].lower == "between"
    if joint not in {"-", "to"} and not (joint == "and" and between):
        return _alternative(tokens, start, index) if joint == "or" else None
    if joint == "to" and _is_rise(tokens, start):
        return None
    after, place = _currency_before(tokens, index + 1)
    if place >= len(tokens) or (after and after != currency):
        return None
    return read_numeral(tokens, place)


def _alternative(tokens: Sequence[Token], start: int, index: int) -> Numeral | None:
    """The upper end of "two or three"."""
    low, high = read_numeral(tokens, start), read_numeral(tokens, index + 1)
    return high if low and high and high.value == low.value + 1 else None
