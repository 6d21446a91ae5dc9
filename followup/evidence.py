"""Sentences of the passages, to say something true where the model said nothing of substance."""

import re
from collections.abc import Sequence

from followup.lead import Lead
from followup.passage import Passage
from followup.query import retrieval_query
from followup.sentences import Unit, join_units, split_units
from followup.statements import COURTESY
from followup.vocabulary import content_stems

MIN_WORDS = 6
MAX_WORDS = 32
MAX_INSERTED = 2
SUBSTANCE_SHARE = 0.5
MIN_SHARED_WORDS = 2
# A sentence that starts so leans on the one before it and says nothing when it stands alone.
LEANING_START = re.compile(
    r"^(?:it|its|they|their|them|this|that|these|those|he|she|his|her|such|both|also|then|but|and|or|"
    r"so|however|otherwise|yes|no|here|there|each|if not)\b",
    re.IGNORECASE,
)
PROSE = re.compile(r"^[A-Z0-9“\"(][^|•#*<>{}\[\]]+\.$")


def has_substance(message: str, passages: Sequence[Passage], lead: Lead) -> bool:
    """Whether a sentence of the message tells what a passage holds, beyond the lead's own words.

    That is: of its informative words (see statements.py) at least two, and at least half, stand
    together in one sentence of a passage.
    """
    known = content_stems(retrieval_query(lead)) | COURTESY
    sources = [content_stems(sentence) for sentence in _sentences(passages)]
    for unit in split_units(message):
        words = content_stems(unit.text) - known
        shared = max((len(words & source) for source in sources), default=0)
        if shared >= max(MIN_SHARED_WORDS, SUBSTANCE_SHARE * len(words)):
            return True
    return False


def insert_evidence(message: str, passages: Sequence[Passage], lead: Lead) -> str:
    """The message with the sentences of the passages that fit the lead best, before its close."""
    chosen = best_sentences(passages, lead, MAX_INSERTED)
    if not chosen:
        return message
    units = list(split_units(message))
    position = _end_of_opening(units)
    inserted = [Unit(text, " " if position else "") for text in chosen]
    if 0 < position <= len(units) and units[position - 1].is_greeting:
        inserted[0] = Unit(chosen[0], "\n\n")
    return join_units([*units[:position], *inserted, *units[position:]])


def best_sentences(passages: Sequence[Passage], lead: Lead, limit: int) -> list[str]:
    """Sentences that stand alone, by the share of the lead's words they hold, then by passage.

    A sentence that repeats one already chosen by more than half of its words is left out.
    """
    wanted = content_stems(retrieval_query(lead)) - content_stems(lead.product_name)
    ranked = sorted(
        _sentences(passages), key=lambda text: len(content_stems(text) & wanted), reverse=True
    )
    chosen: list[str] = []
    for text in ranked:
        words = content_stems(text)
        if all(len(words & content_stems(other)) <= len(words) / 2 for other in chosen):
            chosen.append(text)
        if len(chosen) == limit:
            break
    return chosen


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


def _end_of_opening(units: Sequence[Unit]) -> int:
    """Index after the greeting and the first sentence."""
    for index, unit in enumerate(units):
        if not unit.is_greeting:
            return index if unit.is_sign_off else index + 1
    return len(units)
