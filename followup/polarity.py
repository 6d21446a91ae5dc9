"""Which words of a sentence are affirmed and which denied, and whether two sentences disagree."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from followup.antonyms import is_alike, is_opposite
from followup.plain_denials import plainly
from followup.vocabulary import STOP_WORDS, roots_of, stem

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,]\d+)*%?|[,;:()–—]|[.!?]+(?=\s|$)")  # noqa: RUF001
_DENIALS = frozenset(
    """not no never none nobody nothing neither nor without cannot isnt arent wasnt werent dont
    doesnt didnt wont wouldnt cant couldnt shouldnt hasnt havent hadnt lack lacks lacked lacking
    exclude excludes excluded excluding prohibit prohibits prohibited forbid forbids forbidden
    disallow disallows disallowed""".split()  # noqa: SIM905
)
_CAUSES = frozenset({"because", "since", "as"})
# What these govern ends or is kept away: neither plainly affirmed nor plainly denied.
_WEAKENERS = frozenset(
    """avoid avoids avoiding avoided eliminate eliminates eliminating eliminated remove removes
    removing removed prevent prevents preventing prevented replace replaces replacing replaced
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
_ROOT = 5
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
_MIN_SHARED_DENIAL = 2
_MIN_DOUBLED = 6


@dataclass(frozen=True, slots=True)
class Clause:
    """The content stems of a clause in order, and for each whether it is denied; None: unclear."""

    stems: tuple[str, ...]
    denied: tuple[bool | None, ...]
    near_denials: frozenset[str] = frozenset()
    """All stems of the clauses that deny something."""
    heads: frozenset[str] = frozenset()
    """What the denials deny first: "not include", "no phone support"; the rest says of what."""

    def with_polarity(self, wanted: bool) -> frozenset[str]:
        """The stems that are denied (True) or affirmed (False), and nowhere the opposite."""
        other = {s for s, denied in zip(self.stems, self.denied, strict=True) if denied != wanted}
        return frozenset(self.stems) - other

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
        clause = _read_clause(words, is_supposed=is_supposed)
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
    )


def conflicts(ours: Clause, theirs: Clause) -> frozenset[str]:
    """Our stems that they deny while we affirm them, or the other way round, or say the opposite.

    Empty where both deny something of the same thing: then they agree.
    """
    if ours.near_denials and theirs.near_denials and True in ours.denied:
        both = ours.with_polarity(True) & theirs.with_polarity(True)
        heads = roots_of(ours.heads) & roots_of(theirs.heads) or both & (ours.heads | theirs.heads)
        if len(both) >= _MIN_SHARED_DENIAL or heads:
            return _opposites(ours, theirs)
    our_denied, their_denied = ours.with_polarity(True), theirs.with_polarity(True)
    our_affirmed, their_affirmed = ours.with_polarity(False), theirs.with_polarity(False)
    denied = _alike(our_denied, their_affirmed) | _alike(our_affirmed, their_denied)
    opposites = _opposites(ours, theirs)
    # "Never leaves the UK" and "stays in the UK" agree: nobody affirms the leaving.
    if not (
        roots_of(ours.heads) & roots_of(their_affirmed)
        or roots_of(theirs.heads) & roots_of(our_affirmed)
    ):
        denied = frozenset()
    # One side denies and uses the opposite word: "not more" and "less" agree.
    return frozenset() if denied and opposites else denied | opposites


def _alike(ours: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    """Our stems that stand there too, if with another ending: refunded, refundable."""
    roots = roots_of(theirs)
    return frozenset(word for word in ours if word in theirs or word[:_ROOT] in roots)


def says_alike(ours: Clause, theirs: Clause, contested: frozenset[str]) -> bool:
    """Whether they affirm or deny one of the contested stems as we do, or deny the same."""
    alike = any(
        contested & ours.with_polarity(denied) & theirs.with_polarity(denied)
        for denied in (True, False)
    )
    return alike or len(ours.near_denials & theirs.near_denials) >= _MIN_SHARED_DENIAL


def _opposites(ours: Clause, theirs: Clause) -> frozenset[str]:
    """Our stems whose antonym they use of the same thing."""
    return frozenset(
        word
        for word in ours.with_polarity(False) - set(theirs.stems)
        if not any(is_alike(word, other) for other in theirs.stems)
        and any(
            is_opposite(word, other) and ours.around(word) & theirs.around(other)
            # "At no charge" is no opposite of "free".
            for other in set(theirs.stems) - set(ours.stems) - theirs.with_polarity(True)
        )
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
    return 0 < length <= _MAX_LIST_ITEM and rest[0] not in _CLAUSE_ENDS


def _num_heads(denial: str, after: Sequence[str]) -> int:
    """How many words a denial denies first: a verb, or the nouns behind "no" and "not include"."""
    is_of_nouns = denial == "no" or not LIGHT_VERBS.isdisjoint(map(stem, after))
    return _MAX_NOUN_WORDS if is_of_nouns else 1


def _opens_clause(words: Sequence[str], place: int) -> bool:
    """Whether a word begins the clause or what "that" adds: "a log that nobody can edit"."""
    return {*words[:place]} <= {"and"} or words[place - 1] in {"that", "which"}


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word not in _VERBS_IN_LY


def _read_clause(words: Sequence[str], *, is_supposed: bool) -> Clause:
    stems: list[str] = []
    denied: list[bool | None] = []
    heads: set[str] = set()
    num_heads = 0
    state: bool | None = None if is_supposed else False
    is_weak = any(word in _WEAKENERS for word in words)
    noun_only, is_excluded, is_subject, denied_at = False, False, False, 0
    for place, word in enumerate(words):
        bare = word.replace("'", "")
        if noun_only and (word in _PREPOSITIONS or (is_excluded and word == "and")):
            # "No charge on every plan" denies the charge, not the plan.
            state, noun_only = False, False
        if state and not is_subject and place > denied_at + 1 and word in _FINITE:
            # "Messages that you do not use are carried over": the denial ends with its clause.
            state = False
        if bare in _DENIALS and state is not None:
            denied_at = place
            opens = _opens_clause(words, place)
            is_subject = opens and bare in _DENYING_SUBJECTS
            num_heads = _num_heads(bare, words[place + 1 : place + 3])
            if bare in _DENYING_OBJECTS and not opens:
                heads.update(stems[-1:])
                # "Pay nothing for it" denies the paying.
                denied[-1:] = [True if found is False else found for found in denied[-1:]]
            is_excluded = bare.startswith("exclud")
            noun_only = (
                bare == "without"
                or is_excluded
                or (bare in _DENYING_OBJECTS and not opens)
                or (bare == "no" and place > 0)
            )
            # "You can exclude" offers what it names, it does not deny it.
            state = None if bare.startswith("exclud") and "can" in words else True
        elif word not in STOP_WORDS and (len(word) > 1 or word.isdigit()):
            stems.append(statement_stem(word))
            denied.append(None if is_weak else state)
            if state and num_heads and stems[-1] not in LIGHT_VERBS and not _is_adverb(word):
                heads.add(stems[-1])
                num_heads -= 1
        elif word in _PREPOSITIONS and word != "to":
            num_heads = 0
    near = frozenset(stems) if True in denied else frozenset[str]()
    said = {found for found, is_denied in zip(stems, denied, strict=True) if is_denied}
    if said <= LIGHT_VERBS:
        # "A move in March is not possible" denies the move.
        denied = [found if found is None or not said else True for found in denied]
    # "The exam fee is not included" denies the exam fee.
    return Clause(tuple(stems), tuple(denied), near, frozenset(heads) or near)
