"""Messages for a list, next to what the HTTP endpoint writes for the same leads."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bulk_kills import KilledRun, Kills, Victim, check_each_once
from tests.integration.running_graph import EXAMPLES, RAG, RunningGraph

RAG_FIELDS = (
    "lead_name", "product_name", "interaction_history", "lead_stage", "engagement_score",
    "days_since_contact", "tone_required", "company_name", "product_category", "deal_value",
)  # fmt: skip
NUMBERS = ("engagement_score", "days_since_contact", "deal_value")
VERSIONS = ("prompt_version", "model_version", "knowledge_base_version", "rules_version")
Record = dict[str, Any]


def example_leads() -> list[dict[str, str]]:
    with (EXAMPLES / "leads.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_list(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def results_of(output: Path) -> list[Record]:
    files = sorted((output / "parts").iterdir())
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def rag_body(row: dict[str, str]) -> Record:
    fields: Record = {name: row[name] for name in RAG_FIELDS if row[name]}
    return {"lead_context": fields | {n: float(fields[n]) for n in NUMBERS if n in fields}}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_row_is_what_the_endpoint_writes_for_that_lead(
    graph: RunningGraph, tmp_path: Path
) -> None:
    rows = [row for row in example_leads() if row["id"] in {"lead-001", "lead-005", "lead-010"}]
    opted_out = next(row for row in example_leads() if row["id"] == "lead-011")
    leads = write_list(
        tmp_path / "leads.csv", [*rows, opted_out, {**rows[0], "id": "x", "product_name": ""}]
    )
    output = tmp_path / "out"
    done = graph.command(
        "bulk", "write", str(leads), "-o", str(output), "--approach", "rag", "--format", "jsonl",
        "--json",
    )  # fmt: skip
    found = {row["lead_id"]: row for row in results_of(output)}
    for row in rows:
        reply = graph.post(RAG, rag_body(row)).json()
        written = found[row["id"]]
        assert written["message"] == reply["message"]
        assert tuple(written["sources"]) == tuple(reply["retrieval_sources"])
        assert written["confidence"] == pytest.approx(reply["confidence_score"], abs=1e-6)
        assert written["fallback"] == reply["fallback"]
        assert written["fallback_reason"] == reply["fallback_reason"]
        assert all(written[name] for name in VERSIONS)
        assert written["adapter_version"] is None
    assert (found["lead-011"]["status"], found["lead-011"]["message"]) == ("suppressed", None)
    [reject] = [json.loads(line) for line in (output / "rejects.jsonl").read_text().splitlines()]
    assert (reject["lead_id"], reject["field"], reject["reason"]) == (
        "x",
        "product_name",
        "it is missing",
    )
    summary = json.loads(done.stdout)
    assert summary["counts"]["status"] == {"written": 3, "suppressed": 1}
    assert summary["sums"]["completion_tokens"] == sum(
        row["completion_tokens"] or 0 for row in found.values()
    )


@pytest.mark.slow
@pytest.mark.timeout(1_500)  # up to eleven processes load their models
@pytest.mark.parametrize("victim", Victim)
def test_writing_that_is_killed_ten_times_has_each_lead_once(
    graph: RunningGraph, tmp_path: Path, victim: Victim
) -> None:
    if not graph.is_embedded:
        pytest.skip("once is enough")
    rows = [{**row, "id": f"{row['id']}-{turn}"} for turn in range(3) for row in example_leads()]
    leads, output = write_list(tmp_path / "leads.csv", rows), tmp_path / "out"
    command = [
        sys.executable, "-m", "tests.command_line", "bulk", "write", str(leads), "-o", str(output),
        "--approach", "rag", "--format", "jsonl", "--rows-per-part", "3", "--json",
    ]  # fmt: skip
    run = KilledRun(command, output, graph.environment)
    run.survive(victim, Kills(10, max_parts=1, max_seconds=3))
    check_each_once(output, [row["id"] for row in rows])
