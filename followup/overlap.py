"""How much of a text a source says: shares of its words and word pairs, and what is novel."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from followup.sentences import split_sentences
from followup.tokens import fold
from followup.vocabulary import STOP_WORDS, stem

# "is n't" and "isn't" are one, as are "Linus 's" and "Linus's".
_CONTRACTION = re.compile(r"\s+(?=n't\b|'(?:s|m|re|ve|d|ll)\b)")
_WORD = re.compile(r"[^\W_]+(?:'[^\W\d_]+)?")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w-]+")
_FIRST_PERSON = frozenset("i me my mine myself i'm i've i'd i'll".split())  # noqa: SIM905
_SECOND_PERSON = frozenset("you your yours you're you've".split())  # noqa: SIM905
_MAX_COUNT = 8

FEATURES = (
    "words",
    "content_words",
    "word_pairs",
    "best_sentence",
    "best_sentence_content",
    "weakest_sentence",
    "novel_words",
    "novel_content_words",
    "matched_content_words",
    "novel_names",
    "first_person",
    "second_person",
    "asks",
    "only_asks",
    "log_source_words",
)
"""Names of what `overlap_features` measures, in its order."""


@dataclass(frozen=True)
class ReadText:
    """A text with what the comparison needs of it, worked out once."""

    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words in order, in lower case."""
        return tuple(_WORD.findall(_CONTRACTION.sub("", fold(self.text).lower())))

    @cached_property
    def word_set(self) -> frozenset[str]:
        """The distinct words."""
        return frozenset(self.words)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of all words."""
        return frozenset(map(stem, self.word_set))

    @cached_property
    def content(self) -> tuple[str, ...]:
        """Stems of the words that are no stop words, in order."""
        return tuple(stem(word) for word in self.words if word not in STOP_WORDS)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Words that stand next to each other."""
        return frozenset(pairwise(self.words))

    @cached_property
    def names(self) -> frozenset[str]:
        """Capitalised words inside its sentences, in lower case."""
        return frozenset(name.lower() for name in _NAME.findall(self.text))

    @cached_property
    def all_words(self) -> frozenset[str]:
        """The distinct words, its names and those of its sentences."""
        return self.word_set.union(self.names, *(s.word_set for s in self.sentences))

    @cached_property
    def sentences(self) -> tuple["ReadText", ...]:
        """Its sentences, read in turn."""
        return tuple(map(read_text, split_sentences(self.text)))


@lru_cache(maxsize=16_384)
def read_text(text: str) -> ReadText:
    """The text, its reading kept for the next comparison."""
    return ReadText(text)


def overlap_features(
    text: ReadText, source: ReadText, known: Sequence[ReadText] = ()
) -> list[float]:
    """What is measured of a text against a source, in the order of `FEATURES`.

    Words of the texts in `known` count as said, but not as content. Shares lie in 0 to 1, counts
    are cut at 8; a text without words has nothing but zeros.
    """
    words = text.words
    if not words:
        return [0.0] * len(FEATURES)
    # Of what is known only the text's own words matter, and those are few.
    ours = text.all_words
    known_words = frozenset[str]().union(*(ours & other.word_set for other in known))
    content = frozenset(text.content).difference(*(other.stems for other in known))
    num_novel = len(content - source.stems)
    said = ours & source.word_set | known_words
    return [
        _share(words, said),
        1 - num_novel / len(content) if content else float(bool(text.content and known)),
        _share_of_pairs(words, source.pairs, known_words),
        _best_share(text.word_set, [s.word_set for s in source.sentences], known_words),
        _best_share(content, [s.stems for s in source.sentences], frozenset()),
        min((_share(s.words, said) for s in text.sentences), default=0.0),
        min(len(text.word_set - said), _MAX_COUNT),
        min(num_novel, _MAX_COUNT),
        math.log1p(len(content) - num_novel),
        min(len(text.names - said), _MAX_COUNT),
        len(text.word_set & _FIRST_PERSON - said),
        len(text.word_set & _SECOND_PERSON - said),
        float("?" in text.text),
        float(all(sentence.text.endswith("?") for sentence in text.sentences)),
        math.log1p(len(source.words)),
    ]


def _share(words: Sequence[str], said: frozenset[str]) -> float:
    return sum(map(said.__contains__, words)) / len(words) if words else 1.0


def _share_of_pairs(
    words: Sequence[str], there: frozenset[tuple[str, str]], known: frozenset[str]
) -> float:
    found = list(pairwise(words))
    said = sum(pair in there or known.issuperset(pair) for pair in found)
    return said / len(found) if found else 0.0


def _best_share(
    wanted: frozenset[str], sentences: Sequence[frozenset[str]], known: frozenset[str]
) -> float:
    if not wanted:
        return 0.0
    left = wanted - known
    most = max((len(left & sentence) for sentence in sentences), default=0)
    return (most + len(wanted & known)) / len(wanted)
