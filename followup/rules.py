"""The rules of a message as `config/compliance.yaml` gives them."""

import re
from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from followup.phrases import has_phrase
from followup.situation import Situation, SituationRules
from followup.tone import ToneRules

TEMPLATE_FIELDS = frozenset({"lead_name", "product_name", "company_name"})
TEMPLATE_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Rule(StrEnum):
    """What a message can break."""

    NOT_EMPTY = "not_empty"
    MAX_WORDS = "max_words"
    MAX_QUESTIONS = "max_questions"
    NAME_ONCE = "name_once"
    GREETING = "greeting"
    CLOSE = "close"
    FORBIDDEN_PHRASE = "forbidden_phrase"
    SITUATION = "situation"
    DISPARAGEMENT = "disparagement"
    PLACEHOLDER = "placeholder"
    TABLE_ROW = "table_row"
    REPETITION = "repetition"


class RuleViolation(BaseModel):
    """One broken rule, with the words that break it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    detail: str
    sentence_index: int | None = Field(
        default=None, description="0-based, as split_sentences counts; None for the whole message."
    )


class Limits(BaseModel):
    """Narrower limits for one situation; what is not named stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_words: int | None = Field(default=None, ge=40, description="Words of a message.")
    max_questions: int | None = Field(default=None, ge=0, description="Questions in a message.")


class ComplianceRules(SituationRules):
    """`config/compliance.yaml`: what a message must keep to, and how situations are told."""

    max_words: int = Field(ge=40, description="Words of a message, greeting and close included.")
    max_questions: int = Field(ge=0, description="Questions in a message.")
    max_name_uses: int = Field(ge=1, description="How often the lead's name may stand.")
    situation_limits: dict[Situation, Limits] = Field(
        default_factory=dict, description="Narrower limits by situation."
    )
    disparaging: tuple[str, ...] = Field(
        description="Negative words that no sentence about a competitor may hold."
    )
    forbidden_phrases: dict[str, tuple[str, ...]] = Field(
        description="Phrases by group (pressure, filler, ...); see followup/phrases.py."
    )
    situation_forbidden: dict[Situation, tuple[str, ...]] = Field(
        description="Phrases that are forbidden in one situation only."
    )
    close_markers: tuple[str, ...] = Field(
        min_length=1, description="Phrases that make a low-pressure close."
    )
    close: str = Field(description="The close that is added where a message has none.")
    tones: ToneRules = Field(description="What makes a tone; see followup/tone.py.")
    conservative_replies: dict[Situation, str] = Field(
        description="The reply sent when nothing sound is left; see conservative_reply."
    )

    @property
    def num_rules(self) -> int:
        """How many rules a message can break."""
        return len(Rule)

    @field_validator("conservative_replies")
    @classmethod
    def _known_fields(cls, replies: dict[Situation, str]) -> dict[Situation, str]:
        for situation, reply in replies.items():
            unknown = set(TEMPLATE_FIELD.findall(reply)) - TEMPLATE_FIELDS
            if unknown:
                allowed = ", ".join(sorted(TEMPLATE_FIELDS))
                message = f"'{situation}' uses {sorted(unknown)}; allowed are {allowed}"
                raise ValueError(message)
        missing = set(Situation) - {Situation.OPTED_OUT} - set(replies)
        if missing:
            message = f"has no reply for {', '.join(sorted(missing))}"
            raise ValueError(message)
        return replies

    @model_validator(mode="after")
    def _close_is_one(self) -> "ComplianceRules":
        if not has_phrase(self.close, self.close_markers):
            message = f"close '{self.close}' holds none of close_markers"
            raise ValueError(message)
        return self

    def max_words_in(self, situation: Situation) -> int:
        """The word limit of a situation."""
        narrower = self.situation_limits.get(situation, Limits()).max_words
        return self.max_words if narrower is None else min(self.max_words, narrower)

    def max_questions_in(self, situation: Situation) -> int:
        """The question limit of a situation."""
        narrower = self.situation_limits.get(situation, Limits()).max_questions
        return self.max_questions if narrower is None else min(self.max_questions, narrower)

    @cached_property
    def forbidden_anywhere(self) -> tuple[str, ...]:
        """The phrases of all groups: one list, because each list of phrases is a pattern."""
        return tuple(phrase for group in self.forbidden_phrases.values() for phrase in group)
