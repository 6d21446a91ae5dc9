"""The search query of a lead: what it asked last, not the raw record."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from followup.lead import Lead
from followup.sentences import split_sentences
from followup.vocabulary import content_stems

MAX_HISTORY_WORDS = 80
# "Asked if it can do that." leans on the sentence before it; "Asked about backups." does not.
MIN_QUESTION_WORDS = 7
LEANING = re.compile(r"\b(?:it|its|that|this|they|them|their|these|those|ones?)\b", re.I)
MAX_QUESTION_WORDS = 50
ASKING = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|(?:want|need)(?:s|ed)? to (?:know|hear|learn)|wonder(?:s|ed)?|question|"
    r"requested|tell (?:me|us))\b",
    re.I,
)
_TOPIC_LEAD = r"(?:\s*:|\s+(?:about|for|if|whether)\b)?"
ASKED_FOR = re.compile(ASKING.pattern + _TOPIC_LEAD, re.I)
"""The words of asking with what leads to their topic: "asked about", "asked whether"."""
ASKED_IN_WORDS = re.compile(ASKING.pattern + r"\s*:", re.I)
"""After a colon the lead speaks itself, and not in one sentence only."""
_ASKS = re.compile(ASKING.pattern + r"|\?", re.I)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """What a lead is looking for, as the two searches take it."""

    meaning: str
    """What was asked; of a lead that asks nothing, its last words and the product."""
    words: str
    """What BM25 looks for: what was asked, and the product on a line of its own. A name that stands
    in every document weighs next to nothing there; where it tells two products apart it counts."""
    product: str = ""
    """Where `meaning` lacks it."""

    @property
    def embedded(self) -> tuple[str, ...]:
        """The texts whose mean vector is searched for: what was asked, without the product and with
        it. With it alone a short question is half product, and wrong passages score high; without
        it right ones score low, for passages name their product in what is embedded of them."""
        if not self.product:
            return (self.meaning,)
        return self.meaning, _joined(self.meaning, self.product)


def retrieval_query(lead: Lead) -> RetrievalQuery:
    """What the lead asked last, its objections and the product.

    Older parts of the history stay out: each of their words would pull the embedding away from the
    question. The words of asking itself are in no document.
    """
    told = ASKED_FOR.sub(" ", _newest_sentences(lead.interaction_history))
    question = " ".join(told.split()[:MAX_QUESTION_WORDS])
    asked = _joined(question, *lead.objections_raised)
    words = f"{asked}\n{lead.product_name}"
    asks = _ASKS.search(lead.interaction_history) is not None and _LETTER_OR_DIGIT.search(asked)
    if not asks:
        return RetrievalQuery(_joined(asked, lead.product_name), words)
    return RetrievalQuery(asked, words, lead.product_name)


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

    Where that leans on the sentences before it, they come along; so do those of one speech.
    """
    sentences = split_sentences(history)
    start = _last(ASKING, sentences)
    questions = [number for number, sentence in enumerate(sentences) if sentence.endswith("?")]
    if start is None or ASKED_IN_WORDS.search(sentences[start]) is None:
        start = max([*questions, -1 if start is None else start])
    if start < 0:
        start = len(sentences) - 1
    while start > 0 and _leans(" ".join(sentences[start:])):
        start -= 1
    return " ".join(sentences[max(start, 0) :])


def _last(pattern: re.Pattern[str], sentences: Sequence[str]) -> int | None:
    found = [number for number, sentence in enumerate(sentences) if pattern.search(sentence)]
    return found[-1] if found else None


def _leans(question: str) -> bool:
    """Whether it cannot be understood alone: few words that point elsewhere, or none of content."""
    topic = ASKED_FOR.sub(" ", question)
    is_short = len(question.split()) < MIN_QUESTION_WORDS
    return is_short and (LEANING.search(topic) is not None or not content_stems(topic))


def _joined(*parts: str) -> str:
    return ". ".join(part.strip().rstrip(". ") for part in parts if part.strip())
