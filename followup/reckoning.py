"""Supports the figures of a sentence that follow from its others and from those of the sources."""

from collections import defaultdict
from collections.abc import Sequence

from followup.agreement import Fact
from followup.claim_context import Before, ClaimContext, read_context
from followup.claims import Claim, ClaimKind, ReadSentence, read_sentence
from followup.derived import is_reckoned_with, is_sum, is_worked_out
from followup.evidence_subjects import EvidenceSubjects
from followup.name_support import Support
from followup.operands import FIGURES, Operands, compares
from followup.sources import REQUEST, Source
from followup.subjects import Name, Subject

OF_OTHER_PLAN = "the value does not stand there for"
# What stands there, but about something else, no arithmetic makes right.
_OF_ANOTHER = (
    OF_OTHER_PLAN,
    "the sources tell",
    "the lead did not",
    "of this the source says another value",
    "the value stands there about something else",
)

Found = list[tuple[Claim, Support]]


class Reckoner:
    """The figures of one message's sources that others may be worked out from."""

    def __init__(
        self, sources: Sequence[Source], facts: Sequence[Fact], evidence: EvidenceSubjects
    ) -> None:
        self._asked = [c for unit in sources[-1].units for c in unit.sentence.claims]
        self._facts = [fact for fact in facts if fact.claim.kind in FIGURES]
        self._evidence = evidence
        self._alike = _alike(self._facts)
        self._of_plans: dict[tuple[Name, ...], list[Claim]] = {}

    def followed(
        self, found: Found, read: ReadSentence, subjects: list[Subject], before: Before
    ) -> Found:
        """The same claims, with support for what follows from supported figures."""
        open_claims = [
            claim
            for claim, support in found
            if support.reason and claim.kind in FIGURES and "-" not in claim.value
        ]
        if not open_claims:
            return found
        reasons = {claim: support.reason for claim, support in found}
        sound = [*before.claims, *(c for c, s in found if not s.reason)]
        evidence = {support.evidence for _, support in found if support.evidence}
        beside = [c for words in sorted(evidence) for c in read_sentence(words).claims]
        new: list[Claim] = []
        # Twice: "forty lessons would be $3,800" tells the price first.
        for _ in range(2):
            for claim in open_claims:
                if claim not in new and self._follows(
                    claim, reasons[claim], read, subjects, before, [*sound, *new], beside
                ):
                    new.append(claim)
            if not new:
                break
        new += self._supposed(open_claims, reasons, new, sound)
        return [(c, Support(REQUEST, read.text) if c in new else s) for c, s in found]

    def _follows(
        self,
        claim: Claim,
        reason: str,
        read: ReadSentence,
        subjects: list[Subject],
        before: Before,
        sound: Sequence[Claim],
        beside: Sequence[Claim],
    ) -> bool:
        def context() -> ClaimContext:
            return read_context(claim, read, subjects, before, self._evidence.known)

        if is_sum(claim, self._asked) and context().is_of_lead:
            return True
        if reason.startswith(_OF_ANOTHER):
            return False

        def known() -> Sequence[Claim]:
            if claim.kind is ClaimKind.DURATION and compares(claim, read):
                return [f.claim for f in self._facts if self._evidence.is_told_of(subjects, f)]
            here = context()
            plans = [s for s in (*here.subjects, *here.beside) if s.is_plan]
            return self._known_of(plans or [s for s in before.subjects if s.is_plan])

        operands = Operands(sound, self._asked, known, beside, self._alike)
        return is_worked_out(claim, read, operands)

    def _known_of(self, plans: list[Subject]) -> list[Claim]:
        """The figures of the plans that a claim is about: of those that it names, or all."""
        key = tuple(plan.name for plan in plans)
        if key not in self._of_plans:
            self._of_plans[key] = [
                fact.claim
                for fact in self._facts
                if not plans or self._evidence.supports(plans, fact)
            ]
        return self._of_plans[key]

    def _supposed(
        self,
        claims: Sequence[Claim],
        reasons: dict[Claim, str],
        new: Sequence[Claim],
        sound: Sequence[Claim],
    ) -> list[Claim]:
        """The quantities that only serve to work out a price: "three hours come to £54"."""
        if not new:
            return []
        prices = [*sound, *(fact.claim for fact in self._facts)]
        return [
            claim
            for claim in claims
            if claim not in new
            and not reasons[claim].startswith(_OF_ANOTHER)
            and is_reckoned_with(claim, new, prices)
        ]


def _alike(facts: Sequence[Fact]) -> list[list[Claim]]:
    """The prices that stand in one passage."""
    groups: defaultdict[Source, list[Claim]] = defaultdict(list)
    for fact in facts:
        if fact.claim.kind is ClaimKind.MONEY:
            groups[fact.source].append(fact.claim)
    return [group for group in groups.values() if len(group) > 1]
