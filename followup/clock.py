"""Reads hours of the day that are written without minutes: "eight till six", "7 at night"."""

from collections.abc import Sequence

from followup.dates import WEEKDAYS
from followup.numerals import NUMBER_OPENERS, read_numeral
from followup.tokens import Token
from followup.vocabulary import STOP_WORDS, stem

_HOURS_OF_FACE = 12
_LIMITING = frozenset(
    map(stem, "stop cap end limit stay stand remain begin start hold set sit peak max top".split())  # noqa: SIM905
)
_HOURS_OF_DAY = 24
_QUARTER = 15
_FACE_MINUTES = frozenset({5, 10, 15, 20, 25})
_SERVICES = frozenset("phone telephone chat support open opened opening hotline desk line".split())  # noqa: SIM905


def read_clock(tokens: Sequence[Token], place: int) -> tuple[str, int] | None:
    """Hour as "8h", on the face of a clock, and the index after it; one end of a span at a time."""
    if tokens[place].kind != "number" and tokens[place].lower not in NUMBER_OPENERS:
        return None
    read = _hour(tokens, place)
    if read:
        return read
    for first in (place, place - 2):
        if first < 0 or first + 2 >= len(tokens):
            continue
        low, high = read_numeral(tokens, first), read_numeral(tokens, first + 2)
        if not (low and high and low.end == first + 1 and high.end == first + 3):
            continue
        joint = tokens[first + 1].lower
        opener = tokens[first - 1].lower if first else ""
        is_span = joint in {"till", "until"} or (
            (opener, joint) in {("between", "and"), ("from", "to"), ("from", "till")}
            and low.value > high.value
        )
        is_span |= joint in {"to", "-"} and low.value >= high.value and _says_days(tokens)
        is_late = low.value < high.value > _HOURS_OF_FACE and _says_service(tokens)
        is_late &= (opener, joint) == ("from", "to")
        is_span |= is_late
        latest = _HOURS_OF_DAY if is_late else _HOURS_OF_FACE
        is_face = all(0 < n.value <= latest and n.value % 1 == 0 for n in (low, high))
        if is_span and is_face and not _goes_on_counting(tokens, first + 3):
            value = low.value if first == place else high.value
            return f"{value}h", place + 1
    return None


def _hour(tokens: Sequence[Token], place: int) -> tuple[str, int] | None:
    """ "Seven in the evening", "half past five", "10 at night", "6 o'clock"."""
    if [t.lower for t in tokens[place : place + 2]] == ["half", "past"] and place + 2 < len(tokens):
        hour = read_numeral(tokens, place + 2)
        return (f"{hour.value}:30h", hour.end) if hour else None
    told = _minutes_to(tokens, place)
    if told:
        return told
    hour = read_numeral(tokens, place)
    if hour is None or not 0 < hour.value <= _HOURS_OF_FACE or hour.value % 1:
        return None
    after = " ".join(token.lower for token in tokens[hour.end : hour.end + 3])
    is_hour = after.startswith(("in the morning", "in the evening", "in the afternoon", "at night"))
    is_hour |= after.startswith(("o'clock", "o 'clock"))
    # "They leave at 5", but for "at 5 dollars".
    is_hour |= _is_at(tokens, place) and _ends_clause(tokens, hour.end)
    return (f"{hour.value}h", hour.end) if is_hour else None


def _is_at(tokens: Sequence[Token], place: int) -> bool:
    """Whether "at" stands before, and before it no verb of limits: "stops at 12" is no hour."""
    words = [token.lower for token in tokens[max(0, place - 2) : place]]
    return words[-1:] == ["at"] and len(words) > 1 and stem(words[0]) not in _LIMITING


def _minutes_to(tokens: Sequence[Token], place: int) -> tuple[str, int] | None:
    """ "Twenty to six", "a quarter past eight", in words."""
    words = [token.lower for token in tokens[place : place + 2]]
    is_quarter = words == ["a", "quarter"] or words[:1] == ["quarter"]
    low = None if is_quarter else read_numeral(tokens, place)
    end = place + words.index("quarter") + 1 if is_quarter else low.end if low else 0
    joint = tokens[end].lower if 0 < end < len(tokens) - 1 else ""
    high = read_numeral(tokens, end + 1) if joint in {"to", "past"} else None
    before = tokens[place - 1].lower if place else ""
    if high is None or before == "from" or not (high.in_words and high.value <= _HOURS_OF_FACE):
        return None
    minutes = _QUARTER if is_quarter else int(low.value) if low and low.in_words else 0
    if minutes not in _FACE_MINUTES or not _ends_clause(tokens, high.end):
        return None
    hour = int(high.value) if joint == "past" else int(high.value) - 1
    return f"{hour}:{minutes if joint == 'past' else 60 - minutes:02}h", high.end


def _ends_clause(tokens: Sequence[Token], place: int) -> bool:
    after = tokens[place] if place < len(tokens) else None
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if after is not None and after.lower in {"and", "or"}:
        return following is not None and following.kind == "word"
    return after is None or after.text in {".", ",", ";", "?", "!", ")"}


def _says_days(tokens: Sequence[Token]) -> bool:
    """Whether the sentence speaks of hours of opening."""
    return any(t.lower.removesuffix("s") in WEEKDAYS | {"weekday", "daily", "week"} for t in tokens)


def _says_service(tokens: Sequence[Token]) -> bool:
    """Whether the sentence speaks of a service that has hours: "telephone from 8 to 20"."""
    return any(token.lower in _SERVICES for token in tokens)


def _goes_on_counting(tokens: Sequence[Token], place: int) -> bool:
    """Whether a unit or noun follows, so that the figures count something."""
    if place >= len(tokens):
        return False
    word = tokens[place]
    return word.text == "%" or (
        word.text.islower() and word.lower not in STOP_WORDS and word.lower not in WEEKDAYS
    )
