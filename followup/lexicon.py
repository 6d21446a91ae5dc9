"""Word classes of a small grammar: which class a word is in, and patterns that name classes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

PROPER_NAME = "proper_name"
"""Built-in class: a capitalised word that is none of the class NO_NAMES."""
NO_NAMES = "no_vendor"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PREFIX_LETTERS = 2
_MAX_KNOWN_WORDS = 16_384

Words = Mapping[str, Sequence[str]]


class Lexicon:
    """The classes of `words`: lower-case words or phrases, `*` at the end for any ending."""

    def __init__(self, words: Words) -> None:
        # Clauses hold no hyphens between words.
        self._words = {name: [w.replace("-", " ") for w in found] for name, found in words.items()}
        self._whole: dict[str, set[str]] = {}
        self._beginnings: dict[str, list[tuple[str, str]]] = {}
        for name, members in self._words.items():
            for member in members:
                self._add(member.lower().split()[0], name)
        self._classes_of = lru_cache(maxsize=_MAX_KNOWN_WORDS)(self._look_up)

    def __reduce__(self) -> tuple[type["Lexicon"], tuple[Words]]:
        """A cache cannot be pickled; the words are all it takes to build it again."""
        return Lexicon, (self._words,)

    def classes(self, words: Iterable[str]) -> frozenset[str]:
        """The classes that any of the lower-case words is in, or begins a phrase of."""
        return frozenset().union(*map(self._classes_of, words))

    def check(self, name: str) -> None:
        """Raises ValueError where there is no such class."""
        if name not in self._words and name != PROPER_NAME:
            known = ", ".join(sorted(self._words))
            message = f"word class '{name}' is not in words; known are {known}"
            raise ValueError(message)

    def pattern(self, source: str) -> str:
        """The regular expression with each `{class}` put as its words. Raises ValueError."""
        filled = _PLACEHOLDER.sub(lambda match: self._class_pattern(match.group(1)), source)
        try:
            re.compile(filled)
        except re.error as error:
            message = f"'{source}' is not a valid pattern: {error}"
            raise ValueError(message) from error
        return filled

    def proper_names(self, text: str) -> list[str]:
        """The capitalised words of a text that are none of the class NO_NAMES."""
        return [match.group() for match in re.finditer(self._class_pattern(PROPER_NAME), text)]

    def _add(self, word: str, name: str) -> None:
        if not word.endswith("*"):
            self._whole.setdefault(word, set()).add(name)
            return
        start = word[:-1]
        self._beginnings.setdefault(start[:_PREFIX_LETTERS], []).append((start, name))

    def _look_up(self, word: str) -> frozenset[str]:
        begun = self._beginnings.get(word[:_PREFIX_LETTERS], ())
        found = {name for start, name in begun if word.startswith(start)}
        return frozenset(found | self._whole.get(word, set()))

    def _class_pattern(self, name: str) -> str:
        self.check(name)
        if name == PROPER_NAME:
            excluded = any_of(tuple(self._words.get(NO_NAMES, ())))
            return rf"(?!(?i:{excluded}))(?-i:\b[A-Z])[\w&]*(?:\.\w+)*"
        return any_of(tuple(self._words[name]))


@lru_cache(maxsize=512)
def any_of(words: tuple[str, ...]) -> str:
    """A pattern for any of the words as whole words, branched by letter so that it fails fast."""
    if not words:
        return "(?!)"
    return rf"\b{_branches(sorted({word.lower() for word in words}))}\b"


def _branches(words: Sequence[str]) -> str:
    """A pattern for the words, longest first where one begins another."""
    by_letter: dict[str, list[str]] = {}
    ends = False
    for word in words:
        if word:
            by_letter.setdefault(word[0], []).append(word[1:])
        else:
            ends = True
    branches = [_branch(letter, rest) for letter, rest in by_letter.items()]
    if ends:
        branches.append("")
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _branch(letter: str, rest: Sequence[str]) -> str:
    if letter == "*":
        return r"\w*"
    return re.escape(letter) + (_branches(rest) if rest != [""] else "")
