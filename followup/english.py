"""Which words are plain English, so that a capital at a sentence's start makes no name of them."""

from functools import cache, lru_cache

from spellchecker import SpellChecker

# pyspellchecker counts words of film subtitles; it gives 50 to each word of a further list, which
# holds names of companies and towns too.
_UNCOUNTED = 50
# Plain words that as a name are known to everyone: "Oracle saves 20 hours" names a customer.
_KNOWN_COMPANIES = frozenset(
    """adobe airbus amazon apple cisco dell disney facebook google ibm intel netflix nike nintendo
    oracle slack sony starbucks stripe tesla twitter uber visa volvo zoom""".split()  # noqa: SIM905
)


@lru_cache(maxsize=16_384)
def is_english(word: str) -> bool:
    """Whether a word in lower case is common English and no company that everyone knows."""
    bare = word.partition("'")[0]
    return bare not in _KNOWN_COMPANIES and _counts()[bare] > _UNCOUNTED


def num_uses(word: str) -> int:
    """How often film subtitles have a word in lower case; 0 for one that they do not have."""
    return _counts()[word.partition("'")[0]]


@cache
def _counts() -> dict[str, int]:
    return SpellChecker(language="en", distance=1).word_frequency.dictionary
