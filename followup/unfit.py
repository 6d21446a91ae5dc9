"""Sentences that do not fit a lead's situation: a pitch after a no, ill words of a competitor."""

from collections.abc import Sequence

from followup.claims import ClaimKind, extract_claims
from followup.disparagement import ANY_COMPETITOR, disparages, may_disparage
from followup.lead import Lead
from followup.phrases import has_phrase
from followup.rules import ComplianceRules
from followup.sentences import Unit
from followup.situation import Situation, named_competitors


def unfit_sentences(
    units: Sequence[Unit], situation: Situation, rules: ComplianceRules
) -> dict[int, str]:
    """Index of each unfit sentence with what is wrong in it.

    Every situation has its forbidden phrases. A lead who is not interested gets no figure, date or
    link either: whatever they state, it is a pitch.
    """
    phrases = rules.situation_forbidden.get(situation, ())
    found: dict[int, str] = {}
    for index, unit in enumerate(units):
        phrase = has_phrase(unit.text, phrases)
        if phrase:
            found[index] = f"'{phrase}' does not fit a lead that is {situation}"
        elif situation is Situation.NOT_INTERESTED and _states_something(unit):
            found[index] = f"'{unit.text}' pitches to a lead that is {situation}"
    return found


def disparaging_sentences(
    units: Sequence[Unit], lead: Lead, situation: Situation, rules: ComplianceRules
) -> dict[int, str]:
    """Index of each sentence that speaks ill of a competitor, with the words that do.

    Competitors are those named in the configuration and in the lead's history; to a lead who has
    one, "your current provider" and "other tools" mean one too.
    """
    if not any(may_disparage(unit.text, rules.disparaging) for unit in units):
        return {}  # reading the history for names is the dear part
    names = named_competitors(lead, rules)
    if situation is Situation.COMPETITOR_NAMED:
        names = (*names, *ANY_COMPETITOR)
    found = {}
    for index, unit in enumerate(units):
        before = units[index - 1].text if index else ""
        words = disparages(unit.text, before, names, rules.disparaging)
        if words:
            found[index] = words
    return found


def _states_something(unit: Unit) -> bool:
    return any(claim.kind is not ClaimKind.NAME for claim in extract_claims(unit.text))
