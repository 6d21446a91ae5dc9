"""How well a message keeps the tone that was asked for, 0 to 1, from features one can point at.

score = base + sum of weight x feature, held within 0 and 1. Every feature is 0 to 1; the word lists
behind the marker features and the weights of each tone stand in `config/compliance.yaml` under
`tones`. Features of the form (contractions, exclamation marks, "you", sentence length, a question
about the reader's needs) are counted here.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from followup.lead import Tone
from followup.lookalikes import latin_lookalikes
from followup.sentences import Unit, split_units
from followup.tokens import fold

_CONTRACTION = re.compile(r"\b\w+'(?:t|ll|d|re|ve|m|s)\b", re.IGNORECASE)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_NEEDS_QUESTION = re.compile(
    r"\b(?:what|which|how|where|who|have you|do you|are you)\b(?=.*\b(?:you|your)\b)", re.IGNORECASE
)
_WORD = re.compile(r"\w+")


class Form(StrEnum):
    """The features that are counted rather than looked up, and what makes each 1."""

    CONTRACTIONS = "contractions"
    EXCLAMATIONS = "exclamations"
    SECOND_PERSON = "second_person"
    LONG_SENTENCES = "long_sentences"
    NEEDS_QUESTION = "needs_question"


_FULL_CONTRACTIONS = 3
_FULL_EXCLAMATIONS = 2
_FULL_SECOND_PERSON_SHARE = 0.1
"""Share of the words; one in ten is as much "you" as a letter bears."""
_SHORT_SENTENCE_WORDS, _LONG_SENTENCE_WORDS = 8, 20


class ToneRules(BaseModel):
    """What makes a tone: marker words by feature, and the weights of the features by tone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: float = Field(ge=0, le=1, description="Score of a message without any feature.")
    full_markers: int = Field(ge=1, description="Different markers of a feature that make it 1.")
    markers: dict[str, tuple[str, ...]] = Field(
        description="Phrases by feature; `*` at the end of a word is any ending."
    )
    weights: dict[Tone, dict[str, float]] = Field(
        description="By tone: what each feature adds to the score where it is 1; -1 to 1."
    )

    @model_validator(mode="after")
    def _are_complete(self) -> Self:
        known = {*self.markers, *Form}
        for tone, weights in self.weights.items():
            unknown = set(weights) - known
            if unknown:
                message = f"weights of {tone} name {sorted(unknown)}; known are {sorted(known)}"
                raise ValueError(message)
        missing = sorted(set(Tone) - set(self.weights))
        if missing:
            message = f"weights lack {', '.join(missing)}"
            raise ValueError(message)
        return self


def tone_score(message: str, tone: Tone, rules: ToneRules) -> float:
    """How well the message keeps the tone, 0 to 1. A message of no words has the base score."""
    features = tone_features(message, rules)
    raised = sum(weight * features[name] for name, weight in rules.weights[tone].items())
    return min(1.0, max(0.0, rules.base + raised))


def tone_features(message: str, rules: ToneRules) -> dict[str, float]:
    """Every feature of the message, 0 to 1: the marker features, then those of the form."""
    text = latin_lookalikes(fold(message))
    units = split_units(message)
    counted = {name: _markers(text, phrases, rules) for name, phrases in rules.markers.items()}
    num_words = max(1, len(_WORD.findall(text)))
    form = {
        Form.CONTRACTIONS: _share(len(_CONTRACTION.findall(text)), _FULL_CONTRACTIONS),
        Form.EXCLAMATIONS: _share(text.count("!"), _FULL_EXCLAMATIONS),
        Form.SECOND_PERSON: _share(
            len(_SECOND_PERSON.findall(text)) / num_words, _FULL_SECOND_PERSON_SHARE
        ),
        Form.LONG_SENTENCES: _length(units),
        Form.NEEDS_QUESTION: float(any(map(_asks_for_needs, units))),
    }
    return counted | {name.value: value for name, value in form.items()}


def _markers(text: str, phrases: Sequence[str], rules: ToneRules) -> float:
    pattern = _phrase_pattern(tuple(phrases))
    if pattern is None:
        return 0.0
    found = {match.lower() for match in pattern.findall(text)}
    return _share(len(found), rules.full_markers)


def _share(count: float, full: float) -> float:
    return min(1.0, count / full)


def _length(units: Sequence[Unit]) -> float:
    """0 for sentences of eight words and less on average, 1 for twenty and more."""
    body = [unit for unit in units if not (unit.is_greeting or unit.is_sign_off)]
    if not body:
        return 0.0
    mean = sum(len(unit.text.split()) for unit in body) / len(body)
    span = _LONG_SENTENCE_WORDS - _SHORT_SENTENCE_WORDS
    return min(1.0, max(0.0, (mean - _SHORT_SENTENCE_WORDS) / span))


def _asks_for_needs(unit: Unit) -> bool:
    return unit.text.endswith("?") and _NEEDS_QUESTION.search(unit.text) is not None


@lru_cache(maxsize=64)
def _phrase_pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    bodies = [
        " ".join(
            re.escape(word.rstrip("*")) + (r"\w*" if word.endswith("*") else "")
            for word in phrase.split()
        )
        for phrase in sorted(phrases, key=len, reverse=True)
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(bodies)})(?!\w)", re.IGNORECASE) if bodies else None
