"""Scoring lead lists by the command and by the run, killed and not."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cluster.bulk import run_bulk, run_score
from cluster.bulk_progress import BulkProgress
from cluster.bulk_summary import BulkSummary
from cluster.reporting import Reporter
from config.settings import Settings, load_settings
from deployments.bulk_job import score_work
from deployments.bulk_options import BulkOptions, OutputFormat
from deployments.bulk_parts import WorkerFactory
from deployments.bulk_processes import MAX_KILLED_STARTS
from followup.errors import PartUnavailableError
from tests.bulk_workers import FAULT, FRAGILE, POISON, KilledFactory, PoisonedFactory
from tests.integration.bulk_kills import KilledRun, Kills, Victim, check_each_once

NUM_ROWS = 2_000
ROWS_PER_PART = 10
Record = dict[str, Any]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings()


def lead_row(number: int, **fields: object) -> Record:
    histories = (
        "Asked about the price.", "Watched the demo.", "Please unsubscribe me.", "Went silent.",
    )  # fmt: skip
    known = {
        "id": f"lead-{number}",
        "lead_name": f"Sarah Chen {number}",
        "product_name": "AI Billing Software",
        "interaction_history": histories[number % 4],
        "engagement_score": number % 101,
        "days_since_contact": number % 90,
        "company_size": "smb",
    }
    return {**known, **fields}


def write_csv(path: Path, rows: Sequence[Record]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(
    settings: Settings,
    leads: Path,
    output: Path,
    factory: WorkerFactory | None = None,
    **options: Any,
) -> BulkSummary:
    file_format: OutputFormat = options.pop("file_format", "jsonl")
    chosen = BulkOptions(
        leads=str(leads),
        output=output,
        file_format=file_format,
        today=date(2026, 11, 22),
        **options,
    )
    reporter = Reporter(quiet=True)
    with BulkProgress(reporter) as progress:
        if factory is None:
            return run_score(settings, chosen, progress)
        what = score_work(settings, chosen.rows_per_part)
        return run_bulk(settings, chosen, what, factory, progress)


def results_of(output: Path) -> list[Record]:
    files = sorted((output / "parts").iterdir())
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def rejects_of(output: Path) -> list[Record]:
    return [json.loads(line) for line in (output / "rejects.jsonl").read_text().splitlines()]


def test_each_row_has_one_result_or_a_reject_with_its_field(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [lead_row(number) for number in range(8)]
    rows[1] |= {"engagement_score": "120"}
    rows[3] |= {"id": "lead-0"}
    rows[4] |= {"id": " "}
    rows[5] |= {"company_size": "huge"}
    rows[6] |= {"interaction_history": "x" * 1_000_000}
    leads = write_csv(tmp_path / "leads.csv", rows)
    summary = run(settings, leads, tmp_path / "out")
    found = results_of(tmp_path / "out")
    assert [(row["lead_id"], row["row"], row["status"]) for row in found] == [
        ("lead-0", 1, "scored"), ("lead-2", 3, "suppressed"), ("lead-7", 8, "scored"),
    ]  # fmt: skip
    assert found[1]["strategy"] is None
    assert [(row["row"], row["field"]) for row in rejects_of(tmp_path / "out")] == [
        (2, "engagement_score"), (4, "id"), (5, "id"), (6, "company_size"),
        (7, "interaction_history"),
    ]  # fmt: skip
    assert "row 1 has the same id" in rejects_of(tmp_path / "out")[1]["reason"]
    assert (summary.num_rows, summary.num_results, summary.num_duplicates) == (8, 3, 1)
    assert all(len(row["reason"]) < 400 for row in rejects_of(tmp_path / "out"))


def test_a_list_of_ten_thousand_columns_of_which_few_are_known(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [{**lead_row(0), **{f"custom {number}": "=1+1" for number in range(10_000)}}]
    summary = run(settings, write_csv(tmp_path / "leads.csv", rows), tmp_path / "out")
    assert (summary.num_results, len(summary.unknown_columns)) == (1, 10_000)
    assert len(summary.describe()) < 2_000


def test_an_empty_list_is_done_at_once(settings: Settings, tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text("id,lead_name\n")
    summary = run(settings, leads, tmp_path / "out")
    assert (summary.num_rows, summary.num_results) == (0, 0)
    assert (tmp_path / "out" / "summary.json").exists()


def test_parquet_with_nan_gives_parquet(settings: Settings, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "lead_name": ["A", None],
            "engagement_score": [float("nan"), 80.0],
            "objections_raised": [["too dear"], None],
        }
    )
    parquet.write_table(table, tmp_path / "leads.parquet")
    run(settings, tmp_path / "leads.parquet", tmp_path / "out", file_format="parquet")
    [file] = (tmp_path / "out" / "parts").iterdir()
    found = parquet.read_table(file).to_pylist()
    assert [row["points_engagement"] for row in found] == [20.0, 32.0]
    assert [row["lead_id"] for row in found] == ["1", "2"]
    assert found[0]["points_lead_score"] is None


def test_no_cell_of_a_csv_is_a_formula(settings: Settings, tmp_path: Path) -> None:
    starts = ("=cmd()", "+1", "-2+3", "@SUM(A1)", "＝1", "plain -1")
    rows = [
        lead_row(0, id=f"{start}id{number}", lead_name=f'{start}|calc,"x')
        for number, start in enumerate(starts)
    ]
    run(settings, write_csv(tmp_path / "leads.csv", rows), tmp_path / "out", file_format="csv")
    [file] = (tmp_path / "out" / "parts").iterdir()
    with file.open(newline="", encoding="utf-8") as opened:
        found = list(csv.DictReader(opened))
    for row, given in zip(found, rows, strict=True):
        mark = "" if given["id"].startswith("plain") else "'"
        assert row["lead_id"] == mark + given["id"]
        assert row["lead_name"] == mark + given["lead_name"]
        assert float(row["score"]) > 0


def test_the_leads_that_end_their_worker_are_rejected_and_the_rest_is_done(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [lead_row(number) for number in range(12)]
    for place, name in ((1, POISON), (5, FAULT), (9, FRAGILE)):
        rows[place] |= {"lead_name": name}
    leads = write_csv(tmp_path / "leads.csv", rows)
    poisoned = PoisonedFactory(settings.scoring, settings.compliance, tmp_path)
    run(settings, leads, tmp_path / "out", poisoned, rows_per_part=4, num_workers=2)
    found = [row["lead_id"] for row in results_of(tmp_path / "out")]
    assert found == [f"lead-{number}" for number in range(12) if number not in {1, 5}]
    rejects = rejects_of(tmp_path / "out")
    assert [(row["row"], row["field"]) for row in rejects] == [(2, "row"), (6, "row")]
    assert "failed 2 times on it: the process ended with signal 9" in rejects[0]["reason"]
    assert "RuntimeError: what nobody foresaw" in rejects[1]["reason"]
    assert (tmp_path / "was_fragile").exists()


def test_a_worker_killed_while_it_starts_is_started_again_but_not_for_ever(
    settings: Settings, tmp_path: Path
) -> None:
    leads = write_csv(tmp_path / "leads.csv", [lead_row(number) for number in range(4)])
    sound = PoisonedFactory(settings.scoring, settings.compliance, tmp_path)
    killed_twice = KilledFactory(sound, MAX_KILLED_STARTS - 1, tmp_path)
    summary = run(settings, leads, tmp_path / "out", killed_twice, num_workers=1)
    assert (summary.num_results, summary.num_rejects) == (4, 0)
    always = KilledFactory(sound, 100, tmp_path)
    with pytest.raises(PartUnavailableError, match="ended with code -9 before it was ready"):
        run(settings, leads, tmp_path / "other", always, num_workers=1)


def killed_run(tmp_path: Path, *more: str) -> KilledRun:
    leads = write_csv(tmp_path / "leads.csv", [lead_row(number) for number in range(NUM_ROWS)])
    output = tmp_path / "out"
    command = [
        sys.executable, "-m", "tests.command_line", "bulk", "score", str(leads), "-o", str(output),
        "--format", "jsonl", "--rows-per-part", str(ROWS_PER_PART), "--json", *more,
    ]  # fmt: skip
    return KilledRun(command, output)


def check_kills(run: KilledRun, victim: Victim, num_kills: int) -> None:
    summary = run.survive(victim, Kills(num_kills, max_parts=10, max_seconds=0.05))
    check_each_once(run.output, [f"lead-{number}" for number in range(NUM_ROWS)])
    assert summary["num_results"] == NUM_ROWS


def test_a_killed_run_has_each_lead_once(tmp_path: Path) -> None:
    check_kills(killed_run(tmp_path), Victim.DRIVER, 1)


@pytest.mark.slow
@pytest.mark.parametrize("victim", Victim)
def test_a_run_killed_ten_times_has_each_lead_once(tmp_path: Path, victim: Victim) -> None:
    check_kills(killed_run(tmp_path), victim, 10)
