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
# "No reply to two e-mails." names no topic; "bills the same amount to members every month" does,
# though nothing is asked.
MIN_TOPIC_WORDS = 3
_CONTACT = content_stems(
    """reply replied replies answer answered email mail message newsletter call called phone
    voicemail spoke talk talked met meeting contact contacted follow followed opened open
    read clicked visited viewed downloaded registered attended page pages website site
    webinar silent silence quiet heard lead interested interest went said day week weeks
    month months once twice two three last first"""
)
"""How lead and seller were in touch, which no document tells of."""
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
_QUESTION_END = re.compile(r"\?[\"'\u201d\u2019)]*$")
_ASKS = re.compile(ASKING.pattern + r"|\?", re.I)
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """What a lead is looking for, as the two searches take it."""

    meaning: str
    """What was asked or told; where that names no topic, the last words and the product."""
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

    @property
    def topic(self) -> str:
        """What was asked or told last, without the product; empty where no topic was named."""
        return self.meaning if self.product else ""


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
    told_of = content_stems(asked) - content_stems(lead.product_name) - _CONTACT
    if not asks and len(told_of) < MIN_TOPIC_WORDS:
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
    questions = [number for number, each in enumerate(sentences) if _QUESTION_END.search(each)]
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
