"""How much of what is known of a lead a message uses."""

from collections.abc import Iterable

from followup.lead import CompanySize, Lead, LeadStage
from followup.message import greeting_name
from followup.sources import word_stream
from followup.vocabulary import COMMON_WORDS, content_stems, stem

NAME_WEIGHT = 0.2
COMPANY_WEIGHT = 0.1
PRODUCT_WEIGHT = 0.15
INDUSTRY_WEIGHT = 0.15
HISTORY_WEIGHT = 0.25
OBJECTIONS_WEIGHT = 0.1
CUES_WEIGHT = 0.05
FULL_HISTORY_TOPICS = 3
"""History words that a message takes up for the full weight."""

_STAGE_CUES = {
    LeadStage.AWARENESS: "learn guide overview introduction explore",
    LeadStage.CONSIDERATION: "compare option fit question evaluate demo",
    LeadStage.DECISION: "start next step decide contract onboarding",
    LeadStage.CUSTOMER: "customer account using renew more",
    LeadStage.LOST: "again change since touch",
}
_SIZE_CUES = {
    CompanySize.STARTUP: "startup founder early lean",
    CompanySize.SMB: "small business team",
    CompanySize.MIDMARKET: "growing mid-sized midmarket scale department",
    CompanySize.ENTERPRISE: "enterprise global organisation organization department",
}


def personalization_score(message: str, lead: Lead) -> float:
    """Weighted share of the lead's known fields that the message uses, 0 to 1.

    Weights: name 0.2, company 0.1, product 0.15, industry 0.15, history 0.25, objections 0.1, cues
    of stage, size and region 0.05. Only fields that the lead has count in the denominator. History
    counts by its distinct content words in the message, full at three; objections by the share that
    the message takes up by at least one content word; cues by the share of cues that occur.
    """
    words = word_stream(message)
    stems = content_stems(message)
    parts = [
        (NAME_WEIGHT, _holds(words, greeting_name(lead) or lead.lead_name)),
        (PRODUCT_WEIGHT, _holds(words, lead.product_name)),
        (HISTORY_WEIGHT, _history_share(stems, lead)),
    ]
    if lead.company_name:
        parts.append((COMPANY_WEIGHT, _holds(words, lead.company_name)))
    if lead.lead_industry:
        parts.append((INDUSTRY_WEIGHT, float(bool(content_stems(lead.lead_industry) & stems))))
    objections = [content_stems(item) for item in lead.objections_raised if item]
    if objections:
        parts.append((OBJECTIONS_WEIGHT, _mean(bool(item & stems) for item in objections)))
    cues = [*_cues(lead)]
    if cues:
        parts.append((CUES_WEIGHT, _mean(bool(cue & stems) for cue in cues)))
    return sum(weight * used for weight, used in parts) / sum(weight for weight, _ in parts)


def _holds(words: str, name: str) -> float:
    stream = word_stream(name)
    return float(bool(stream.strip()) and stream in words)


def _history_share(stems: frozenset[str], lead: Lead) -> float:
    """Topics are the history's words beyond common ones and beyond names counted elsewhere."""
    elsewhere = content_stems(f"{lead.lead_name} {lead.product_name} {lead.company_name}")
    topics = content_stems(lead.interaction_history) - elsewhere
    topics = (topics - _EVERYDAY) or topics
    if not topics:
        return 0.0
    return min(1.0, len(topics & stems) / min(FULL_HISTORY_TOPICS, len(topics)))


# Common in any text, yet what sales conversations are about.
_TOPICAL = """price pricing demo trial invoice invoicing billing payment integration report
reporting security tracking automation errors cost budget manual plan switch data service"""
_EVERYDAY = frozenset(map(stem, COMMON_WORDS)) - content_stems(_TOPICAL)


def _cues(lead: Lead) -> Iterable[frozenset[str]]:
    if lead.lead_stage:
        yield content_stems(_STAGE_CUES[lead.lead_stage])
    if lead.company_size:
        yield content_stems(_SIZE_CUES[lead.company_size])
    if lead.geographic_region:
        yield content_stems(lead.geographic_region)


def _mean(used: Iterable[bool]) -> float:
    values = [*used]
    return sum(values) / len(values)
