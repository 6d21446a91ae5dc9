"""Which words of a sentence are affirmed and which denied."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from followup.plain_denials import plainly
from followup.vocabulary import STOP_WORDS, stem

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*%?|[,;:()–—]|[.!?]+(?=\s|$)")  # noqa: RUF001
_DENIALS = frozenset(
    """not no never none nobody nothing neither nor without cannot isnt arent wasnt werent dont
    doesnt didnt wont wouldnt cant couldnt shouldnt hasnt havent hadnt lack lacks lacked lacking
    exclude excludes excluded excluding prohibit prohibits prohibited forbid forbids forbidden
    disallow disallows disallowed""".split()  # noqa: SIM905
)
_OF_VERBS = frozenset({"not", "never", "cannot"})
_CAUSES = frozenset({"because", "since", "as"})
# What these govern ends or is kept away: neither plainly affirmed nor plainly denied.
_WEAKENERS = frozenset(
    """avoid avoids avoiding avoided eliminate eliminates eliminating eliminated remove removes
    removing removed prevent prevents preventing prevented replace replaces replacing replaced
    spare spares spared sparing waive waives waived
    stop stops stopping stopped end ends ended gone instead rather unless until except otherwise
    hardly rarely barely few fewer less rid""".split()  # noqa: SIM905
)
_CONDITIONS = frozenset(
    """if unless whether when whenever until in case after once except otherwise beyond
    before""".split()  # noqa: SIM905
)
_CLAUSE_ENDS = frozenset(
    """but while whereas although though because so since which who yet however instead if unless
    whether when whenever until""".split()  # noqa: SIM905
)
_AUXILIARIES = frozenset(
    """is are was were can could may might will would must has have had does do did it they you
    we i she he""".split()  # noqa: SIM905
)
_DENYING_SUBJECTS = frozenset({"no", "none", "nobody", "nothing", "neither"})
_DENYING_OBJECTS = frozenset({"nothing", "none", "nobody"})
_FINITE = frozenset({"is", "are", "was", "were", "will"})
_PREPOSITIONS = frozenset(
    """in on at for of to by with from within during across under over through than""".split()  # noqa: SIM905
)
_MARKS = frozenset(",;:()–—")  # noqa: RUF001
_MAX_LIST_ITEM = 3
_MAX_NOUN_WORDS = 2
_VERBS_IN_LY = frozenset("reply apply supply rely comply imply multiply".split())  # noqa: SIM905
LIGHT_VERBS = frozenset(
    map(
        stem,
        """include offer have come provide give get part contain available possible allow permit
        require support""".split(),  # noqa: SIM905
    )
)
"""What they deny is what follows: "does not include support" is "no support"."""
_NEIGHBOUR_WORDS = 3
_MIN_DOUBLED = 6


@dataclass(frozen=True)
class Clause:
    """The content stems of a clause in order, and for each whether it is denied; None: unclear."""

    stems: tuple[str, ...]
    denied: tuple[bool | None, ...]
    near_denials: frozenset[str] = frozenset()
    """All stems of the clauses that deny something."""
    heads: frozenset[str] = frozenset()
    """What the denials deny first: "not include", "no phone support"; the rest says of what."""
    verbal: frozenset[str] = frozenset()
    """All stems of the clauses in which a verb is denied: "never sit with us", not "no fee"."""

    def with_polarity(self, wanted: bool) -> frozenset[str]:
        """The stems that are denied (True) or affirmed (False), and nowhere the opposite."""
        return self._of_polarity[wanted]

    @cached_property
    def _of_polarity(self) -> dict[bool, frozenset[str]]:
        pairs = list(zip(self.stems, self.denied, strict=True))
        return {
            wanted: frozenset(self.stems) - {found for found, denied in pairs if denied != wanted}
            for wanted in (True, False)
        }

    def around(self, wanted: str) -> frozenset[str]:
        """The stems at most three places away from one of the clause's stems."""
        places = [place for place, found in enumerate(self.stems) if found == wanted]
        near = {
            self.stems[index]
            for place in places
            for index in range(
                max(0, place - _NEIGHBOUR_WORDS), min(len(self.stems), place + _NEIGHBOUR_WORDS + 1)
            )
        }
        return frozenset(near - {wanted})


@lru_cache(maxsize=16_384)
def read_polarity(sentence: str) -> tuple[Clause, ...]:
    """The clauses of a sentence, figures included.

    A denial reaches from its word to the end of its clause. A comma ends a clause unless an item of
    a list follows: "not SSO, audit logs or SAML".
    """
    text = plainly(sentence)
    clauses = []
    is_supposed = False
    for words in _clauses([match.group().lower() for match in _WORD.finditer(text)]):
        # "If it is not open, because it is not listed, ..." supposes both.
        if words:
            is_supposed = words[0] in _CONDITIONS or (is_supposed and words[0] in _CAUSES)
        clause = _ClauseReader(words, is_supposed=is_supposed).read()
        if clause.stems:
            clauses.append(clause)
    return tuple(clauses)


def statement_stem(word: str) -> str:
    """The stem, without a doubled consonant at the end of a longer one: cancelled, cancel."""
    found = stem(word)
    is_doubled = len(found) >= _MIN_DOUBLED and found[-1] == found[-2]
    return found[:-1] if is_doubled and found[-1] not in "aeious" else found


def joined(clauses: Sequence[Clause]) -> Clause:
    """The clauses of a sentence as one."""
    return Clause(
        tuple(found for clause in clauses for found in clause.stems),
        tuple(denied for clause in clauses for denied in clause.denied),
        frozenset[str]().union(*(clause.near_denials for clause in clauses)),
        frozenset[str]().union(*(clause.heads for clause in clauses)),
        frozenset[str]().union(*(clause.verbal for clause in clauses)),
    )


