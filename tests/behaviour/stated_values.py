"""A second reading of values, written apart from the product's own and far simpler.

It knows figures in digits and in words, and addresses. It is strict: a figure is a figure whatever
it counts, but a price needs a price, a percentage a percentage.
"""

import re
from dataclasses import dataclass

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_ONES = {word: number for number, word in enumerate(_SMALL) if number}
_TEN_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TENS = {word: 10 * number for number, word in enumerate(_TEN_WORDS, start=2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORD = re.compile(rf"\b(?:{'|'.join([*_ONES, *_TENS, *_SCALES])})\b", re.IGNORECASE)
_NUMBER_RUN = re.compile(rf"{_WORD.pattern}(?:(?:[\s-]+|\s+and\s+){_WORD.pattern})*", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|\b[\w-]+\.(?:com|io|net|org|example)\S*"
)
_FIGURE = re.compile(
    r"(?P<currency>[$€£]|\b(?:usd|eur)\s)?\s*(?P<number>\d[\d,]*(?:\.\d+)?)\s*"
    r"(?P<after>%|percent\b|per cent\b|usd\b|eur\b|dollars?\b|euros?\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A figure or an address as a text states it."""

    kind: str
    """number, money, percent or address."""
    value: str


def stated_values(text: str) -> set[StatedValue]:
    """Every value of the text; a lone "one" is no figure."""
    addresses = {StatedValue("address", _plain_address(found)) for found in _ADDRESS.findall(text)}
    rest = _ADDRESS.sub(" ", text)
    rest = _NUMBER_RUN.sub(lambda run: _in_digits(run.group()), rest)
    return addresses | {_figure(match) for match in _FIGURE.finditer(rest)}


def unsupported_values(message: str, sources: str) -> set[StatedValue]:
    """The values of the message that the sources do not state."""
    known = stated_values(sources)
    numbers = {item.value for item in known if item.kind != "address"}
    return {
        item
        for item in stated_values(message)
        if item not in known and not (item.kind == "number" and item.value in numbers)
    }


def _figure(match: re.Match[str]) -> StatedValue:
    after = (match["after"] or "").lower()
    if after.startswith(("%", "per")):
        kind = "percent"
    else:
        kind = "money" if match["currency"] or after else "number"
    return StatedValue(kind, f"{float(match['number'].replace(',', '')):g}")


def _in_digits(run: str) -> str:
    words = re.findall(r"[a-z]+", run.lower())
    if words == ["one"]:
        return run
    total = part = 0
    for word in words:
        if word in _SCALES:
            scale = _SCALES[word]
            part = max(part, 1) * scale
            if scale > 100:
                total, part = total + part, 0
        elif word != "and":
            part += _ONES.get(word, 0) or _TENS[word]
    return f" {total + part} "


def _plain_address(found: str) -> str:
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", found.lower())
    return bare.rstrip(".,;:!?)/\"'")
