"""What a bulk run came to, as a page with plots that needs nothing else and runs no script."""

import base64
import io
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cluster.bulk_summary import REPORT_FILE, BulkSummary
from deployments.bulk_score import NUM_SCORE_BINS
from followup.backends.ledger import FinishedPart, RunFolder
from followup.lead_map import describe_unknown

MAX_BARS = 12
MAX_NAME_CHARACTERS = 40
MAX_PAUSE_SECONDS = 600.0
NUM_TIME_BINS = 60
DOTS_PER_INCH = 110
COLOR = "#1f5fa8"
_TITLES = {
    "status": "Results",
    "strategy": "Strategy",
    "situation": "Situation",
    "fallback": "Reason of a fallback",
    "reject": "Reason of a reject",
}


def write_report(summary: BulkSummary, folder: RunFolder) -> None:
    """Write report.html. Raises OutputError."""
    page = render_page(summary, draw_charts(summary, folder.in_order()))
    folder.write(REPORT_FILE, page.encode())


def render_page(summary: BulkSummary, chart: bytes) -> str:
    """The page, with the chart inside. Names from the list are escaped."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    tables = [
        (title, list(summary.counts[kind].items())[:MAX_BARS])
        for kind, title in _TITLES.items()
        if summary.counts.get(kind)
    ]
    return environment.get_template("bulk_report.html.jinja").render(
        summary=summary,
        tables=tables,
        unknown=describe_unknown(summary.unknown_columns),
        chart=base64.b64encode(chart).decode(),
    )


def draw_charts(summary: BulkSummary, parts: Sequence[FinishedPart]) -> bytes:
    """Scores, strategies, situations, fallbacks, throughput and rejects, as a PNG."""
    figure = Figure(figsize=(12.0, 11.0), layout="constrained")
    axes = figure.subplots(3, 2)
    _draw_scores(axes[0][0], summary.counts.get("score", {}))
    _draw_throughput(axes[0][1], parts)
    kinds = ("strategy", "situation", "fallback", "reject")
    for place, kind in zip(axes[1:].flat, kinds, strict=True):
        _draw_bars(place, _TITLES[kind], summary.counts.get(kind, {}))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes; the page has it in full.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()


def throughput(parts: Sequence[FinishedPart]) -> list[tuple[datetime, float]]:
    """Rows a second in slices of the time at work; a pause between two runs is no slice."""
    ordered = sorted(parts, key=lambda part: part.finished_at)
    step = max(1, len(ordered) // NUM_TIME_BINS)
    found = []
    for first, last in zip(ordered[::step], ordered[step::step], strict=False):
        seconds = (last.finished_at - first.finished_at).total_seconds()
        between = [p for p in ordered if first.finished_at < p.finished_at <= last.finished_at]
        if 0 < seconds <= MAX_PAUSE_SECONDS:
            found.append((last.finished_at, sum(part.num_rows for part in between) / seconds))
    return found


def _draw_scores(axes: Axes, counts: dict[str, int]) -> None:
    width = 100 / NUM_SCORE_BINS
    heights = [counts.get(str(place), 0) for place in range(NUM_SCORE_BINS)]
    starts = [place * width for place in range(NUM_SCORE_BINS)]
    axes.bar(starts, heights, width, align="edge", color=COLOR, edgecolor="white")
    axes.set_title("Score", loc="left", fontsize=10)
    axes.set_xlim(0, 100)


def _draw_throughput(axes: Axes, parts: Sequence[FinishedPart]) -> None:
    points = throughput(parts)
    if points:
        start = points[0][0]
        minutes = [(time - start).total_seconds() / 60 for time, _ in points]
        axes.plot(minutes, [rate for _, rate in points], color=COLOR, marker=".")
    axes.set_title("Rows a second, by minutes", loc="left", fontsize=10)
    axes.set_ylim(bottom=0)


def _draw_bars(axes: Axes, title: str, counts: dict[str, int]) -> None:
    largest = sorted(counts.items(), key=lambda item: -item[1])[:MAX_BARS]
    axes.barh(range(len(largest)), [number for _, number in largest], color=COLOR)
    # Names are data: a dollar sign in one is no formula.
    names = [name[:MAX_NAME_CHARACTERS] for name, _ in largest]
    axes.set_yticks(range(len(largest)), names, parse_math=False, fontsize=8)
    axes.invert_yaxis()
    axes.set_title(title if largest else f"{title}: none", loc="left", fontsize=10)
