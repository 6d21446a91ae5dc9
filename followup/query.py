"""The search query of a lead: what it asked last, not the raw record."""

import re

from followup.lead import Lead
from followup.sentences import split_sentences

MAX_HISTORY_WORDS = 80
# "Asked if it can do that." leans on the sentence before it.
MIN_QUESTION_WORDS = 7
MAX_QUESTION_WORDS = 50
ASKING = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|(?:want|need)(?:s|ed)? to (?:know|hear|learn)|wonder(?:s|ed)?|question|"
    r"requested|tell (?:me|us))\b",
    re.I,
)


def retrieval_query(lead: Lead) -> str:
    """What the lead asked last, its objections and the product, as one line of text.

    Older parts of the history stay out: an embedding is the mean over all words, so each of them
    would pull it away from the question. The words of asking itself are in no document.
    """
    asked = ASKING.sub(" ", _newest_sentences(lead.interaction_history))
    question = " ".join(asked.split()[:MAX_QUESTION_WORDS])
    return _joined(question, *lead.objections_raised, lead.product_name)


def lead_words(lead: Lead) -> str:
    """Product, the newest words of the history, and the objections: what a reply may take up."""
    newest = lead.interaction_history.split()[-MAX_HISTORY_WORDS:]
    return _joined(lead.product_name, " ".join(newest), *lead.objections_raised)


def last_question(lead: Lead) -> str:
    """What the history says after the last word of asking; all of it where nobody asked."""
    asking = list(ASKING.finditer(lead.interaction_history))
    return lead.interaction_history[asking[-1].end() :] if asking else lead.interaction_history


def _newest_sentences(history: str) -> str:
    """From the last sentence that asks (the last of all where none does) to the end.

    Where that is too short to be understood, the sentences before it come along.
    """
    sentences = split_sentences(history)
    asking = [
        number
        for number, sentence in enumerate(sentences)
        if sentence.endswith("?") or ASKING.search(sentence)
    ]
    start = asking[-1] if asking else len(sentences) - 1
    while start > 0 and len(" ".join(sentences[start:]).split()) < MIN_QUESTION_WORDS:
        start -= 1
    return " ".join(sentences[max(start, 0) :])


def _joined(*parts: str) -> str:
    return ". ".join(part.strip().rstrip(". ") for part in parts if part.strip())
