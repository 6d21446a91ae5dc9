"""The ways in which people write one value."""

import random
from datetime import date
from functools import singledispatch

from benchmarks.altered_messages.values import (
    Count,
    Date,
    Day,
    Duration,
    Email,
    Link,
    Money,
    Month,
    Percent,
    Phone,
    Value,
    WeekdayName,
)

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_SYMBOLS = {"USD": "$", "EUR": "€"}
_CURRENCY_WORDS = {"USD": "dollars", "EUR": "euros"}
_MILLION = 1_000_000
_THOUSAND = 1_000


def number_words(number: int) -> str:
    """299 -> two hundred ninety-nine. Whole numbers from 0 to 999,999,999."""
    for scale, word in _SCALES:
        if number >= scale:
            rest = number % scale
            tail = f" {number_words(rest)}" if rest else ""
            return f"{number_words(number // scale)} {word}{tail}"
    if number < len(_SMALL):
        return _SMALL[number]
    ten, one = divmod(number, 10)
    return f"{_TENS[ten]}-{_SMALL[one]}" if one else _TENS[ten]


def digits(number: float) -> str:
    """2000.0 -> 2,000; 4.5 -> 4.5"""
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def write(
    value: Value, draw: random.Random, *, as_adjective: bool = False, in_full: bool = False
) -> str:
    """One of the value's written forms.

    `as_adjective`: for a duration before a noun: 14-day. `in_full`: a date with its year.
    """
    if as_adjective and isinstance(value, Duration):
        number = draw.choice([str(value.duration), number_words(value.duration)])
        return f"{number}-{value.unit}"
    forms = written_forms(value)
    if in_full and isinstance(value, Date):
        forms = [form for form in forms if str(value.date.year) in form]
    return draw.choice(forms)


@singledispatch
def written_forms(value: Value) -> list[str]:
    """Every written form of the value; commoner ones may stand more than once."""
    message = f"no written form for {type(value).__name__}"
    raise TypeError(message)


@written_forms.register
def _(value: Money) -> list[str]:
    amounts = _amounts(value)
    if not value.per:
        return amounts
    rates = [
        "".join(f" per {unit}" for unit in value.per),
        "/".join(("", *value.per)),
        "".join(f" per {unit}" for unit in value.per[:-1]) + f" a {value.per[-1]}",
    ]
    with_words = [f"{amount}{rate}" for amount in amounts for rate in (rates[0], rates[2])]
    with_stroke = [f"{amount}{rates[1]}" for amount in amounts if not amount[-1].isalpha()]
    return with_words + with_stroke * 2


def _amounts(value: Money) -> list[str]:
    symbol, word = _SYMBOLS[value.currency], _CURRENCY_WORDS[value.currency]
    number = value.money
    if number < 1:
        cents = round(number * 100)
        plain = f"{number:.2f}"
        return [f"{symbol}{plain}", f"{cents} cents", f"{value.currency} {plain}"]
    if number >= _MILLION:
        millions = digits(number / _MILLION)
        return [f"{symbol}{millions}m", f"{symbol}{millions} million", f"{millions} million {word}"]
    plain = digits(number)
    forms = [
        f"{symbol}{plain}",
        f"{symbol}{plain}",
        f"{plain} {value.currency}",
        f"{value.currency} {plain}",
        f"{plain} {word}",
        f"{number_words(int(number))} {word}",
    ]
    if number >= _THOUSAND:
        forms.append(f"{symbol}{int(number)}")
        if number % _THOUSAND == 0:
            forms.append(f"{symbol}{int(number) // _THOUSAND}k")
    return forms


@written_forms.register
def _(value: Percent) -> list[str]:
    plain = digits(value.percent)
    forms = [f"{plain}%", f"{plain}%", f"{plain} percent", f"{plain} per cent"]
    if value.percent == int(value.percent):
        forms.append(f"{number_words(int(value.percent))} percent")
    return forms


@written_forms.register
def _(value: Duration) -> list[str]:
    unit = value.unit if value.duration == 1 and value.to is None else f"{value.unit}s"
    if value.to is None:
        numbers = [str(value.duration), str(value.duration), number_words(value.duration)]
        return [f"{number} {unit}" for number in numbers]
    low, high = value.duration, value.to
    return [
        f"{low}\u2013{high} {unit}",
        f"{low}-{high} {unit}",
        f"{low} to {high} {unit}",
        f"between {low} and {high} {unit}",
        f"{number_words(low)} to {number_words(high)} {unit}",
    ]


@written_forms.register
def _(value: Count) -> list[str]:
    number = value.count
    forms = [digits(number), digits(number)]
    if number == int(number):
        forms += [str(int(number)), number_words(int(number))]
    return forms


@written_forms.register
def _(value: Date) -> list[str]:
    year = f"{value.date.year}"
    days = _day_forms(value.date)
    return [
        *(f"{day}, {year}" for day in days[:2]),
        *(f"{day} {year}" for day in days[2:]),
        value.date.isoformat(),
        days[0],
    ]


@written_forms.register
def _(value: Day) -> list[str]:
    month, day = value.day.split("-")
    return _day_forms(date(2000, int(month), int(day)))


def _day_forms(day: date) -> list[str]:
    name, number = MONTHS[day.month - 1], day.day
    ordinal = f"{number}{_ordinal_suffix(number)}"
    return [f"{name} {number}", f"{name} {ordinal}", f"{number} {name}", f"the {ordinal} of {name}"]


def _ordinal_suffix(number: int) -> str:
    if number in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


@written_forms.register
def _(value: Month) -> list[str]:
    year, month = value.month.split("-")
    name = MONTHS[int(month) - 1]
    return [f"{name} {year}", f"{name} {year}", f"{name[:3]} {year}"]


@written_forms.register
def _(value: WeekdayName) -> list[str]:
    return [value.weekday]


@written_forms.register
def _(value: Link) -> list[str]:
    bare = value.link.removeprefix("https://").removeprefix("http://")
    return [value.link, value.link, bare.rstrip("/"), f"www.{bare}" if "/" not in bare else bare]


@written_forms.register
def _(value: Email) -> list[str]:
    return [value.email]


@written_forms.register
def _(value: Phone) -> list[str]:
    return [value.phone]
