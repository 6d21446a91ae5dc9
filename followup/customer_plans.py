"""Finds plans that a message says a customer uses, where its story names another."""

from collections.abc import Iterator, Sequence

from followup.claims import ReadSentence
from followup.evidence_subjects import EvidenceSubjects
from followup.parts import part_of
from followup.sources import Source, SourceUnit
from followup.subjects import Subject, same_subject
from followup.value_subjects import word_before

_USES = frozenset({"on", "uses", "use", "chose", "took", "with", "to"})
_READERS = frozenset("you your you'd you'll we our us".split())  # noqa: SIM905


class CustomerPlans:
    """The plans that stories about customers name, by customer."""

    def __init__(self, documents: Sequence[Source], evidence: EvidenceSubjects) -> None:
        self._stories = [source for source in documents if source.is_of_customers]
        self._evidence = evidence

    def misplaced(
        self, read: ReadSentence, subjects: Sequence[Subject]
    ) -> Iterator[tuple[Subject, str]]:
        """Each plan said of a customer that has another: "Odell uses Max"; and the story's words.

        What a sentence advises the reader is not of the customer that it names.
        """
        for plan in subjects:
            word = word_before(read.tokens, plan.place)
            is_own = self._evidence.known.is_own(plan.name)
            if not plan.is_plan or plan.is_role or is_own or word not in _USES:
                continue
            low, high = part_of(read.tokens, plan.place)
            words = {token.lower for token in read.tokens[low:high]}
            customers = [s for s in subjects if not s.is_plan and low <= s.place < plan.place]
            if not customers or words & _READERS:
                continue
            told = {
                (named.name, unit.shown)
                for unit in self._units_of(customers[0])
                for named in self._evidence.in_unit(unit)
                if named.is_plan
            }
            if told and not any(name == plan.name for name, _ in told):
                yield plan, min(shown for _, shown in told)

    def _units_of(self, customer: Subject) -> Iterator[SourceUnit]:
        """The units that name a customer, or stand under its name."""
        for source in self._stories:
            is_headed = self._evidence.is_headed(customer, source)
            for unit in source.units:
                named = [s.name for s in self._evidence.in_unit(unit) if not s.is_plan]
                if is_headed or any(same_subject(customer.name, n, is_plan=False) for n in named):
                    yield unit
