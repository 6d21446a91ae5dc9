"""Which situation a lead is in, read from the history, the objections and the silence since."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from followup.lead import EngagementPattern, Lead, LeadStage
from followup.tokens import fold


class Situation(StrEnum):
    """In order of precedence: the first that fits decides."""

    OPTED_OUT = "opted_out"
    NOT_INTERESTED = "not_interested"
    PRICE_OBJECTION = "price_objection"
    COMPETITOR_NAMED = "competitor_named"
    SILENT = "silent"
    COLD = "cold"
    STANDARD = "standard"


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"'{pattern}' is not a valid regular expression: {error}"
        raise ValueError(message) from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class Cues(BaseModel):
    """Regular expressions, in any case, that show a situation, and what only looks like it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patterns: tuple[Pattern, ...] = Field(description="Any of these shows the situation.")
    not_meant: tuple[Pattern, ...] = Field(
        description="Words that are cut out before the patterns are tried: near misses, negations."
    )


class SituationRules(BaseModel):
    """How situations are told from what is known of a lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    competitors: tuple[str, ...] = Field(description="Names of competitors, in any case.")
    opted_out: Cues
    not_interested: Cues
    price_objection: Cues
    competitor_named: Cues
    silent: Cues
    cold_after_days: int = Field(ge=1, description="Days without contact that make a lead cold.")
    cold_below_score: float = Field(
        ge=0, le=100, description="Lead or engagement score below which a lead is cold."
    )


def detect_situation(lead: Lead, rules: SituationRules) -> Situation:
    """The first situation, in order of precedence, that the lead's fields show."""
    text = fold(" . ".join((lead.interaction_history, *lead.objections_raised))).lower()
    text = text.replace("n't", " not").replace("can not", "cannot")
    told = (
        (Situation.OPTED_OUT, _shows(text, rules.opted_out)),
        (Situation.NOT_INTERESTED, _shows(text, rules.not_interested)),
        (Situation.PRICE_OBJECTION, _shows(text, rules.price_objection)),
        (Situation.COMPETITOR_NAMED, _names_competitor(text, rules)),
        (Situation.SILENT, _is_silent(lead, text, rules)),
        (Situation.COLD, _is_cold(lead, rules)),
    )
    return next((situation for situation, shown in told if shown), Situation.STANDARD)


def _shows(text: str, cues: Cues) -> bool:
    left = _alternatives(cues.not_meant).sub(" ", text) if cues.not_meant else text
    return bool(cues.patterns) and _alternatives(cues.patterns).search(left) is not None


def _names_competitor(text: str, rules: SituationRules) -> bool:
    named = (rf"(?<!\w){re.escape(fold(name).lower())}(?!\w)" for name in rules.competitors)
    return any(re.search(name, text) for name in named) or _shows(text, rules.competitor_named)


def _is_silent(lead: Lead, text: str, rules: SituationRules) -> bool:
    return lead.engagement_pattern is EngagementPattern.SILENT or _shows(text, rules.silent)


def _is_cold(lead: Lead, rules: SituationRules) -> bool:
    days, score = lead.days_since_contact, lead.lead_score
    score = lead.engagement_score if score is None else score
    return (
        lead.lead_stage is LeadStage.LOST
        or (days is not None and days >= rules.cold_after_days)
        or (score is not None and score < rules.cold_below_score)
    )


@lru_cache(maxsize=64)
def _alternatives(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
