"""The facts of one message's sources, found by their value."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from followup.agreement import Fact, facts_of, glued, value_keys
from followup.claims import Claim, ClaimKind
from followup.nearness import is_near, may_be_near
from followup.sources import Source


class FactIndex:
    """Every figure, date and address that the sources state."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._by_value: defaultdict[str, list[Fact]] = defaultdict(list)
        for source in sources:
            for key, fact in facts_of(source):
                self._by_value[key].append(fact)
        self.all = list(dict.fromkeys(f for source in sources for _, f in facts_of(source)))

    def candidates(self, claim: Claim) -> Iterator[tuple[Fact, Claim]]:
        """Facts that may state the value, with the claim in their own figure.

        Also a bare number in a table, "2vCPUs", and what is rounded or in other units.
        """
        keys = [value_keys(claim)[0]]
        if claim.kind is ClaimKind.DURATION:
            keys.append(claim.value)
        if claim.kind is ClaimKind.QUANTITY and not claim.unit:
            keys.append(glued(claim))
        for key in keys:
            for fact in self._by_value.get(key, ()):
                yield fact, claim
        for fact in self.all if may_be_near(claim) else ():
            if is_near(claim, fact.claim):
                there = fact.claim
                yield (
                    fact,
                    replace(
                        claim,
                        kind=there.kind,
                        value=there.value,
                        unit=there.unit,
                        bound=there.bound,
                        per=claim.per if claim.kind is there.kind else there.per,
                    ),
                )

    def has_count(self, claim: Claim) -> bool:
        """Whether a document counts what the claim counts; else the lead's "5 pools" are units."""
        return any(
            claim.counted & f.claim.counted and claim.value == f.claim.value
            for f in self.all
            if not f.source.is_request
        )

    def source_of_host(self, claim: Claim) -> Source | None:
        """The source of a link below the host that the message names without a path."""
        for fact in self.all:
            is_link = fact.claim.kind is ClaimKind.LINK
            if is_link and fact.claim.value.startswith(f"{claim.value}/"):
                return fact.source
        return None
