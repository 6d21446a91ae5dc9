"""Reads numbers, in digits or in words, from tokens."""

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from followup.tokens import Token

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: value * 10
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
} | {"fourty": 40}
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "trillion": 1_000_000_000_000,
    "dozen": 12,
}
_ZERO = Decimal(0)
_NUM_DIGITS = 10
_SUFFIXES = {"k": 1_000, "K": 1_000, "M": 1_000_000, "mm": 1_000_000, "MM": 1_000_000, "mn": 10**6}
_SUFFIXES |= {"bn": 10**9, "B": 10**9, "b": 10**9, "T": 10**12}
MULTIPLES = {"twice": 2, "double": 2, "doubled": 2, "doubles": 2, "doubling": 2, "thrice": 3}
MULTIPLES |= {"triple": 3, "tripled": 3, "triples": 3, "tripling": 3, "quadruple": 4}
MULTIPLES |= {"quadrupled": 4, "tenfold": 10, "twofold": 2, "threefold": 3, "fourfold": 4}
VAGUE = frozenset(["dozens", "hundreds", "thousands", "millions", "billions", "tens"])
_NUMBER_WORDS = frozenset([*_UNITS, *_TENS, *_SCALES, "half"])
NUMBER_OPENERS = _NUMBER_WORDS | {"a", "an"}
"""Words with which a number can begin."""


class Numeral(NamedTuple):
    """A number, the index of the token after it, and how it was written."""

    value: Decimal
    end: int
    in_words: bool
    has_scale: bool


def read_numeral(tokens: Sequence[Token], start: int) -> Numeral | None:
    """The number that begins at token `start`, or None."""
    token = tokens[start]
    if token.kind == "number":
        value = Decimal(token.text.replace(",", "").replace(" ", ""))
        scale, end = _scale_after(tokens, start + 1)
        half, end = half_after(tokens, end)
        return Numeral(value * scale + half, end, in_words=False, has_scale=scale != 1)
    if token.lower in _NUMBER_WORDS or (
        token.lower in {"a", "an"}
        and start + 1 < len(tokens)
        and (tokens[start + 1].lower in _SCALES or tokens[start + 1].lower == "half")
    ):
        return _read_words(tokens, start)
    return None


def is_odd_number(token: Token) -> bool:
    """Whether a token is a number that no rule here can read, such as 三 or a stray digit run."""
    return not token.text.isascii() and any(
        unicodedata.numeric(character, None) is not None for character in token.text
    )


def plain_text(value: Decimal) -> str:
    """The shortest decimal writing, so that 299.00 and 299 are one."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _scale_after(tokens: Sequence[Token], index: int) -> tuple[int, int]:
    """A scale that is glued on (1.2M) or stands as a word (1.2 million), and the index after it."""
    if index < len(tokens):
        token = tokens[index]
        glued = token.start == tokens[index - 1].end
        if glued and token.text in _SUFFIXES:
            return _SUFFIXES[token.text], index + 1
        if token.lower in _SCALES and not glued:
            scale, end = _scale_after(tokens, index + 1)
            return _SCALES[token.lower] * scale, end
        before_money = index > 1 and tokens[index - 2].kind == "currency"
        if glued and before_money and token.lower == "m":
            return 1_000_000, index + 1
    return 1, index


def _read_words(tokens: Sequence[Token], start: int) -> Numeral | None:
    """Sum of groups: "two hundred ninety-nine", "a million", "half a million"."""
    if tokens[start].lower == "half":
        return _read_half(tokens, start)
    total = current = Decimal(0)
    index = start
    last = ""
    while index < len(tokens):
        word = tokens[index].lower
        if word in {"a", "an"} and index == start:
            current = Decimal(1)
        elif (word in _UNITS and last not in {"unit"}) or (word in _TENS and last in {"", "scale"}):
            current += _UNITS.get(word, 0) or _TENS.get(word, 0)
            last = "unit" if word in _UNITS else "tens"
        elif word in _SCALES:
            current = max(current, Decimal(1)) * _SCALES[word]
            last = "scale"
            if _SCALES[word] > _SCALES["hundred"]:
                total, current = total + current, Decimal(0)
        elif not _joins(tokens, index, last):
            break
        index += 1
    value = total + current
    value, index = _decimals(tokens, index, value)
    half, index = half_after(tokens, index)
    return Numeral(value + half, index, in_words=True, has_scale=False)


def half_after(tokens: Sequence[Token], index: int) -> tuple[Decimal, int]:
    """One half where "and a half" stands at `index`, and the index after it."""
    if index + 2 >= len(tokens) or tokens[index].lower != "and":
        return _ZERO, index
    is_half = tokens[index + 1].lower == "a" and tokens[index + 2].lower == "half"
    return (Decimal("0.5"), index + 3) if is_half else (_ZERO, index)


def _joins(tokens: Sequence[Token], index: int, last: str) -> bool:
    """Whether a token only joins number words: the hyphen of ninety-nine, "hundred and"."""
    if index + 1 >= len(tokens):
        return False
    following = tokens[index + 1].lower
    word = tokens[index].lower
    if word == "-":
        glued = tokens[index].start == tokens[index - 1].end
        return glued and (
            (last == "tens" and following in _UNITS) or (last == "unit" and following in _SCALES)
        )
    return word == "and" and last == "scale" and (following in _UNITS or following in _TENS)


def _decimals(tokens: Sequence[Token], index: int, value: Decimal) -> tuple[Decimal, int]:
    if index + 1 < len(tokens) and tokens[index].lower == "point":
        digits = ""
        end = index + 1
        while end < len(tokens) and _UNITS.get(tokens[end].lower, _NUM_DIGITS) < _NUM_DIGITS:
            digits += str(_UNITS[tokens[end].lower])
            end += 1
        if digits:
            return value + Decimal(f"0.{digits}"), end
    return value, index


def _read_half(tokens: Sequence[Token], start: int) -> Numeral:
    index = start + 1
    if index + 1 < len(tokens) and tokens[index].lower in {"a", "an"}:
        index += 1
    if index < len(tokens) and tokens[index].lower in _SCALES:
        value = Decimal(_SCALES[tokens[index].lower]) / 2
        return Numeral(value, index + 1, in_words=True, has_scale=True)
    return Numeral(Decimal("0.5"), start + 1, in_words=True, has_scale=False)
