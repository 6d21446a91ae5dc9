"""How a message opens, where the model's own opening is not true or does not fit the situation."""

import re

from followup.conservative import conservative_reply
from followup.courtesy import COURTESY
from followup.lead import Lead, LeadStage
from followup.rules import ComplianceRules
from followup.sentences import Unit, split_units
from followup.situation import Situation
from followup.vocabulary import content_stems

MAX_ASKED_WORDS = 18
_ASKED = re.compile(
    r"\b(?:asked|asks|asking)\s+((?:about|whether|if|how|for|what|which|when|where)\b[^.;!?]+)",
    re.I,
)
_POSSESSIVE = re.compile(r"\b(?:his|her|their)\b(?= [a-z])")
# "asked for a demo, did not show up, no answer since": notes about the lead, for nobody to be told.
_GOES_ON = re.compile(
    r",\s+(?:(?:and|but)\s+)?(?:did|does|has|had|was|is|no|not|never|nothing|nobody|then|but|went|left"
    r"|since|still|seems?|sounds?)\b.*",
    re.I | re.S,
)
_PLAIN = re.compile(r"[\w ,'’%$€£/-]+")  # noqa: RUF001 - as people type
# Of somebody else, or of the writer: in a message to the lead these would name the wrong person.
_PERSONS = re.compile(
    r"\b(?:he|she|they|him|them|his|her|their|i|me|my|we|us|our|you|your)\b", re.I
)
# What may be said of any lead that the company writes to.
_TRUE_OF_ANY = content_stems(
    """thank thanks interest interested time glad happy great good hear know appreciate consider
    considering question questions understand help answer feel free reply please pleased worry mind
    welcome need needs"""
)
_ACCEPTS = re.compile(
    r"\b(?:understand|respect|no problem|(?:letting|telling) (?:us|me)|accept|is fine)\b", re.I
)


def opening_of(lead: Lead, situation: Situation, rules: ComplianceRules) -> list[str]:
    """The first sentence of the situation's safe reply, and what the lead asked.

    A customer who asked something needs no thanks for an interest.
    """
    asked = asked_sentence(lead)
    if asked and lead.lead_stage is LeadStage.CUSTOMER and situation is Situation.STANDARD:
        return [asked]
    body = [
        unit.text
        for unit in split_units(conservative_reply(lead, situation, rules))
        if not unit.is_greeting
    ]
    return [*body[:1], asked] if asked else body[:1]


def offer_of(lead: Lead, situation: Situation, rules: ComplianceRules) -> str:
    """The first sentence of the last paragraph of the safe reply, which offers a person."""
    units = split_units(conservative_reply(lead, situation, rules))
    return next((unit.text for unit in reversed(units) if unit.gap == "\n\n"), "")


def asked_sentence(lead: Lead) -> str:
    """What the lead asked last, said to the lead: "You asked whether ...", or "".

    Only plain words are taken over, and none that would name the wrong person.
    """
    for match in reversed([*_ASKED.finditer(lead.interaction_history)]):
        clause = _GOES_ON.sub("", _POSSESSIVE.sub("your", match.group(1).strip(" ,")))
        others = _PERSONS.search(clause.replace("your ", ""))
        if _PLAIN.fullmatch(clause) and not others and len(clause.split()) <= MAX_ASKED_WORDS:
            return f"You asked {clause}."
    return ""


def is_true_courtesy(unit: Unit, request: str) -> bool:
    """Whether a polite sentence tells nothing of the lead that the request does not.

    "Thank you for the great call" is true of a lead with whom a call was had.
    """
    return content_stems(unit.text) <= _TRUE_OF_ANY | content_stems(request)


def is_courtesy(unit: Unit, request: str) -> bool:
    """Whether a sentence claims nothing beside the request's words and politeness."""
    return content_stems(unit.text) <= COURTESY | content_stems(request)


def accepts_a_no(text: str) -> bool:
    """Whether a message accepts that the lead is not interested."""
    return _ACCEPTS.search(text) is not None
