"""Reads parts of a whole: "a third of", "one in five", "half a percent", "a quarter of an hour"."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from followup.figures import Figure, read_figure
from followup.numerals import plain_text, read_numeral
from followup.tokens import Token
from followup.units import time_unit

_PARTS = {
    "third": 3,
    "thirds": 3,
    "quarter": 4,
    "quarters": 4,
    "fifth": 5,
    "fifths": 5,
    "tenth": 10,
}
_QUARTERS = {"quarter": 15, "quarters": 45}
_WHOLES = frozenset({"three", "four", "five", "ten"})
_BY_ABOUT = [["by", word] for word in ("about", "nearly", "almost", "roughly", "over", "around")]
_HALVES = frozenset({"first", "second", "other", "better"})


class Part(NamedTuple):
    """A part as an amount: its kind, value, the index of the token after it, and its unit."""

    kind: str
    value: str
    end: int
    unit: str


def read_part(tokens: Sequence[Token], start: int) -> Part | None:
    """The fraction that begins at token `start`, or None."""
    return _quarter_of_an_hour(tokens, start) or _fraction(tokens, start)


def read_half(tokens: Sequence[Token], figure: Figure, index: int) -> Part | None:
    """ "Half of our customers", "half a percent"; None for "the second half of the month"."""
    if [t.lower for t in tokens[index : index + 2]] == ["a", "percent"]:
        return Part("percent", "0.5", index + 2, "percent")
    is_compound = figure.end < len(tokens) and tokens[figure.end].text == "-"
    if is_compound or (figure.end > 1 and tokens[figure.end - 2].lower in _HALVES):
        # "The second half of the month", "every half-term"
        return None
    return Part("percent", "50", figure.end, "percent")


def read_share(tokens: Sequence[Token], figure: Figure) -> Part | None:
    """ "Seven out of ten", "one in five" as 70 and 20 percent."""
    joint = [token.lower for token in tokens[figure.end : figure.end + 2]]
    place = figure.end + 2 if joint == ["out", "of"] else figure.end + 1
    if joint != ["out", "of"] and not (
        figure.in_words and joint[:1] == ["in"] and joint[1:] and joint[1] in _WHOLES
    ):
        return None
    whole = read_figure(tokens, place) if place < len(tokens) else None
    if whole is None or "-" in figure.value + whole.value or not Decimal(whole.value):
        return None
    if time_unit(tokens, whole.end):
        # "You would finish the small one in five weeks."
        return None
    percent = Decimal(figure.value) * 100 / Decimal(whole.value)
    return Part("percent", plain_text(percent), whole.end, "percent")


def _quarter_of_an_hour(tokens: Sequence[Token], start: int) -> Part | None:
    words = [token.lower for token in tokens[start : start + 5]]
    if words[:1] not in (["a"], ["three"]) or words[2:] != ["of", "an", "hour"]:
        return None
    minutes = _QUARTERS.get(words[1])
    return Part("duration", str(minutes), start + 5, "minute") if minutes else None


def _fraction(tokens: Sequence[Token], start: int) -> Part | None:
    """ "A third of", "three quarters of": a share in percent, whole where it is not even."""
    words = [token.lower for token in tokens[start : start + 3]]
    place = start + 1
    parts = _PARTS.get(words[1]) if len(words) > 1 else None
    before = [token.lower for token in tokens[max(0, start - 2) : start]]
    is_share = words[2:] in (["of"], ["off"]) or "by" in before[-1:] or before in _BY_ABOUT
    if parts is None or not is_share:
        return None
    numeral = read_numeral(tokens, start)
    count = 1 if words[0] in {"a", "one"} else int(numeral.value) if numeral else 0
    if not 0 < count < parts:
        return None
    percent = (Decimal(100 * count) / parts).quantize(Decimal(1))
    return Part("percent", str(percent), place + 1, "percent")
