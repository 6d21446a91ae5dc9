"""Values changed so that the passages and the request hold nothing that equals them."""

import math
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import get_args

from benchmarks.altered_messages.values import (
    Count,
    Date,
    Day,
    Duration,
    DurationUnit,
    Email,
    Link,
    Money,
    Month,
    Percent,
    Phone,
    Value,
    Weekday,
    WeekdayName,
)
from benchmarks.altered_messages.written_forms import MONTHS, number_words, written_forms

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_RANGE = re.compile(r"(\d+)\s*(?:[\u2013-]|to)\s*(\d+)")
_TIME_FACTORS = (1, 4, 7, 12, 24, 30, 60, 365)
"""How many of a shorter unit a longer one has: 2 weeks are 14 days."""
_UNIT_CHANGES = 0.2
"""Share of prices and durations whose period or unit is changed, not their number."""
_TRIES = 200
_TOP_LEVEL = ("com", "io", "net", "co", "org")


@dataclass(frozen=True, slots=True)
class Stated:
    """What passages and request state: no changed value may equal any of it."""

    text: str
    numbers: frozenset[float]
    ranges: tuple[tuple[float, float], ...]

    def holds(self, number: float, factors: Iterable[int] = (1,)) -> bool:
        """Whether the number, or it times or by a factor, or a range around it, stands there."""
        close = any(
            math.isclose(number * factor, known) or math.isclose(number, known * factor)
            for factor in factors
            for known in self.numbers
        )
        return close or any(low <= number <= high for low, high in self.ranges)

    def says(self, words: str) -> bool:
        """Whether the words stand there, in any case."""
        return words.lower() in self.text


def stated_in(text: str) -> Stated:
    """Read the numbers of a text, written in digits or in words."""
    lowered = " ".join(text.lower().split())
    numbers = {float(found.replace(",", "")) for found in _NUMBER.findall(lowered)}
    numbers |= {
        float(number)
        for number in (*range(1, 100), *range(100, 1000, 100))
        if re.search(rf"\b{number_words(number)}\b", lowered)
    }
    if re.search(r"\b(?:an?|per|each|every) (?:hour|day|week|month|year)\b", lowered):
        numbers.add(1.0)
    ranges = tuple((float(low), float(high)) for low, high in _RANGE.findall(lowered))
    return Stated(lowered, frozenset(numbers), ranges)


def changed(value: Value, stated: Stated, draw: random.Random) -> Value | None:
    """A value of the same kind that nothing states; None if none was found."""
    if draw.random() < _UNIT_CHANGES and isinstance(value, Money | Duration):
        other = _in_another_unit(value, draw)
        if other and not any(stated.says(form) for form in written_forms(other)):
            return other
    candidates = _candidates(value, draw)
    for _ in range(_TRIES):
        candidate = next(candidates)
        if candidate != value and not _is_stated(candidate, stated):
            return candidate
    return None


def _candidates(value: Value, draw: random.Random) -> Iterator[Value]:
    while True:
        match value:
            case Money():
                yield _changed_money(value, draw)
            case Percent():
                number = _changed_number(value.percent, draw)
                if number <= 100:
                    yield Percent(percent=number)
            case Duration():
                yield _changed_duration(value, draw)
            case Count():
                yield Count(count=_changed_number(value.count, draw))
            case Date() | Month() | Day() | WeekdayName():
                yield _changed_date(value, draw)
            case Link() | Email() | Phone():
                yield changed_address(value, draw)


def _in_another_unit(value: Money | Duration, draw: random.Random) -> Money | Duration | None:
    """$299 per month -> $299 per year; 14 days -> 14 weeks."""
    if isinstance(value, Duration):
        units = [unit for unit in get_args(DurationUnit) if unit != value.unit]
        return value.model_copy(update={"unit": draw.choice(units)})
    if not value.per:
        return None
    period = "year" if value.per[-1] == "month" else "month"
    return value.model_copy(update={"per": (*value.per[:-1], period)})


def _changed_money(value: Money, draw: random.Random) -> Money:
    return value.model_copy(update={"money": _changed_number(value.money, draw)})


def _changed_duration(value: Duration, draw: random.Random) -> Duration:
    number = int(_changed_number(value.duration, draw))
    if value.to is None:
        return value.model_copy(update={"duration": number})
    return value.model_copy(update={"duration": number, "to": number + value.to - value.duration})


