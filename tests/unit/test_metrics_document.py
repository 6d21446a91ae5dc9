"""docs/metrics.md lists every metric with its labels, and nothing else."""

import re
from pathlib import Path

from deployments.metrics import (
    GeneratorMetrics,
    IngressMetrics,
    NodeMetrics,
    RetrieverMetrics,
    ValidatorMetrics,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
KINDS = {"counter": "Counter", "histogram": "Histogram"}


def documented() -> dict[str, tuple[str, set[str]]]:
    """Kind and labels by name, from the table's rows; values in brackets are no labels."""
    rows = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `lead_assistant_"):
            name, kind, labels = (cell.strip() for cell in line.strip("|").split("|")[:3])
            names = re.sub(r"\([^)]*\)", "", labels).split(",")
            rows[name.strip("`")] = (KINDS[kind.split(",")[0]], {item.strip() for item in names})
    return rows


def declared() -> dict[str, tuple[str, set[str]]]:
    groups = (
        IngressMetrics(),
        NodeMetrics("embedder"),
        GeneratorMetrics(),
        RetrieverMetrics(),
        ValidatorMetrics(),
    )
    metrics = [metric for group in groups for metric in vars(group).values()]
    return {
        metric.info["name"]: (type(metric).__name__, set(metric.info["tag_keys"]))
        for metric in metrics
    }


def test_the_document_and_the_code_name_the_same_metrics() -> None:
    assert documented() == declared()


def test_every_metric_belongs_to_a_tenant() -> None:
    assert all("tenant" in labels for _, labels in declared().values())
