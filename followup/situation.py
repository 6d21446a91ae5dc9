"""Which situation a lead is in, read from the whole history, the objections and the silence since.

Order of precedence, and why: an opt-out is law and beats all. A rejection beats an objection,
because a lead who said no wants no answer to it. A price objection beats a competitor, because its
rule (only plans and prices of the documents) is the narrower one. What the lead said beats what it
did not say (silent), and silence beats age (cold).

Within a situation the latest statement decides: "not interested" a year ago and a demo asked for
yesterday is no rejection. An opt-out is different: only an explicit wish to be written to again
takes it back, a question about the product does not. Where a phrase could be read either way, it
counts as an opt-out: a lead not written to can be asked by a person, one written to against a
stated wish has been wronged, and often unlawfully.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from followup.clauses import Clause, Spelling, read_clauses
from followup.cues import Cues, Grammar, compile_grammar
from followup.lead import EngagementPattern, Lead, LeadStage
from followup.lexicon import Lexicon
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


class SituationRules(BaseModel):
    """How situations are told from what is known of a lead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    competitors: tuple[str, ...] = Field(description="Names of competitors, in any case.")
    spelling: Spelling
    words: dict[str, tuple[str, ...]] = Field(
        description="Word classes for the patterns; `*` at the end of a word is any ending."
    )
    opted_out: Cues
    not_interested: Cues
    price_objection: Cues
    competitor_named: Cues
    silent: Cues
    cold_after_days: int = Field(ge=1, description="Days without contact that make a lead cold.")
    cold_below_score: float = Field(
        ge=0, le=100, description="Lead or engagement score below which a lead is cold."
    )
    _lexicon: Lexicon = PrivateAttr()
    _grammars: dict[Situation, Grammar] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _compile(self) -> Self:
        self._lexicon = Lexicon(self.words)
        for situation in _TOLD:
            cues: Cues = getattr(self, situation.value)
            try:
                self._grammars[situation] = compile_grammar(cues, self._lexicon)
            except ValueError as error:
                message = f"{situation.value}: {error}"
                raise ValueError(message) from error
        return self

    def clauses_of(self, lead: Lead) -> list[Clause]:
        """What was said by and of a lead, clause by clause."""
        return read_clauses(lead, self.spelling, self._lexicon)

    def names_in(self, clause: Clause) -> list[str]:
        """The proper names in a clause that may be a vendor's."""
        return self._lexicon.proper_names(clause.text)

    def showing(self, situation: Situation, clauses: list[Clause]) -> list[Clause]:
        """The clauses that show the situation."""
        return self._grammars[situation].showing(clauses)

    def tells(self, situation: Situation, clauses: list[Clause]) -> bool:
        """Whether what was said shows the situation."""
        return self._grammars[situation].is_shown(clauses)


_TOLD = (
    Situation.OPTED_OUT,
    Situation.NOT_INTERESTED,
    Situation.PRICE_OBJECTION,
    Situation.COMPETITOR_NAMED,
    Situation.SILENT,
)


def detect_situation(lead: Lead, rules: SituationRules) -> Situation:
    """The first situation, in order of precedence, that the lead's fields show."""
    clauses = rules.clauses_of(lead)
    for situation in _TOLD:
        if rules.tells(situation, clauses) or _is_known(situation, lead, rules):
            return situation
    return Situation.COLD if _is_cold(lead, rules) else Situation.STANDARD


def named_competitors(lead: Lead, rules: SituationRules) -> tuple[str, ...]:
    """The names of competitors that the lead's history holds, configured or used as such."""
    pattern = _names_pattern(rules.competitors)
    told = fold(" . ".join((lead.interaction_history, *lead.objections_raised)))
    configured = pattern.findall(told) if pattern else []
    clauses = rules.showing(Situation.COMPETITOR_NAMED, rules.clauses_of(lead))
    used = [name for clause in clauses for name in rules.names_in(clause)]
    return tuple(dict.fromkeys((*configured, *used)))


def _is_known(situation: Situation, lead: Lead, rules: SituationRules) -> bool:
    """Whether fields or configured names show it, whatever the history's phrases say."""
    if situation is Situation.COMPETITOR_NAMED:
        names = _names_pattern(rules.competitors)
        told = " . ".join((lead.interaction_history, *lead.objections_raised))
        return names is not None and names.search(fold(told)) is not None
    if situation is Situation.SILENT:
        return lead.engagement_pattern is EngagementPattern.SILENT
    return False


def _is_cold(lead: Lead, rules: SituationRules) -> bool:
    days, score = lead.days_since_contact, lead.lead_score
    score = lead.engagement_score if score is None else score
    return (
        lead.lead_stage is LeadStage.LOST
        or (days is not None and days >= rules.cold_after_days)
        or (score is not None and score < rules.cold_below_score)
    )


@lru_cache(maxsize=64)
def _names_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    bodies = [re.escape(fold(name)) for name in names if name.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(bodies)})(?!\w)", re.IGNORECASE) if bodies else None
