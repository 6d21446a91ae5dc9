"""Reads dates from tokens into one form: year-month-day with ? for what is not said."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from followup.tokens import Token

_MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_SHORT_MONTHS = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_WORDS_THAT_ARE_MONTHS = frozenset({"march", "may", *_SHORT_MONTHS})
WEEKDAY_ORDER = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
WEEKDAYS = frozenset(WEEKDAY_ORDER)
_SPANS = frozenset({"week", "month", "quarter", "year", "weekend", "fortnight"})
_POINTERS = frozenset({"next", "last", "this", "coming", "previous", "past", "following"})
_EVERY = frozenset({"the", "each", "every", "any"})
_DAYS = frozenset({"tomorrow", "yesterday", "tonight"})
_ORDINALS = {
    word: number
    for number, word in enumerate(
        (
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
        ),
        start=1,
    )
}
_QUARTERS = {f"q{number}": number for number in range(1, 5)}
DATE_OPENERS = (
    WEEKDAYS
    | _POINTERS
    | _DAYS
    | _QUARTERS.keys()
    | _ORDINALS.keys()
    | _MONTHS.keys()
    | _SHORT_MONTHS.keys()
)
"""Words with which a date can begin."""
_SUFFIXES = frozenset({"st", "nd", "rd", "th"})
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
_MAX_DAY, _MAX_MONTH = 31, 12
_CENTURY = 2000
_NUM_PARTS = 3
_NUMERIC = re.compile(r"[-/.]")


class ReadDate(NamedTuple):
    """A date, the index of the token after it, and whether it depends on the day it is read."""

    value: str
    end: int
    is_relative: bool = False


def read_date(tokens: Sequence[Token], start: int) -> ReadDate | None:
    """The date that begins at token `start`, or None."""
    token = tokens[start]
    if token.kind == "date":
        return ReadDate(_numeric_date(token.text), start + 1)
    if token.kind == "time":
        return ReadDate(_time(token.lower), start + 1)
    return (
        _quarter(tokens, start)
        or _relative(tokens, start)
        or _month_first(tokens, start)
        or _day_first(tokens, start)
        or _lone_year(tokens, start)
    )


def dates_agree(claimed: str, written: str) -> bool:
    """Whether all that is claimed of a date is written: March 2026 holds where March 3, 2026 is."""
    if claimed.endswith("h") or written.endswith("h"):
        return _hour(claimed) == _hour(written)
    ours, theirs = claimed.split("-"), written.split("-")
    # "On Tuesday" where the lead said "next Tuesday".
    named = written.rpartition(" ")[2]
    is_weekday = named == (claimed if claimed in WEEKDAYS else _month_of(claimed))
    return (
        claimed == written
        or is_weekday
        or (
            len(ours) == len(theirs) == _NUM_PARTS
            and all(a in ("?", b) for a, b in zip(ours, theirs, strict=True))
        )
    )


def _month_of(value: str) -> str:
    """The name of a month of any year; "-" for other dates."""
    is_month = value.startswith("?-") and value.endswith("-?")
    return _MONTH_NAMES[int(value[2:4]) - 1] if is_month else "-"


def _hour(value: str) -> int:
    """Minutes on the face of a clock; -1 where the value is no time of day."""
    hour, _, minute = value.removesuffix("h").partition(":")
    is_time = hour.isdigit() and (minute or "00").isdigit()
    return int(hour) % _MAX_MONTH * 60 + int(minute or 0) if is_time else -1


def _date(year: int | None, month: int, day: int | None) -> str:
    return f"{year or '?'}-{month:02}-{f'{day:02}' if day else '?'}"


def _numeric_date(text: str) -> str:
    """03/04/2026 is April or March depending on the country: it only equals itself."""
    parts = [int(part) for part in _NUMERIC.split(text)]
    if len(parts) < _NUM_PARTS:
        return _date(parts[0], parts[1], None)
    first, second, third = parts
    if first > _MAX_DAY:
        return _date(first, second, third)
    year = third if third >= _FIRST_YEAR else _CENTURY + third
    if first == second or first > _MAX_MONTH:
        return _date(year, second, first)
    if second > _MAX_MONTH:
        return _date(year, first, second)
    return f"{first}/{second}/{year}"


def _time(text: str) -> str:
    digits = re.findall(r"\d+", text)
    hour, minute = int(digits[0]), digits[1] if len(digits) > 1 else "00"
    if "p" in text and hour < _MAX_MONTH:
        hour += 12
    if "a" in text and hour == _MAX_MONTH:
        hour = 0
    return f"{hour:02}:{minute}"


def _relative(tokens: Sequence[Token], start: int) -> ReadDate | None:
    word = tokens[start].lower
    if word in _DAYS:
        return ReadDate(word, start + 1, is_relative=True)
    following = tokens[start + 1].lower if start + 1 < len(tokens) else ""
    if word in _POINTERS and (
        following in WEEKDAYS | _SPANS or _month(tokens, start + 1) is not None
    ):
        if following in _SPANS and start and tokens[start - 1].lower in _EVERY:
            # "They do not roll over to the next month": of any month.
            return None
        return ReadDate(f"{word} {following}", start + 2, is_relative=True)
    singular = word.removesuffix("'s").removesuffix("s")
    if singular in WEEKDAYS:
        return ReadDate(singular, start + 1)
    return None


def _quarter(tokens: Sequence[Token], start: int) -> ReadDate | None:
    """ "Q2 2025", "the second quarter of 2025"."""
    word = tokens[start].lower
    number, end = _QUARTERS.get(word), start + 1
    if number is None and [t.lower for t in tokens[start + 1 : start + 2]] == ["quarter"]:
        number, end = _ORDINALS.get(word), start + 2
    year_at = _skip(tokens, end, frozenset({"of", "/"}))
    year = _year(tokens, year_at)
    return ReadDate(f"{year}-q{number}", year_at + 1) if number and year else None


def _month(tokens: Sequence[Token], index: int) -> int | None:
    """The month named at `index`; "may" and "march" only with a capital."""
    if index >= len(tokens):
        return None
    token = tokens[index]
    if token.lower in _WORDS_THAT_ARE_MONTHS and not token.text[0].isupper():
        return None
    return _MONTHS.get(token.lower) or _SHORT_MONTHS.get(token.lower)


def _skip(tokens: Sequence[Token], index: int, texts: frozenset[str]) -> int:
    return index + 1 if index < len(tokens) and tokens[index].lower in texts else index


def _month_first(tokens: Sequence[Token], start: int) -> ReadDate | None:
    month = _month(tokens, start)
    if month is None:
        return None
    index = _skip(tokens, start + 1, frozenset({"."}))
    day = _day(tokens, index)
    end = _skip(tokens, index + 1, _SUFFIXES) if day else index
    year_at = _skip(tokens, end, frozenset({",", "of", "-", "'"}))
    year = _year(tokens, year_at)
    if not day and not year and tokens[start].lower in _WORDS_THAT_ARE_MONTHS:
        return None
    return ReadDate(_date(year, month, day), year_at + 1 if year else end)


def _day_first(tokens: Sequence[Token], start: int) -> ReadDate | None:
    day = _day(tokens, start)
    if day is None:
        return None
    index = _skip(tokens, start + 1, _SUFFIXES)
    index = _skip(tokens, index, frozenset({"of"}))
    month = _month(tokens, index)
    if month is None:
        return None
    end = _skip(tokens, index + 1, frozenset({"."}))
    year_at = _skip(tokens, end, frozenset({","}))
    year = _year(tokens, year_at)
    return ReadDate(_date(year, month, day), year_at + 1 if year else index + 1)


def _lone_year(tokens: Sequence[Token], start: int) -> ReadDate | None:
    """A bare 2026: four digits with nothing counted after them."""
    year = _year(tokens, start)
    before = tokens[start - 1] if start else None
    after = tokens[start + 1] if start + 1 < len(tokens) else None
    if year is None or (before and before.kind == "currency"):
        return None
    if after and (after.kind == "currency" or after.text == "%"):
        return None
    said = before is not None and before.lower in {"in", "since", "during", "until", "by", "of"}
    # "The 2024 season", but not "the 2000 seats".
    said |= (
        before is not None
        and before.lower == "the"
        and after is not None
        and (after.kind == "word" and not after.lower.endswith("s"))
    )
    return (
        ReadDate(f"{year}-?-?", start + 1) if said or (after and after.kind == "symbol") else None
    )


def _day(tokens: Sequence[Token], index: int) -> int | None:
    if index >= len(tokens):
        return None
    token = tokens[index]
    if token.kind == "number" and token.text.isdigit() and 1 <= int(token.text) <= _MAX_DAY:
        return int(token.text)
    return _ORDINALS.get(token.lower)


def _year(tokens: Sequence[Token], index: int) -> int | None:
    if index >= len(tokens):
        return None
    text = tokens[index].text
    is_year = tokens[index].kind == "number" and text.isdigit()
    return int(text) if is_year and _FIRST_YEAR <= int(text) <= _LAST_YEAR else None
