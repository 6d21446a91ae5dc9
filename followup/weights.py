"""Whether a message's words fit another fact of the sources far better, by rarity."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from followup.agreement import Fact, shares_value, value_keys
from followup.claims import Claim, ClaimKind
from followup.topics import Topic
from followup.vocabulary import roots_of

_COUNTS = frozenset({ClaimKind.NUMBER, ClaimKind.QUANTITY})
_MIN_FIT = 0.5
"""Share of the words around a value, by weight, that a better fact must have."""
_MIN_SHARED = 2


class WordWeights:
    """The words of the facts of one message's sources, weighted by how few units have them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._facts = facts

    @cached_property
    def _weight(self) -> dict[str, float]:
        """log(1 + units / units with the root) of each root."""
        units = {id(fact.unit): fact for fact in self._facts}
        frequency = Counter(root for fact in units.values() for root in fact.words)
        return {root: math.log(1 + len(units) / num) for root, num in frequency.items()}

    def weight(self, roots: Iterable[str]) -> float:
        """Sum of log(1 + units / units with the root); 0 for what no unit has."""
        weights = self._weight
        return math.fsum([weights[root] for root in roots if root in weights])

    def outweighing(self, claim: Claim, topic: Topic, fact: Fact, max_own: float) -> list[Fact]:
        """Facts of the claim's kind with another value that the message's words fit far better.

        `max_own` is the share of their fit that the value's own fact may have. The values that the
        message itself says beside the claim are none, nor is a fact that has no more of the words
        next to the value.
        """
        around = frozenset(word for word in topic.clause if not word.startswith("="))
        near = topic.local | topic.head | topic.words
        own, own_near = self.weight(around & fact.words), self.weight(near & fact.words)
        wanted = _MIN_FIT * self.weight(around)
        found = []
        for rival in self._facts:
            if rival.unit.shown == fact.unit.shown or not is_other(claim, topic, rival):
                continue
            shared = around & rival.words
            if len(shared) < _MIN_SHARED:
                continue
            fit = self.weight(shared)
            is_fitting = fit >= wanted and own <= max_own * fit
            if is_fitting and self.weight(near & rival.words) > own_near:
                found.append(rival)
        return found


def _counts_alike(claim: Claim, rival: Fact) -> bool:
    """Whether a figure counts the same; of a bare one in a table, its row and column tell."""
    there = rival.roots if rival.unit.cell_names else roots_of(rival.claim.counted)
    return bool(roots_of(claim.counted) & there)


def is_other(claim: Claim, topic: Topic, rival: Fact) -> bool:
    """Whether a fact measures the like, with a value that the message does not say."""
    other = rival.claim
    is_like = other.kind is claim.kind or (other.kind in _COUNTS and claim.kind in _COUNTS)
    return (
        is_like
        and (not claim.counted or _counts_alike(claim, rival))
        and not rival.source.is_request
        and not shares_value(claim, other)
        and topic.clause.isdisjoint({f"={value_keys(other)[0]}", f"={other.value}"})
    )
