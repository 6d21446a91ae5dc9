"""Sentences of the passages: something true to say where the model said nothing of substance."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from followup.lead import Lead
from followup.passage import Passage
from followup.query import last_question, lead_words
from followup.sentences import Unit, join_units, split_units
from followup.statements import COURTESY
from followup.vocabulary import content_stems

MIN_WORDS = 6
MAX_WORDS = 32
MAX_QUOTED = 2
SUBSTANCE_SHARE = 0.5
MIN_SHARED_WORDS = 2
# A sentence that starts so leans on the one before it and says nothing when it stands alone.
LEANING_START = re.compile(
    r"^(?:it|its|they|their|them|this|that|these|those|he|she|his|her|such|both|also|then|but|and|or|"
    r"so|however|otherwise|yes|no|here|there|each|if not)\b",
    re.IGNORECASE,
)
# "I would love to learn more about it." says of what only behind another sentence.
LEANING_END = re.compile(r"\b(?:it|them|this|that)[.!]$", re.IGNORECASE)
PROSE = re.compile(r"^[A-Z0-9“\"(][^|•#*<>{}\[\]]+\.$")


def has_substance(message: str, passages: Sequence[Passage], lead: Lead) -> bool:
    """Whether a sentence of the message tells what a passage holds, beyond the lead's own words.

    That is: of its informative words (see statements.py) at least two, and at least half, stand
    together in one sentence of a passage.
    """
    known = content_stems(lead_words(lead)) | COURTESY
    sources = [content_stems(sentence) for sentence in _sentences(passages)]
    for unit in split_units(message):
        words = content_stems(unit.text) - known
        shared = max((len(words & source) for source in sources), default=0)
        if shared >= max(MIN_SHARED_WORDS, SUBSTANCE_SHARE * len(words)):
            return True
    return False


def write_from_evidence(message: str, passages: Sequence[Passage], lead: Lead) -> str:
    """A message of the sentences of the passages that fit the lead best.

    Of the message, which says nothing of substance, only the greeting and the first courteous
    sentence stay. Without a sentence that fits, it stays as it is.
    """
    chosen = best_sentences(passages, lead, MAX_QUOTED)
    if not chosen:
        return message
    units = split_units(message)
    greeting = [unit for unit in units[:1] if unit.is_greeting]
    opening = next((unit for unit in units if _opens(unit)), None)
    body = [opening.text, *chosen] if opening else chosen
    gaps = ["\n\n", *(" " for _ in body[1:])]
    return join_units([*greeting, *map(Unit, body, gaps)])


def best_sentences(passages: Sequence[Passage], lead: Lead, limit: int) -> list[str]:
    """Sentences that stand alone, those first that hold the most of the lead's words.

    A word counts the more the fewer of the sentences hold it: log(1 + sentences / sentences with
    it), the inverse document frequency; twice, where it is of what the lead asked last. In a tie
    the better passage wins. A sentence that repeats one already chosen by more than half of its
    words is left out.
    """
    sentences = _sentences(passages)
    stems = {text: content_stems(text) for text in sentences}
    frequency = Counter(stem for words in stems.values() for stem in words)
    product = content_stems(lead.product_name)
    wanted = content_stems(lead_words(lead)) - product
    asked = content_stems(last_question(lead)) - product

    def fit(text: str) -> float:
        return sum(
            math.log(1 + len(stems) / frequency[stem]) * (2 if stem in asked else 1)
            for stem in stems[text] & wanted
        )

    chosen: list[str] = []
    for text in sorted(stems, key=fit, reverse=True):
        words = stems[text]
        if all(len(words & stems[other]) <= len(words) / 2 for other in chosen):
            chosen.append(text)
        if len(chosen) == limit:
            break
    return chosen


def _opens(unit: Unit) -> bool:
    """Whether the unit is a sentence that can stand before the facts."""
    is_sentence = not (unit.is_greeting or unit.is_sign_off) and unit.text.endswith((".", "!"))
    return is_sentence and not LEANING_START.match(unit.text) and not LEANING_END.search(unit.text)


def _sentences(passages: Sequence[Passage]) -> list[str]:
    """Plain sentences of the passages, best passage first."""
    return [
        unit.text
        for passage in passages
        for unit in split_units(passage.chunk.text)
        if MIN_WORDS <= len(unit.text.split()) <= MAX_WORDS
        and PROSE.match(unit.text)
        and not LEANING_START.match(unit.text)
    ]
