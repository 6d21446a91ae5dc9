"""What stands around the facts: greeting, courtesy, question and close, in one tone."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from benchmarks.altered_messages.facts import FOLDER

PHRASES_FILE = FOLDER / "phrases.yaml"


def _split(words: object) -> object:
    return words.split() if isinstance(words, str) else words


Words = Annotated[frozenset[str], BeforeValidator(_split)]


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
    starts_in_lower_case: Words = Field(
        description="First words that lose their capital inside a sentence; names keep it."
    )
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
                linked[-1] = linked[-1][:-1] + joiner + self._lower_start(sentence)
            elif chance < 0.4:
                starts = self._phrases.connectors + (self._phrases.additions if linked else ())
                linked.append(self._draw.choice(starts) + self._lower_start(sentence))
            else:
                linked.append(sentence)
        return linked

    def _lower_start(self, sentence: str) -> str:
        """The sentence as it goes on inside another."""
        first = sentence.split(maxsplit=1)[0]
        if first.rstrip(",") in self._phrases.starts_in_lower_case:
            return sentence[0].lower() + sentence[1:]
        return sentence
