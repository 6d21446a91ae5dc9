"""The search query of a lead: what it is about, not the raw record."""

import re

from followup.lead import Lead

MAX_HISTORY_WORDS = 80
ASKING = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|(?:want|need)(?:s|ed)? to (?:know|hear|learn)|wonder(?:s|ed)?|question|"
    r"requested|tell (?:me|us))\b",
    re.I,
)


def retrieval_query(lead: Lead) -> str:
    """Product, the newest words of the history, and the objections, as one line of text.

    The end of the history is the newest part; more words would only push the lead's last question
    out of the embedding model's window.
    """
    newest = lead.interaction_history.split()[-MAX_HISTORY_WORDS:]
    parts = [lead.product_name, " ".join(newest), *lead.objections_raised]
    return ". ".join(part.rstrip(". ") for part in parts if part)


def last_question(lead: Lead) -> str:
    """What the history says after the last word of asking; all of it where nobody asked."""
    asking = list(ASKING.finditer(lead.interaction_history))
    return lead.interaction_history[asking[-1].end() :] if asking else lead.interaction_history
