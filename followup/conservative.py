"""The reply that is always safe: no figures, no promises, an offer to connect with a person."""

from collections.abc import Iterable, Sequence

from followup.claims import ClaimKind, extract_claims
from followup.errors import LeadOptedOutError
from followup.lead import Lead
from followup.message import PLACEHOLDER, greeting_name, is_plain_name
from followup.phrases import has_phrase
from followup.rules import TEMPLATE_FIELD, ComplianceRules
from followup.situation import Situation

_NO_NAME = "there"
_NO_PRODUCT = "our product"
_NO_COMPANY = "our company"
_MAX_NAME_WORDS = 5


def conservative_reply(lead: Lead, situation: Situation, rules: ComplianceRules) -> str:
    """The reply that `rules` hold for a situation, with the lead's, product's and company's names.

    A name that holds anything but plain words (a link, digits, template signs, a forbidden phrase)
    or is too long gives way to "there", "our product" or "our company".
    Errors: LeadOptedOutError for a lead that asked not to be contacted.
    """
    if situation is Situation.OPTED_OUT:
        message = "The lead asked not to be contacted: no message may be written."
        raise LeadOptedOutError(message)
    own = rules.situation_forbidden.get(situation, ())
    phrases = (rules.forbidden_anywhere, own, rules.close_markers)
    first_name = greeting_name(lead)
    values = {
        "lead_name": first_name or _NO_NAME,
        "product_name": _safe(lead.product_name, first_name, phrases) or _NO_PRODUCT,
        "company_name": _safe(lead.company_name, first_name, phrases) or _NO_COMPANY,
    }
    # One pass: what a name holds is never read as a template.
    return TEMPLATE_FIELD.sub(
        lambda match: values[match.group(1)], rules.conservative_replies[situation]
    ).strip()


def _safe(name: str, first_name: str, phrases: Iterable[Sequence[str]]) -> str:
    """The name, or "" where it is not made of a few plain words that state nothing."""
    words = name.split()
    # Alone "a MTH" may be a name; in front of a verb it is a month.
    said = f"Our {name}\nQuestions about {name} are welcome."
    states_more = any(claim.kind is not ClaimKind.NAME for claim in extract_claims(said))
    is_unsafe = (
        not 1 <= len(words) <= _MAX_NAME_WORDS
        or not all(map(is_plain_name, words))
        or first_name in words
        or states_more
        or PLACEHOLDER.search(name)
        or any(has_phrase(name, group) for group in phrases)
    )
    return "" if is_unsafe else name
