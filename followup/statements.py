"""Plain statements, without figures or names: does anything in the sources speak of the same?"""

import re
from collections.abc import Sequence

from followup.passage import Passage
from followup.sentences import join_units, keep_units, split_units
from followup.vocabulary import content_stems

MIN_SUPPORT = 0.75
LIST_LINE = re.compile(r"^(?:[-*•]|\d+[.)])\s|:$|\*\*")
# What a polite message says of itself and its reader; it cannot be wrong about a product.
COURTESY = content_stems(
    """answer answers appreciate arrange ask asking call chat choose choice close connect
    contact decide detail details discuss email excited explain feel fine fit forward free glad
    good great happy hear hello help helpful hesitate hope information interest interested join
    know learn like look love mail meet meeting mention mentioned message mind moment need needs
    next note offer options please pleased point pressure problem question questions quick reach
    read ready regarding reply right see send share short show start step sure take talk team
    tell thank thanks think time today touch understand useful walk want welcome well week
    whenever worry worth write writing"""
)


def statement_support(
    sentence: str, passage_stems: frozenset[str], request_stems: frozenset[str]
) -> float:
    """Share, 0 to 1, of the sentence's informative words that a passage holds.

    Words are compared by their stems. Those of common courtesy and of the request inform nobody; a
    sentence that holds no others claims nothing and has full support.
    """
    informative = content_stems(sentence) - COURTESY - request_stems
    if not informative:
        return 1.0
    return len(informative & passage_stems) / len(informative)


def drop_unsupported_statements(message: str, passages: Sequence[Passage], request: str) -> str:
    """The message without the sentences that mostly speak of what no source mentions.

    Items of a list and lines that announce one go too: a message is plain sentences.
    """
    passage_stems = frozenset[str]().union(
        *(content_stems(passage.chunk.text) for passage in passages)
    )
    request_stems = content_stems(request)
    units = split_units(message)
    kept = [
        index
        for index, unit in enumerate(units)
        if unit.is_greeting
        or unit.is_sign_off
        or (
            not LIST_LINE.search(unit.text)
            and statement_support(unit.text, passage_stems, request_stems) >= MIN_SUPPORT
        )
    ]
    return join_units(keep_units(units, kept))
