"""What may not happen without something else: "nothing is sent until you approve it"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from followup.tokens import fold
from followup.vocabulary import content_stems, roots_of

_JOINT = re.compile(r"\b(?:without|until|unless)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[;:]|,\s(?:and|but|while)\s|\.\s")
_DENIES = re.compile(r"\b(?:no|not|never|nothing|nobody|none|cannot|\w+n't)\b", re.IGNORECASE)
_ITEM = re.compile(r",")
_EMPTY = content_stems("anyone anybody anything someone somebody something person own thing")
_MIN_SHARED = 2


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is done, in roots, what it takes, and whether it is done only with that."""

    done: frozenset[str]
    needed: frozenset[str]
    is_needed: bool


@lru_cache(maxsize=8_192)
def requirements(sentence: str) -> tuple[Requirement, ...]:
    """The requirements that a sentence states or denies: "is sent without your approval"."""
    return tuple(_requirements(fold(sentence)))


def _requirements(text: str) -> Iterator[Requirement]:
    for clause in _CLAUSE.split(text):
        parts = _JOINT.split(clause, maxsplit=1)
        if len(parts) == 1:
            continue
        joint = _JOINT.search(clause)
        before, after = parts[0], _ITEM.split(parts[1])[0]
        is_denied = _DENIES.search(before) is not None
        if not is_denied and joint and joint.group().lower() != "without":
            continue
        done, needed = (roots_of(content_stems(part) - _EMPTY) for part in (before, after))
        if done and needed:
            yield Requirement(done, needed, is_denied)


def is_lifted(ours: Requirement, theirs: Requirement) -> bool:
    """Whether one says that it takes something and the other that the same is done without."""
    needed = ours.needed & theirs.needed
    is_same = bool(needed) and (bool(ours.done & theirs.done) or len(needed) >= _MIN_SHARED)
    return is_same and ours.is_needed is not theirs.is_needed
