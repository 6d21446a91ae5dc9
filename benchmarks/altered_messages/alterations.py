"""The one thing that is changed in a message, by kind."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.altered_messages.changes import Stated, changed
from benchmarks.altered_messages.facts import Fact, KnowledgeBase
from benchmarks.altered_messages.sentences import Saying, say, say_subject, say_value
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

_MAX_RATIO = 20
"""A figure of another thing is taken over only if it is of a like size."""


class Change(StrEnum):
    """What was changed."""

    NONE = "none"
    PRICE = "price"
    PERCENTAGE = "percentage"
    DURATION = "duration"
    QUANTITY = "quantity"
    DATE = "date"
    PLAN = "plan swapped"
    CUSTOMER = "customer swapped"
    WRONG_SUBJECT = "figure of another subject"
    NEGATION = "negation"
    ADDRESS = "link or address"


_VALUE_TYPES: dict[Change, tuple[type, ...]] = {
    Change.PRICE: (Money,),
    Change.PERCENTAGE: (Percent,),
    Change.DURATION: (Duration,),
    Change.QUANTITY: (Count,),
    Change.DATE: (Date, Month, Day, WeekdayName),
    Change.ADDRESS: (Link, Email, Phone),
}
_SUBJECT_KINDS = {Change.PLAN: "plan", Change.CUSTOMER: "customer"}


@dataclass(frozen=True, slots=True)
class Alteration:
    """The sentence as it is true, as it is written, and what differs."""

    true: str
    written: str
    what: str


def can_change(change: Change, fact: Fact, knowledge_base: KnowledgeBase) -> bool:
    """Whether this kind of change fits the fact."""
    if change is Change.NEGATION:
        return bool(fact.negated)
    if change is Change.WRONG_SUBJECT:
        return any(True for _ in donors(fact, knowledge_base))
    if kind := _SUBJECT_KINDS.get(change):
        return knowledge_base.facts.kind_of(fact.subject) == kind and any(
            "{subject}" in template for template in fact.sentences
        )
    return any(isinstance(value, _VALUE_TYPES[change]) for value in fact.values.values())


def donors(fact: Fact, knowledge_base: KnowledgeBase) -> Iterator[tuple[str, Fact, Value]]:
    """(slot, other fact, its value): figures of another subject that would be false here."""
    for name, value in fact.values.items():
        for other in knowledge_base.facts.facts:
            if other.subject == fact.subject or other.subject in fact.holds_for:
                continue
            for figure in other.values.values():
                if _is_like(value, figure) and not _is_also_true(value, figure, fact):
                    yield name, other, figure


def choose_donor(
    fact: Fact, knowledge_base: KnowledgeBase, draw: random.Random
) -> tuple[str, Fact, Value]:
    """One donor, rather one with the same attribute."""
    all_of_them = list(donors(fact, knowledge_base))
    alike = [donor for donor in all_of_them if donor[1].attribute == fact.attribute]
    return draw.choice(alike or all_of_them)


def _is_like(value: Value, other: Value) -> bool:
    if type(value) is not type(other) or value == other:
        return False
    match value, other:
        case Money(), Money():
            alike = value.currency == other.currency and value.per == other.per
            return alike and _is_near(value.money, other.money)
        case Duration(), Duration():
            alike = value.unit == other.unit and (value.to is None) == (other.to is None)
            return alike and _is_near(value.duration, other.duration)
        case Count(), Count():
            return _is_near(value.count, other.count)
        case Link() | Email() | Phone(), _:
            return False
        case _:
            return True


def _is_near(number: float, other: float) -> bool:
    return 1 / _MAX_RATIO <= number / other <= _MAX_RATIO


def _is_also_true(value: Value, figure: Value, fact: Fact) -> bool:
    """Whether the fact implies the other figure or some document states it of the same thing."""
    number, other = _number(value), _number(figure)
    if number is None or other is None:
        return False
    is_implied = {"at_least": other < number, "at_most": other > number}
    return other in fact.also_true or (fact.bound is not None and is_implied[fact.bound])


def _number(value: Value) -> float | None:
    match value:
        case Money(money=number) | Percent(percent=number) | Count(count=number):
            return number
        case Duration(duration=number):
            return number
        case _:
            return None


class Alterer:
    """Makes the changes for one knowledge base."""

    def __init__(
        self, knowledge_base: KnowledgeBase, added: dict[str, tuple[str, ...]], draw: random.Random
    ) -> None:
        self._knowledge_base = knowledge_base
        self._added = added
        self._draw = draw

    def alter_value(self, change: Change, saying: Saying, stated: Stated) -> Alteration | None:
        """Another value in one slot; None where no unstated one was found."""
        slots = [
            name
            for name, value in saying.fact.values.items()
            if isinstance(value, _VALUE_TYPES[change]) and name in saying.slots
        ]
        if not slots:
            return None
        slot = self._draw.choice(slots)
        true = saying.fact.values[slot]
        value = changed(true, stated, self._draw)
        if value is None or _is_also_true(true, value, saying.fact):
            return None
        return self._with_value(saying, slot, value)

    def take_figure(self, saying: Saying, slot: str, figure: Value) -> Alteration | None:
        """The figure of another subject in this one's place."""
        return self._with_value(saying, slot, figure) if slot in saying.slots else None

    def swap_subject(self, change: Change, saying: Saying, stated: Stated) -> Alteration | None:
        """Another plan or customer, rather one that the passages name."""
        if "subject" not in saying.slots:
            return None
        names = self._knowledge_base.facts.subjects[_SUBJECT_KINDS[change]]
        others = [name for name in names if name not in saying.fact.holds_for]
        present = [name for name in others if stated.says(name)]
        other = self._draw.choice(present or others)
        forms = self._knowledge_base.facts.forms_of(other)
        swapped = say_subject(saying, self._draw.choice(forms))
        return Alteration(saying.text, swapped.text, f"{saying.fact.subject} -> {other}")

    def negate(self, saying: Saying) -> Alteration:
        """The fact denied, in the same written forms where the template has the same slots."""
        template = self._draw.choice(saying.fact.negated)
        denied = say(saying.fact, self._knowledge_base.facts, template, self._draw)
        return Alteration(saying.text, denied.text, "denied")

    def add_address(self, stated: Stated) -> Alteration:
        """A sentence with a link, e-mail address or phone number that stands nowhere."""
        kind = self._draw.choice(sorted(self._added))
        while True:
            address = self._invented(kind)
            if not stated.says(address):
                break
        sentence = self._draw.choice(self._added[kind]).format(address=address)
        return Alteration("", sentence, f"{kind} added: {address}")

    def _with_value(self, saying: Saying, slot: str, value: Value) -> Alteration:
        before = say_value(saying, slot, saying.fact.values[slot], self._draw)
        after = say_value(saying, slot, value, self._draw)
        what = f"{saying.fact.values[slot]!s} -> {value!s}"
        return Alteration(before.text, after.text, what)

    def _invented(self, kind: str) -> str:
        domain = self._draw.choice(self._knowledge_base.facts.domains)
        company = domain.partition(".")[0]
        if kind == "phone":
            area, number = self._draw.randint(200, 989), self._draw.randint(1000, 9999)
            return self._draw.choice([f"+1 {area} 555 {number}", f"({area}) 555-{number}"])
        if kind == "email":
            user = self._draw.choice(["anna.berg", "demo", "team", "help", "m.keller"])
            host = self._draw.choice([domain, f"{company}.com", f"{company}-mail.com"])
            return f"{user}@{host}"
        path = self._draw.choice(["offer", "book-a-call", "guide", "v2/signup", "intro"])
        host = self._draw.choice([domain, f"www.{company}.co", "calendly.com", f"try-{domain}"])
        scheme = self._draw.choice(["https://", "https://", ""])
        return f"{scheme}{host}/{path}-{self._draw.randint(2, 99)}"
