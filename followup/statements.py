"""Plain statements, without figures or names: does anything in the sources speak of the same?"""

from collections.abc import Sequence

from followup.passage import Passage
from followup.sentences import join_units, keep_units, split_units
from followup.vocabulary import content_stems

MIN_SUPPORT = 0.75
# What a polite message says of itself and its reader; it cannot be wrong about a product.
COURTESY = content_stems(
    """answer answers appreciate arrange ask asking call chat choose choice close connect
    contact decide detail details discuss email excited explain feel fine fit forward free glad
    good great happy hear hello help helpful hesitate hope idea information interest interested
    join know learn like look love mail meet meeting mention mentioned message mind moment need
    needs next note offer options please pleased point pressure problem question questions quick
    reach read ready reply right see send share short show start step sure take talk team tell
    thank thanks think time touch understand useful walk want welcome well week whenever worry
    worth write writing"""
)


def statement_support(sentence: str, source_stems: frozenset[str]) -> float:
    """Share, 0 to 1, of the sentence's content words that a source or common courtesy holds.

    Words are compared by their stems. 1 for a sentence without content words.
    """
    stems = content_stems(sentence)
    if not stems:
        return 1.0
    return sum(stem in source_stems or stem in COURTESY for stem in stems) / len(stems)


def drop_unsupported_statements(message: str, passages: Sequence[Passage], request: str) -> str:
    """The message without the sentences that mostly speak of what no source mentions."""
    texts = [request, *(passage.chunk.text for passage in passages)]
    sources = frozenset().union(*(content_stems(text) for text in texts))
    units = split_units(message)
    kept = [
        index
        for index, unit in enumerate(units)
        if unit.is_greeting
        or unit.is_sign_off
        or statement_support(unit.text, sources) >= MIN_SUPPORT
    ]
    return join_units(keep_units(units, kept))