def _clauses(words: Sequence[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for place, word in enumerate(words):
        # "No minimum contract and can be cancelled": what follows is not denied.
        goes_on = (
            word in {"and", "or"}
            and words[place + 1 : place + 2] != []
            and (words[place + 1] in _AUXILIARIES)
        )
        if goes_on:
            yield clause
            clause = []
        elif word in _MARKS or word in _CLAUSE_ENDS or word[0] in ".!?":
            if word == "," and _starts_list_item(words[place + 1 :]):
                continue
            yield clause
            clause = [word] if word in _CLAUSE_ENDS else []
        else:
            clause.append(word)
    yield clause


def _starts_list_item(rest: Sequence[str]) -> bool:
    """Whether what follows a comma is too short for a clause."""
    length = next(
        (i for i, word in enumerate(rest) if word in _MARKS or word[0] in ".!?" or word == "and"),
        len(rest),
    )
    has_figure = any(word[0].isdigit() for word in rest[:length])
    return 0 < length <= _MAX_LIST_ITEM and rest[0] not in _CLAUSE_ENDS and not has_figure


def _num_heads(denial: str, after: Sequence[str]) -> int:
    """How many words a denial denies first: a verb, or the nouns behind "no" and "not include"."""
    is_of_nouns = denial == "no" or not LIGHT_VERBS.isdisjoint(map(stem, after))
    return _MAX_NOUN_WORDS if is_of_nouns else 1


def _opens_clause(words: Sequence[str], place: int) -> bool:
    """Whether a word begins the clause or what "that" adds: "a log that nobody can edit"."""
    return {*words[:place]} <= {"and"} or words[place - 1] in {"that", "which"}


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word not in _VERBS_IN_LY


class _ClauseReader:
    """Reads the words of one clause from left to right; a denial reaches on until it ends."""

    def __init__(self, words: Sequence[str], *, is_supposed: bool) -> None:
        self._words = words
        self._stems: list[str] = []
        self._denied: list[bool | None] = []
        self._heads: set[str] = set()
        self._num_heads = 0
        self._state: bool | None = None if is_supposed else False
        self._is_weak = any(word in _WEAKENERS for word in words)
        self._is_of_noun = self._is_excluded = self._is_subject = False
        self._denied_at = 0
        self._topic: list[str] = []
        """The stems before the first preposition."""
        self._is_open = True

    def read(self) -> Clause:
        for place, word in enumerate(self._words):
            bare = word.replace("'", "")
            self._end_denial(place, word)
            if bare in _DENIALS and self._state is not None:
                self._deny(place, bare)
            elif word not in STOP_WORDS and (len(word) > 1 or word.isdigit()):
                self._add(word)
            elif word in _PREPOSITIONS and word != "to":
                self._num_heads = 0
                self._is_open = not self._stems
        return self._clause()

    def _end_denial(self, place: int, word: str) -> None:
        if self._is_of_noun and (word in _PREPOSITIONS or (self._is_excluded and word == "and")):
            # "No charge on every plan" denies the charge, not the plan.
            self._state, self._is_of_noun = False, False
        is_behind = place > self._denied_at + 1 and not self._is_subject
        if self._state and is_behind and word in _FINITE:
            # "Messages that you do not use are carried over": the denial ends with its clause.
            self._state = False

    def _deny(self, place: int, bare: str) -> None:
        words = self._words
        self._denied_at = place
        opens = _opens_clause(words, place)
        self._is_subject = opens and bare in _DENYING_SUBJECTS
        self._num_heads = _num_heads(bare, words[place + 1 : place + 3])
        # "Costs $9 for tills and nothing for websites" denies nothing of the tills.
        is_joined = place > 0 and words[place - 1] in {"and", "or"}
        is_object = bare in _DENYING_OBJECTS and not (opens or is_joined)
        if is_object:
            self._heads.update(self._stems[-1:])
            # "Pay nothing for it" denies the paying.
            self._denied[-1:] = [True if d is False else d for d in self._denied[-1:]]
        self._is_excluded = bare.startswith("exclud")
        is_noun = bare == "without" or (bare == "no" and place > 0)
        self._is_of_noun = is_noun or self._is_excluded or is_object
        # "You can exclude" offers what it names; "not before May" denies only that it is earlier.
        is_unclear = (self._is_excluded and "can" in words) or "before" in words[place:]
        self._state = None if is_unclear else True

    def _add(self, word: str) -> None:
        found = statement_stem(word)
        self._stems.append(found)
        if self._is_open and found not in LIGHT_VERBS and not _is_adverb(word):
            self._topic.append(found)
        self._denied.append(None if self._is_weak else self._state)
        is_head = self._state and self._num_heads and found not in LIGHT_VERBS
        if is_head and not _is_adverb(word):
            self._heads.add(found)
            self._num_heads -= 1

    def _clause(self) -> Clause:
        stems, denied = self._stems, self._denied
        near = frozenset(stems) if True in denied else frozenset[str]()
        said = {found for found, is_denied in zip(stems, denied, strict=True) if is_denied}
        if said and said <= LIGHT_VERBS:
            # "A move in March is not possible" denies the move.
            denied = [found if found is None else True for found in denied]
            self._heads.update(self._topic[:_MAX_NOUN_WORDS])
        is_verbal = any(word in _OF_VERBS or word.endswith("n't") for word in self._words)
        # "The exam fee is not included" denies the exam fee.
        heads = frozenset(self._heads) or near
        verbal = near if is_verbal else frozenset[str]()
        return Clause(tuple(stems), tuple(denied), near, heads, verbal)
