"""What a bulk run came to, for people and for programs."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.bulk_parts import ListFacts, Part, PartResult, add_sums, merge_counts
from deployments.bulk_run import REJECTS_FILE
from followup.backends.ledger import PARTS, RunFolder
from followup.lead_map import describe_unknown

SUMMARY_FILE = "summary.json"
REPORT_FILE = "report.html"
MAX_REASONS_SHOWN = 5
_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class BulkSummary:
    """A finished run. `seconds` is of the last command only."""

    work: str
    folder: str
    num_rows: int
    num_results: int
    num_rejects: int
    num_duplicates: int
    unknown_columns: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    sums: dict[str, float]
    seconds: float

    @classmethod
    def of(cls, work: str, folder: RunFolder, facts: ListFacts, seconds: float) -> "BulkSummary":
        """Of a folder in which every part is finished."""
        counts: dict[str, Counter[str]] = {}
        sums: dict[str, float] = {}
        for part in folder.in_order():
            merge_counts(counts, part.counts)
            add_sums(sums, part.sums)
        return cls(
            work=work,
            folder=str(folder.folder),
            num_rows=facts.num_rows,
            num_results=sum(counts.get("status", {}).values()),
            num_rejects=sum(counts.get("reject", {}).values()),
            num_duplicates=facts.num_duplicates,
            unknown_columns=tuple(facts.unknown_columns),
            counts={kind: dict(found.most_common()) for kind, found in counts.items()},
            sums=sums,
            seconds=seconds,
        )

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "work": self.work,
            "folder": self.folder,
            "num_rows": self.num_rows,
            "num_results": self.num_results,
            "num_rejects": self.num_rejects,
            "num_duplicates": self.num_duplicates,
            "num_unknown_columns": len(self.unknown_columns),
            "counts": self.counts,
            "sums": self.sums,
            "seconds": round(self.seconds, 3),
        }

    def describe(self) -> str:
        """For people."""
        rate = self.num_rows / max(self.seconds, 1e-9)
        lines = [
            f"{self.num_rows:,} rows in {_duration(self.seconds)} ({rate:,.0f} rows/s): "
            + ", ".join(f"{number:,} {name}" for name, number in self._of("status")),
        ]
        for kind in ("strategy", "situation", "fallback"):
            if found := self._of(kind):
                lines.append(f"  {kind}: " + ", ".join(f"{name} {n:,}" for name, n in found))
        if self.num_rejects:
            reasons = "; ".join(
                f"{name} {n:,}" for name, n in self._of("reject")[:MAX_REASONS_SHOWN]
            )
            lines.append(
                f"  {self.num_rejects:,} rejects, see {self.folder}/{REJECTS_FILE}: {reasons}"
            )
        if self.unknown_columns:
            shown = describe_unknown(self.unknown_columns)
            lines.append(f"  {len(self.unknown_columns):,} columns were not used: {shown}")
        lines.append(f"Written: {self.folder}/{PARTS}, report: {self.folder}/{REPORT_FILE}")
        return "\n".join(lines)

    def _of(self, kind: str) -> list[tuple[str, int]]:
        return list(self.counts.get(kind, {}).items())


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would do, judged by a sample."""

    num_rows: int
    num_sampled: int
    num_workers: int
    sample_seconds: float
    known_columns: dict[str, str]
    unknown_columns: tuple[str, ...]
    num_rejects: int
    reasons: dict[str, int]
    statuses: dict[str, int]
    tokens: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        results: Sequence[tuple[Part, PartResult]],
        facts: ListFacts,
        num_rows: int,
        seconds: float,
        num_workers: int,
    ) -> "DryRun":
        """From the sample's parts."""
        counts: dict[str, Counter[str]] = {}
        sums: dict[str, float] = {}
        for part, result in results:
            merge_counts(counts, result.counts)
            add_sums(sums, result.sums)
            reasons = Counter(f"{reject.field}: {reject.code}" for reject in part.rejects)
            merge_counts(counts, {"reject": reasons})
        return cls(
            num_rows=num_rows,
            num_sampled=facts.num_rows,
            num_workers=num_workers,
            sample_seconds=seconds,
            known_columns=facts.known_columns,
            unknown_columns=tuple(facts.unknown_columns),
            num_rejects=sum(counts.get("reject", {}).values()),
            reasons=dict(counts.get("reject", {})),
            statuses=dict(counts.get("status", {})),
            tokens={name: sums[name] for name in sums if name.endswith("_tokens")},
        )

    @property
    def estimated_seconds(self) -> float:
        """For all rows with all workers, without their start."""
        per_row = self.sample_seconds / max(self.num_sampled, 1)
        return per_row * self.num_rows / self.num_workers

    @property
    def estimated_tokens(self) -> dict[str, int]:
        """For all rows."""
        share = self.num_rows / max(self.num_sampled, 1)
        return {name: round(number * share) for name, number in self.tokens.items()}

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "num_rows": self.num_rows,
            "num_sampled": self.num_sampled,
            "estimated_seconds": round(self.estimated_seconds, 3),
            "estimated_tokens": self.estimated_tokens,
            "known_columns": self.known_columns,
            "unknown_columns": list(self.unknown_columns),
            "sample_statuses": self.statuses,
            "sample_rejects": self.reasons,
        }

    def describe(self) -> str:
        """For people."""
        columns = [f"  {name} <- {source}" for name, source in self.known_columns.items()]
        lines = [
            f"About {self.num_rows:,} rows; {self.num_sampled:,} were tried, "
            f"{self.num_rejects:,} of them rejected.",
            *columns,
        ]
        if self.unknown_columns:
            shown = describe_unknown(self.unknown_columns)
            lines.append(f"{len(self.unknown_columns):,} columns are not used: {shown}")
        lines += [f"  rejected, {name}: {number:,}" for name, number in self.reasons.items()]
        took = _duration(self.estimated_seconds)
        lines.append(f"All would take about {took} with {self.num_workers} workers.")
        lines += [f"  {name}: about {n:,}" for name, n in self.estimated_tokens.items()]
        lines.append("Nothing was written: this was a dry run.")
        return "\n".join(lines)


def write_summary(summary: BulkSummary, folder: RunFolder) -> None:
    """Write summary.json."""
    folder.write(SUMMARY_FILE, json.dumps(summary.to_json(), indent=2).encode() + b"\n")


def _duration(seconds: float) -> str:
    if seconds < _SECONDS_PER_MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _SECONDS_PER_MINUTE)
    hours, minutes = divmod(minutes, _SECONDS_PER_MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
