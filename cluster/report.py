"""What became of the messages, with how sure each rate is: tables, a chart and a page of it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from scipy.stats import binomtest

from config.settings import Settings
from followup.backends.database import Database
from followup.backends.outcome_counts import (
    GroupCounts,
    OutcomeCounts,
    Selection,
    count_outcomes,
)

MAX_QUERY_SECONDS = 600.0
CONFIDENCE = 0.95
NO_ADAPTER = "no adapter"
NO_STRATEGY = "not recorded"

COLUMNS = (
    "messages", "grounded", "fallbacks", "approved / edited / rejected / pending", "released",
    "replied", "reply rate (95%)", "converted", "conversion rate (95%)",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of the released messages, with its Wilson score interval."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.1%} ({self.low:.1%}-{self.high:.1%})"


@dataclass(frozen=True, slots=True)
class Group:
    """The messages of one approach, adapter version or strategy."""

    name: str
    counts: OutcomeCounts
    is_small: bool
    """Fewer released messages than a comparison needs."""

    @property
    def grounded_share(self) -> float:
        """Share of all messages whose claims are all supported."""
        return self.counts.num_grounded / self.counts.num_messages

    @property
    def reply_rate(self) -> Rate | None:
        """Answered among released messages; None without a released one."""
        return wilson_rate(self.counts.num_replied, self.counts.num_released)

    @property
    def conversion_rate(self) -> Rate | None:
        """Converted among released messages; None without a released one."""
        return wilson_rate(self.counts.num_converted, self.counts.num_released)

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands in a table: the name, and one for each of COLUMNS."""
        counts = self.counts
        approvals = (
            counts.num_approved, counts.num_edited, counts.num_rejected, counts.num_pending,
        )  # fmt: skip
        mark = " (few)" if self.is_small else ""
        return (
            self.name + mark,
            f"{counts.num_messages:,}",
            f"{self.grounded_share:.1%}",
            f"{counts.num_fallbacks:,}",
            "/".join(f"{number:,}" for number in approvals) if any(approvals) else "-",
            f"{counts.num_released:,}",
            f"{counts.num_replied:,}",
            str(self.reply_rate or "-"),
            f"{counts.num_converted:,}",
            str(self.conversion_rate or "-"),
        )


@dataclass(frozen=True, slots=True)
class Section:
    """All messages in groups of one kind."""

    title: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole: once as it is, once by each kind, and by all kinds together."""

    selection: Selection
    min_group_size: int
    made_at: datetime
    sections: tuple[Section, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no message was made."""
        return not self.sections

    @property
    def scope(self) -> str:
        """Which messages these are, in words."""
        chosen = self.selection
        parts = (
            f"tenant {chosen.tenant}" if chosen.tenant else "all tenants",
            f"from {chosen.since:%Y-%m-%d %H:%M}" if chosen.since else "",
            f"to before {chosen.until:%Y-%m-%d %H:%M}" if chosen.until else "",
        )
        return ", ".join(part for part in parts if part) + " (UTC)"

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "tenant": self.selection.tenant,
            "since": self.selection.since and self.selection.since.isoformat(),
            "until": self.selection.until and self.selection.until.isoformat(),
            "made_at": self.made_at.isoformat(),
            "min_group_size": self.min_group_size,
            "confidence": CONFIDENCE,
            "sections": {
                section.title: [_group_json(group) for group in section.groups]
                for section in self.sections
            },
        }


def wilson_rate(num_hits: int, num_trials: int) -> Rate | None:
    """A share with its 95 % Wilson score interval (Wilson 1927); None without a trial."""
    if num_trials == 0:
        return None
    found = binomtest(num_hits, num_trials).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(num_hits / num_trials, float(found.low), float(found.high))


async def make_report(settings: Settings, selection: Selection, min_group_size: int) -> Report:
    """Count and group; the database is migrated first. Errors: PartUnavailableError."""
    patient = settings.database.model_copy(update={"timeout_seconds": MAX_QUERY_SECONDS})
    database = Database(patient)
    try:
        await database.migrate()
        found = await count_outcomes(database, selection)
    finally:
        await database.close()
    return Report(
        selection=selection,
        min_group_size=min_group_size,
        made_at=datetime.now(UTC),
        sections=_sections(found, min_group_size) if found else (),
    )


def _sections(found: Sequence[GroupCounts], min_group_size: int) -> tuple[Section, ...]:
    kinds: tuple[tuple[str, Callable[[GroupCounts], str]], ...] = (
        ("All messages", lambda _group: "all"),
        ("By approach", lambda group: group.approach),
        ("By adapter version", lambda group: group.adapter_version or NO_ADAPTER),
        ("By strategy", lambda group: group.strategy or NO_STRATEGY),
        ("By approach, adapter version and strategy", _combination),
    )
    return tuple(
        Section(title, _grouped(found, name_of, min_group_size)) for title, name_of in kinds
    )


def _combination(group: GroupCounts) -> str:
    adapter, strategy = group.adapter_version or NO_ADAPTER, group.strategy or NO_STRATEGY
    return f"{group.approach}, {adapter}, {strategy}"


def _grouped(
    found: Sequence[GroupCounts], name_of: Callable[[GroupCounts], str], min_group_size: int
) -> tuple[Group, ...]:
    """The largest group first."""
    sums: dict[str, OutcomeCounts] = defaultdict(OutcomeCounts)
    for group in found:
        sums[name_of(group)] += group.counts
    ordered = sorted(sums.items(), key=lambda item: (-item[1].num_messages, item[0]))
    return tuple(
        Group(name, counts, counts.num_released < min_group_size) for name, counts in ordered
    )


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        **asdict(group.counts),
        "num_released": group.counts.num_released,
        "grounded_share": group.grounded_share,
        "reply_rate": group.reply_rate and asdict(group.reply_rate),
        "conversion_rate": group.conversion_rate and asdict(group.conversion_rate),
        "is_small": group.is_small,
    }
