"""A lead list in parts: what goes to a worker and what comes back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import pyarrow as pa

from followup.backends.lead_list import BadRow, Row
from followup.backends.seen_ids import SeenIds
from followup.lead_map import ColumnPlan, LeadMap, MappedRow, is_given

MAX_PART_CHARACTERS = 16 * 1024**2
"""A part of long texts has fewer rows, so that memory is bounded by characters too."""
MAX_ID_CHARACTERS = 200
MAX_PLANS = 1_000


@dataclass(frozen=True, slots=True)
class ListedLead:
    """A row that has an id of its own."""

    row: int
    lead_id: str
    mapped: MappedRow


@dataclass(frozen=True, slots=True)
class Reject:
    """A row without a result, and why. `lead_id` is empty where it has none."""

    row: int
    lead_id: str
    field: str
    reason: str
    code: str
    """A few words, the same for all rows with this fault: what rejects are counted by."""


@dataclass(frozen=True, slots=True)
class Part:
    """So many rows of the list, in order. A piece of a part has the part's number."""

    number: int
    leads: tuple[ListedLead, ...]
    rejects: tuple[Reject, ...] = ()
    num_rows: int = 0

    @property
    def first_row(self) -> int:
        """Tells the pieces of a part apart; 0 for one without leads."""
        return self.leads[0].row if self.leads else 0

    def halves(self) -> tuple["Part", "Part"]:
        """The leads in two pieces."""
        middle = len(self.leads) // 2
        return Part(self.number, self.leads[:middle]), Part(self.number, self.leads[middle:])


@dataclass(slots=True)
class PartResult:
    """What became of a part's leads: a table with a row for each that has a result."""

    number: int
    first_row: int
    table: pa.Table
    rejects: list[Reject]
    content_hashes: dict[str, str]
    """By lead id."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)


class PartWorker(Protocol):
    """Does the work of one part. A plain class, built once in each worker process."""

    def take(self, part: Part) -> PartResult:
        """The results. Raises FollowupError where no part could be done now."""


class WorkerFactory(Protocol):
    """Builds the worker in its process; small, because it is sent there."""

    def build(self) -> PartWorker:
        """The worker."""


@dataclass(slots=True)
class ListFacts:
    """What was found on the way through a list."""

    num_rows: int = 0
    num_duplicates: int = 0
    known_columns: dict[str, str] = field(default_factory=dict)
    unknown_columns: dict[str, None] = field(default_factory=dict)


class PartCutter:
    """Cuts a list into parts: the same list always into the same ones."""

    def __init__(
        self, lead_map: LeadMap, as_of: date, rows_per_part: int, *, has_header: bool = True
    ) -> None:
        """`has_header` is False for JSONL, where each row has names of its own."""
        self._has_header = has_header
        self._map = lead_map
        self._as_of = as_of
        self._rows_per_part = rows_per_part
        self._seen = SeenIds()
        self._plans: dict[tuple[str, ...], ColumnPlan] = {}
        self.facts = ListFacts()

    def cut(self, rows: Iterable[Row | BadRow]) -> Iterator[Part]:
        """Parts in order. Raises InvalidInputError where no column holds the ids."""
        for number, group in enumerate(self._groups(rows)):
            yield self._part(number, group)

    def _groups(self, rows: Iterable[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
        group: list[Row | BadRow] = []
        num_characters = 0
        for row in rows:
            group.append(row)
            if isinstance(row, Row):
                num_characters += sum(len(v) for v in row.values if isinstance(v, str))
            if len(group) >= self._rows_per_part or num_characters >= MAX_PART_CHARACTERS:
                yield group
                group, num_characters = [], 0
        if group:
            yield group

    def _part(self, number: int, group: list[Row | BadRow]) -> Part:
        leads: list[ListedLead] = []
        rejects: list[Reject] = []
        for row in group:
            made = self._lead(row)
            (leads if isinstance(made, ListedLead) else rejects).append(made)  # type: ignore[arg-type]  # by its kind
        first_rows = self._seen.first_rows(
            [lead.lead_id for lead in leads], [lead.row for lead in leads]
        )
        own = []
        for lead, first in zip(leads, first_rows, strict=True):
            if first is None:
                own.append(lead)
                continue
            reason = f"row {first:,} has the same id; that one was done"
            rejects.append(Reject(lead.row, lead.lead_id, "id", reason, "duplicate id"))
            self.facts.num_duplicates += 1
        self.facts.num_rows += len(group)
        rejects.sort(key=lambda reject: reject.row)
        return Part(number, tuple(own), tuple(rejects), len(group))

    def _lead(self, row: Row | BadRow) -> ListedLead | Reject:
        if isinstance(row, BadRow):
            return Reject(row.number, "", "row", row.reason, "unreadable row")
        plan = self._plan(row.names)
        found = None if plan.id_place is None else row.values[plan.id_place]
        if not is_given(found):
            return Reject(row.number, "", "id", "it has no id", "no id")
        lead_id = str(found).strip()
        if len(lead_id) > MAX_ID_CHARACTERS:
            reason = f"the id has {len(lead_id):,} characters; at most {MAX_ID_CHARACTERS}"
            return Reject(row.number, lead_id[:MAX_ID_CHARACTERS], "id", reason, "id too long")
        return ListedLead(row.number, lead_id, plan.read(row.values))

    def _plan(self, names: tuple[str, ...]) -> ColumnPlan:
        plan = self._plans.get(names)
        if plan is None:
            plan = ColumnPlan(names, self._map, self._as_of, needs_id=self._has_header)
            if len(self._plans) >= MAX_PLANS:  # JSON objects of ever new shapes
                self._plans.clear()
            self._plans[names] = plan
            self.facts.known_columns |= plan.known
            if len(self.facts.unknown_columns) < MAX_PLANS:
                self.facts.unknown_columns |= dict.fromkeys(plan.unknown)
        return plan


def count_rejects(rejects: Iterable[Reject]) -> Counter[str]:
    """How many rows were rejected, by field and reason."""
    return Counter(f"{reject.field}: {reject.code}" for reject in rejects)


def merge_counts(
    into: dict[str, Counter[str]], other: Mapping[str, Mapping[str, int]]
) -> dict[str, Counter[str]]:
    """Add counts of the same kinds."""
    for kind, counts in other.items():
        into.setdefault(kind, Counter()).update(counts)
    return into


def add_sums(into: dict[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Add sums of the same names."""
    for name, value in other.items():
        into[name] = into.get(name, 0.0) + value
    return into
