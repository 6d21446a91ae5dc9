"""How balanced training data is: by industry, score band, engagement pattern and length."""

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from followup.backends.whole_file import write_whole
from followup.scoring import ScoringRules, score_lead
from training.prepare import Prepared, sizes
from training.rows import SPLITS, TrainingRow

TEXT_FILE, CHART_FILE, JSON_FILE = "report.txt", "report.png", "report.json"
UNKNOWN = "not known"
SMALL_SHARE = 0.05
"""A group below this share of the rows is marked: an adapter learns little about it."""
MAX_GROUPS = 15
LENGTH_STEP = 20
_MAX_LINES = 10
_DOTS_PER_INCH = 110


def count_groups(
    rows: Sequence[TrainingRow], scoring: ScoringRules
) -> dict[str, list[tuple[str, int]]]:
    """For each kind of group the rows of each group: the largest first, lengths in their order."""
    kinds: Mapping[str, Callable[[TrainingRow], str]] = {
        "Industry": lambda row: row.lead.lead_industry or UNKNOWN,
        "Score band": lambda row: score_lead(row.lead, scoring).strategy.value,
        "Engagement pattern": lambda row: row.lead.engagement_pattern or UNKNOWN,
        "With passages": lambda row: "yes" if row.passages else "no",
    }
    found = {kind: Counter(map(name_of, rows)).most_common() for kind, name_of in kinds.items()}
    lengths = Counter(len(row.response.split()) // LENGTH_STEP * LENGTH_STEP for row in rows)
    found["Words of the reply"] = [
        (f"{low}-{low + LENGTH_STEP - 1}", lengths[low]) for low in sorted(lengths)
    ]
    return found


def report_text(prepared: Prepared, scoring: ScoringRules) -> str:
    """The report as plain text."""
    rows = [row for name in SPLITS for row in prepared.splits[name]]
    lines = [
        f"{len(rows):,} rows: {sizes(prepared.splits)}; "
        f"{len({row.lead_key for row in rows}):,} leads, none on two sides.",
        f"Left out: {len(prepared.rejected):,} (rejected.csv lists each line with its reason).",
    ]
    lines += [f"  line {bad.line}: {bad.reason}" for bad in prepared.rejected[:_MAX_LINES]]
    if prepared.ignored_columns:
        lines.append(f"Columns that nothing reads: {', '.join(prepared.ignored_columns)}.")
    for rule, broken in sorted(prepared.rule_breaches.items()):
        shown = ", ".join(map(str, broken[:_MAX_LINES])) + (
            " ..." if len(broken) > _MAX_LINES else ""
        )
        lines.append(f"Rule {rule} broken by {len(broken):,} replies: lines {shown}")
    for kind, number in sorted(prepared.scrubbed.items()):
        lines.append(f"Personal data, {kind}: {number:,}")
    for title, groups in count_groups(rows, scoring).items():
        lines += ["", title]
        for name, number in groups:
            share = number / len(rows)
            mark = "  (few)" if share < SMALL_SHARE else ""
            lines.append(f"  {name:<28} {number:>7,}  {share:>6.1%}{mark}")
    return "\n".join(lines) + "\n"


def write_balance(prepared: Prepared, scoring: ScoringRules, folder: Path) -> None:
    """report.txt, report.png and report.json. Raises OSError."""
    rows = [row for name in SPLITS for row in prepared.splits[name]]
    groups = count_groups(rows, scoring)
    summary = {
        "num_rows": {name: len(prepared.splits[name]) for name in SPLITS},
        "num_rejected": len(prepared.rejected),
        "rule_breaches": {rule: len(lines) for rule, lines in prepared.rule_breaches.items()},
        "scrubbed": dict(prepared.scrubbed),
        "ignored_columns": prepared.ignored_columns,
        "groups": {title: dict(found) for title, found in groups.items()},
    }
    write_whole(folder / TEXT_FILE, report_text(prepared, scoring).encode())
    write_whole(folder / JSON_FILE, json.dumps(summary, indent=2).encode())
    write_whole(folder / CHART_FILE, _draw(groups))


def _draw(groups: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    heights = [0.8 + 0.25 * min(len(found), MAX_GROUPS) for found in groups.values()]
    figure = Figure(figsize=(9, sum(heights)), layout="constrained")
    all_axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (title, found) in zip(all_axes, groups.items(), strict=True):
        shown = found[:MAX_GROUPS]
        axes.barh(range(len(shown)), [number for _, number in shown], color="#1f5fa8")
        # Names are data: a dollar sign in one is no formula.
        axes.set_yticks(
            range(len(shown)), [name[:40] for name, _ in shown], parse_math=False, fontsize=8
        )
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10, loc="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH)
    return buffer.getvalue()
