"""One fact in one sentence, as it is and with a slot changed."""

import random
from dataclasses import dataclass, replace

from benchmarks.altered_messages.facts import SLOT, Fact, Facts
from benchmarks.altered_messages.values import Value
from benchmarks.altered_messages.written_forms import write


@dataclass(frozen=True, slots=True)
class Saying:
    """A fact with the words chosen for it: the same template with other slots says another thing.

    `written` holds the text of each slot as the template names it.
    """

    fact: Fact
    template: str
    written: dict[str, str]

    @property
    def text(self) -> str:
        """The sentence, with a capital first."""
        filled = SLOT.sub(lambda slot: self.written[slot.group(0)], self.template)
        return filled[0].upper() + filled[1:]

    @property
    def slots(self) -> frozenset[str]:
        """Names of the slots that the template has."""
        return frozenset(name for name, _ in SLOT.findall(self.template))

    def with_slot(self, name: str, texts: dict[bool, str]) -> "Saying":
        """The same sentence with one slot's text; `texts` by whether it stands as an adjective."""
        changed = {
            slot.group(0): texts[slot.group(2) is not None]
            for slot in SLOT.finditer(self.template)
            if slot.group(1) == name
        }
        return replace(self, written={**self.written, **changed})


def say(
    fact: Fact, facts: Facts, template: str, draw: random.Random, *, in_full: bool = False
) -> Saying:
    """Choose the written form of each slot; `in_full` for what others may shorten."""
    written = {}
    for slot in SLOT.finditer(template):
        name, adjective = slot.groups()
        written[slot.group(0)] = (
            draw.choice(facts.forms_of(fact.subject))
            if name == "subject"
            else write(fact.values[name], draw, as_adjective=adjective is not None, in_full=in_full)
        )
    return Saying(fact, template, written)


def say_value(saying: Saying, name: str, value: Value, draw: random.Random) -> Saying:
    """The same sentence with another value in one slot."""
    texts = {
        is_adjective: write(value, draw, as_adjective=is_adjective)
        for is_adjective in (False, True)
    }
    return saying.with_slot(name, texts)


def say_subject(saying: Saying, written: str) -> Saying:
    """The same sentence about another subject."""
    return saying.with_slot("subject", {False: written, True: written})
