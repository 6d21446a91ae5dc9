"""The report as a chart (PNG) and as a page (HTML) that needs nothing else and runs no script."""

import base64
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cluster.report import COLUMNS, Group, Rate, Report
from followup.backends.whole_file import write_whole

MAX_GROUPS_DRAWN = 20
DOTS_PER_INCH = 120
WIDTH_INCHES = 12.0
GROUP_INCHES = 0.32
SECTION_INCHES = 0.9
SURE, UNSURE = "#1f5fa8", "#b0b0b0"


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the report was written."""

    chart: Path
    page: Path


def write_report(report: Report, folder: Path) -> ReportFiles:
    """Write report.png and report.html; each is there whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(folder / "report.png", folder / "report.html")
    chart = draw_chart(report)
    write_whole(files.chart, chart)
    write_whole(files.page, render_page(report, chart).encode())
    return files


def draw_chart(report: Report) -> bytes:
    """Reply and conversion rates of each kind of group, with their intervals, as a PNG."""
    sections = [(section.title, section.groups[:MAX_GROUPS_DRAWN]) for section in report.sections]
    heights = [SECTION_INCHES + GROUP_INCHES * len(groups) for _, groups in sections]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
    axes = figure.subplots(len(sections), 2, squeeze=False, sharey="row", height_ratios=heights)
    for (left, right), (title, groups) in zip(axes, sections, strict=True):
        _draw(left, f"{title}: reply rate", groups, [item.reply_rate for item in groups])
        _draw(right, "conversion rate", groups, [item.conversion_rate for item in groups])
        right.tick_params(labelleft=False)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes; the page has it in full.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()


def render_page(report: Report, chart: bytes) -> str:
    """The page, with the chart inside."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return environment.get_template("report.html.jinja").render(
        report=report, columns=COLUMNS, chart=base64.b64encode(chart).decode()
    )


def _draw(axes: Axes, title: str, groups: tuple[Group, ...], rates: list[Rate | None]) -> None:
    for place, (group, rate) in enumerate(zip(groups, rates, strict=True)):
        if rate is not None:
            reach = [[rate.share - rate.low], [rate.high - rate.share]]
            color = UNSURE if group.is_small else SURE
            axes.errorbar([rate.share], [place], xerr=reach, fmt="o", color=color, capsize=3)
    labels = [f"{group.name} (n={group.counts.num_released:,})" for group in groups]
    # Names are data: a dollar sign in one is no formula.
    axes.set_yticks(range(len(groups)), labels, parse_math=False, fontsize=8)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(title, fontsize=10, loc="left")