def _changed_number(number: float, draw: random.Random) -> float:
    """One digit changed, or a near one, or another of the same size."""
    if number != int(number):
        scale: int = 10 ** len(f"{number}".partition(".")[2])
        return _changed_number(round(number * scale), draw) / scale
    whole = int(number)
    how = draw.randrange(4)
    if how == 0 and whole >= 10:
        return float(_with_one_digit_changed(whole, draw))
    if how == 1:
        return float(max(2, whole + draw.choice([-1, 1]) * draw.randint(1, max(1, whole // 10))))
    if how == 2:
        return float(whole * draw.choice([2, 3, 5, 10]))
    size = 10 ** (len(str(whole)) - 1)
    return float(max(2, draw.randint(2, 19) * size // 2))


def _with_one_digit_changed(whole: int, draw: random.Random) -> int:
    text = list(str(whole))
    position = draw.randrange(len(text))
    lowest = 1 if position == 0 else 0
    text[position] = str(draw.choice([d for d in range(lowest, 10) if str(d) != text[position]]))
    return int("".join(text))


def _changed_date(value: Date | Month | Day | WeekdayName, draw: random.Random) -> Value:
    match value:
        case Date():
            return Date(
                date=value.date + timedelta(days=draw.choice([-1, 1]) * draw.randint(1, 60))
            )
        case Day():
            month, day = map(int, value.day.split("-"))
            moved = date(2001, month, day) + timedelta(days=draw.randint(1, 300))
            return Day(day=moved.strftime("%m-%d"))
        case Month():
            year, month = map(int, value.month.split("-"))
            index = year * 12 + month - 1 + draw.choice([-12, -3, -2, -1, 1, 2, 4, 12])
            return Month(month=f"{index // 12}-{index % 12 + 1:02d}")
        case WeekdayName():
            return WeekdayName(weekday=draw.choice(get_args(Weekday)))


def changed_address(value: Link | Email | Phone, draw: random.Random) -> Link | Email | Phone:
    """An address that is nearly the value's, or quite another."""
    match value:
        case Link():
            host, _, path = value.link.partition("://")[2].partition("/")
            name = host.rpartition(".")[0]
            other = draw.choice(
                [
                    f"{name}.{draw.choice(_TOP_LEVEL)}/{path}",
                    f"{host}/{draw.choice(['plans', 'offer', 'start', 'docs/pricing', 'go'])}",
                    f"{draw.choice(['get', 'my', 'try'])}-{host}/{path}",
                ]
            )
            return Link(link=f"https://{other.rstrip('/')}")
        case Email():
            user, _, host = value.email.partition("@")
            other_user = draw.choice(["info", "hello", "billing", "anna.berg"])
            other_host = f"{host.rpartition('.')[0]}.{draw.choice(_TOP_LEVEL)}"
            return Email(email=draw.choice([f"{other_user}@{host}", f"{user}@{other_host}"]))
        case Phone():
            positions = [index for index, sign in enumerate(value.phone) if sign.isdigit()][1:]
            number = list(value.phone)
            for position in draw.sample(positions, draw.randint(1, 3)):
                number[position] = str(draw.randrange(10))
            return Phone(phone="".join(number))


def _is_stated(value: Value, stated: Stated) -> bool:
    factors = _TIME_FACTORS if isinstance(value, Duration) else (1,)
    return any(stated.holds(number, factors) for number in _numbers(value)) or any(
        stated.says(words) for words in _words(value)
    )


def _numbers(value: Value) -> Iterable[float]:
    match value:
        case Money(money=amount):
            return (amount, amount * 100) if amount < 1 else (amount,)
        case Percent(percent=number) | Count(count=number):
            return (number,)
        case Duration(duration=low, to=high):
            return (low,) if high is None else (low, high)
        case _:
            return ()


def _words(value: Value) -> Iterable[str]:
    """Words that must not stand anywhere for the value to be unstated."""
    match value:
        case Date() | Month() | Day() | WeekdayName():
            return _date_words(value)
        case Link(link=text):
            return (text.partition("://")[2],)
        case Email(email=text) | Phone(phone=text):
            return (text,)
        case _:
            return ()


def _date_words(value: Date | Month | Day | WeekdayName) -> Iterable[str]:
    match value:
        case Date(date=day):
            name = MONTHS[day.month - 1]
            return (f"{name} {day.day}", f"{day.day} {name}", f"of {name}", day.isoformat())
        case Day(day=text):
            name = MONTHS[int(text[:2]) - 1]
            return (f"{name} {int(text[3:])}", f"{int(text[3:])}th of {name}", f"{name} ")
        case Month(month=text):
            name, year = MONTHS[int(text[5:]) - 1], text[:4]
            return (f"{name} {year}", f"{name}-{year}", f"{name[:3]} {year}", text)
        case WeekdayName(weekday=name):
            return (name,)
