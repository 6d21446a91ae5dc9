"""A fitted scoring as files: scoring.yaml to use, report.json and reliability.png to judge it."""

import io
from pathlib import Path

import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from followup.backends.whole_file import write_whole
from training.fit_scoring import ScoringQuality, ScoringReport

SCORING_FILE, JSON_FILE, CHART_FILE = "scoring.yaml", "report.json", "reliability.png"
_HEADER = """# By 'lead-assistant train fit-scoring', on {num_leads} leads, {share:.0%} converted.
# On {num_test} that were not fitted on: AUC {after:.3f}, before {before:.3f}. See report.json.
"""


def write_scoring(report: ScoringReport, folder: Path) -> None:
    """Write the three files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    header = _HEADER.format(
        num_leads=report.num_leads,
        share=report.converted_share,
        num_test=report.num_test_leads,
        after=report.fitted.auc,
        before=report.before.auc,
    )
    rules = yaml.safe_dump(report.rules.model_dump(mode="json"), sort_keys=False)
    write_whole(folder / CHART_FILE, _draw(report))
    write_whole(folder / JSON_FILE, report.model_dump_json(indent=2).encode())
    write_whole(folder / SCORING_FILE, (header + rules).encode())


def _draw(report: ScoringReport) -> bytes:
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, quality in (("before", report.before), ("fitted", report.fitted)):
        _draw_reliability(left, name, quality)
    most = max(item.converted for item in (*report.before.reliability, *report.fitted.reliability))
    left.plot([0, most], [0, most], color="#999", linewidth=1)
    left.set_xlabel("estimated probability")
    left.set_ylabel("converted")
    left.set_title("Reliability, tenths of the held-out leads", loc="left", fontsize=10)
    left.legend()
    for offset, (name, quality) in enumerate(
        (("before", report.before), ("fitted", report.fitted))
    ):
        bands = sorted(quality.bands)
        right.bar(
            [place + 0.4 * offset for place in range(len(bands))],
            [quality.bands[band].converted for band in bands],
            width=0.4,
            label=name,
            tick_label=[f"{band}\nn={quality.bands[band].num_leads:,}" for band in bands],
        )
    right.set_title("Converted by strategy", loc="left", fontsize=10)
    right.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _draw_reliability(axes: Axes, name: str, quality: ScoringQuality) -> None:
    axes.plot(
        [item.estimated for item in quality.reliability],
        [item.converted for item in quality.reliability],
        "o-",
        label=name,
        markersize=4,
    )
