"""What stands around the facts: greeting, courtesy, question and close, in one tone."""

import random
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from benchmarks.altered_messages.facts import FOLDER

PHRASES_FILE = FOLDER / "phrases.yaml"
_STARTS_IN_LOWER_CASE = frozenset(
    """
    The Our It A An Every Each No You On With For There All In If At From Paid Yearly Registered
    Any Up Onboarding Getting Plan Expect Setting Connecting Customers Teams Finance We Your Backups
    Billing By Until Before Once Normally Closing Pinned Public Ports More Old After Running
    Creating Starting Allow Monthly Invoices Reports Questions Pricing Garbage Single Card Migration
    Phone Payment Work Hours Students Managing Dark Pick Maintainers
    """.split()
)


class Tone(BaseModel):
    """The phrases of one tone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    greetings: tuple[str, ...]
    openings: tuple[str, ...]
    closes: tuple[str, ...]
    signatures: tuple[str, ...]


class AddedAddress(BaseModel):
    """Sentences that carry an address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: tuple[str, ...]


class Phrases(BaseModel):
    """phrases.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leads: tuple[tuple[str, str], ...]
    histories: tuple[str, ...]
    tones: dict[str, Tone]
    additions: tuple[str, ...]
    connectors: tuple[str, ...]
    joiners: tuple[str, ...]
    added_addresses: dict[str, AddedAddress]


def load_phrases(path: Path = PHRASES_FILE) -> Phrases:
    """The phrases that come with the generator."""
    return Phrases.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


class Frame:
    """Puts facts into a message of one tone."""

    def __init__(self, phrases: Phrases, fields: dict[str, str], draw: random.Random) -> None:
        self._phrases = phrases
        self._tone = phrases.tones[draw.choice(sorted(phrases.tones))]
        self._fields = fields
        self._draw = draw

    def compose(self, sentences: Sequence[str], question: str) -> str:
        """A whole message; an empty question leaves it out."""
        draw, tone = self._draw, self._tone
        body = " ".join(self._linked(sentences))
        opening = draw.choice(tone.openings) if draw.random() < 0.85 else ""
        close = draw.choice(tone.closes)
        opened = draw.choice([" ", "\n\n"]).join(part for part in (opening, body) if part)
        end = " ".join(part for part in (question, close) if part)
        parts = (draw.choice(tone.greetings), opened, end, draw.choice(tone.signatures))
        return "\n\n".join(part for part in parts if part).format(**self._fields)

    def _linked(self, sentences: Sequence[str]) -> list[str]:
        """Sentences with a connector here and there, or two of them joined into one."""
        linked: list[str] = []
        for sentence in sentences:
            chance = self._draw.random()
            if linked and chance < 0.2 and linked[-1].endswith("."):
                joiner = self._draw.choice(self._phrases.joiners)
                linked[-1] = linked[-1][:-1] + joiner + lower_start(sentence)
            elif chance < 0.4:
                starts = self._phrases.connectors + (self._phrases.additions if linked else ())
                linked.append(self._draw.choice(starts) + lower_start(sentence))
            else:
                linked.append(sentence)
        return linked


def lower_start(sentence: str) -> str:
    """The sentence as it goes on inside another: a name keeps its capital."""
    first = sentence.split(maxsplit=1)[0]
    if first.rstrip(",") in _STARTS_IN_LOWER_CASE:
        return sentence[0].lower() + sentence[1:]
    return sentence
