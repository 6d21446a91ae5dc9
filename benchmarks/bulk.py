"""Scoring in bulk: python -m benchmarks.bulk [--sizes 10000,100000,1000000] [--loop-sizes ...]
(make bench-bulk)

`--append` keeps what the results file holds of other ways and sizes, so that a long measurement can
be made in parts.

Each measurement is a process of its own, its start and imports within the time:

bulk    lead-assistant bulk score LIST -o OUT, CSV in and out, a worker for each core
loop    pandas: read_csv, then row by row the same functions (the lead's validation, its situation,
        its score) on one core, then to_csv

Memory is the proportional set size, sampled: of the driver, and of its largest worker. The start
cost is the time of a list of one row.
"""

import argparse
import csv
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.results import RESULTS, Target, write_results

COMMAND = "python -m benchmarks.bulk"
ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.5
MIN_LOOP_ROWS = 100_000
MAX_GROWTH = 1.15
MAX_MEMORY_GROWTH = 1.25
SEED = 20_261_122
Measured = dict[str, Any]


def main() -> int:
    """Measure; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--loop-sizes", default="10000,100000,1000000")
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--loop", nargs=2, metavar=("LIST", "OUT"))
    arguments = parser.parse_args()
    if arguments.loop:
        loop(*map(Path, arguments.loop))
        return 0
    sizes, loop_sizes = (
        [int(size) for size in text.split(",") if size]
        for text in (arguments.sizes, arguments.loop_sizes)
    )
    plan = [("bulk", 1)]
    for size in sorted({*sizes, *loop_sizes}):
        plan += [(way, size) for way, of in (("loop", loop_sizes), ("bulk", sizes)) if size in of]
    rows = _earlier(plan) if arguments.append else []
    for way, size in plan:
        rows.append(measure(way, size))
        _print(rows[-1:])
    rows.sort(key=lambda row: (row["num_leads"], row["way"]))
    _print(rows)
    targets = _targets(rows)
    write_results("bulk", COMMAND, rows, targets)
    return 0 if all(target.met for target in targets) else 1


def measure(way: str, size: int) -> Measured:
    """Time and memory of one way."""
    with tempfile.TemporaryDirectory() as folder:
        leads, output = Path(folder) / "leads.csv", Path(folder) / "out"
        make_leads(leads, size)
        command = [sys.executable, "-m", "benchmarks.bulk", "--loop", str(leads), str(output)]
        if way == "bulk":
            command = [
                sys.executable, "-m", "tests.command_line", "bulk", "score", str(leads),
                "-o", str(output), "--json",
            ]  # fmt: skip
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
        driver_mib, worker_mib = _watch(process)
        seconds = time.perf_counter() - start
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    return {
        "way": way,
        "num_leads": size,
        "seconds": seconds,
        "driver_mib": driver_mib,
        "worker_mib": worker_mib,
        "load_before": os.getloadavg()[0],
    }


def make_leads(path: Path, size: int) -> None:
    """The example leads, each with a history of its own."""
    with (ROOT / "examples" / "leads.csv").open(newline="", encoding="utf-8") as file:
        examples = list(csv.DictReader(file))
    generator = random.Random(SEED)  # noqa: S311 - no secret
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, examples[0].keys())
        writer.writeheader()
        for number in range(size):
            row = dict(generator.choice(examples))
            row["id"] = f"lead-{number}"
            day, case = generator.randrange(1, 28), generator.randrange(10**6)
            row["interaction_history"] += f" Called on {day} May about case {case}."
            row["engagement_score"] = str(generator.randrange(101))
            writer.writerow(row)


def loop(leads: Path, output: Path) -> None:
    """What somebody writes who has the functions and pandas."""
    import pandas as pd  # noqa: PLC0415 - not in the other processes

    from config.settings import load_settings  # noqa: PLC0415
    from deployments.scoring_api import ScoredLead  # noqa: PLC0415
    from followup.scoring import score_lead  # noqa: PLC0415
    from followup.situation import detect_situation  # noqa: PLC0415

    settings = load_settings()
    fields = ScoredLead.model_fields
    results = []
    frame = pd.read_csv(leads, dtype=str, keep_default_na=False)
    for record in frame.to_dict("records"):
        given = {name: value for name, value in record.items() if value and name in fields}
        if "objections_raised" in given:
            given["objections_raised"] = given["objections_raised"].split(";")
        lead = ScoredLead.model_validate(given)
        scored = score_lead(lead, settings.scoring)
        results.append(
            {
                "lead_id": record["id"],
                "situation": detect_situation(lead, settings.compliance).value,
                "score": scored.score,
                "strategy": scored.strategy.value,
                "strategy_confidence": scored.strategy_confidence,
                **{part.factor: part.points for part in scored.contributions},
            }
        )
    pd.DataFrame(results).to_csv(output, index=False)


def _watch(process: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """Largest memory of the process and of any of its children until it ends, in MiB."""
    driver = worker = 0.0
    while True:
        try:
            process.wait(SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            driver = max(driver, _memory_mib(process.pid))
            for child in _children(process.pid):
                worker = max(worker, _memory_mib(child))
        else:
            return driver, worker


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _memory_mib(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_full_info().pss) / 2**20
    except psutil.Error:
        return 0.0


def _earlier(plan: Sequence[tuple[str, int]]) -> list[Measured]:
    """Rows of the results file that are not measured again."""
    path = RESULTS / "bulk.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["measurements"] if path.exists() else []
    return [row for row in rows if (row["way"], row["num_leads"]) not in plan]


def _print(rows: Sequence[Measured]) -> None:
    table = Table("way", "leads", "seconds", "leads/s", "driver MiB", "worker MiB", "load")
    for row in rows:
        rate = row["num_leads"] / row["seconds"]
        table.add_row(
            row["way"], f"{row['num_leads']:,}", f"{row['seconds']:.1f}", f"{rate:,.0f}",
            f"{row['driver_mib']:.0f}", f"{row['worker_mib']:.0f}", f"{row['load_before']:.1f}",
        )  # fmt: skip
    Console(stderr=True).print(table)


def _targets(rows: Sequence[Measured]) -> list[Target]:
    """Growth is of the time without the start cost, so that small lists count for what they are."""
    bulk = {row["num_leads"]: row for row in rows if row["way"] == "bulk"}
    loops = {row["num_leads"]: row["seconds"] for row in rows if row["way"] == "loop"}
    start = bulk[1]["seconds"]
    sizes = sorted(size for size in bulk if size > 1)
    targets = [
        Target(
            f"{size:,} leads: times the pandas loop", loops[size] / bulk[size]["seconds"], 1, "x"
        )
        for size in sizes
        if size in loops and size >= MIN_LOOP_ROWS
    ]
    per_row = {size: (bulk[size]["seconds"] - start) / size for size in sizes}
    for small, large in itertools.pairwise(sizes):
        growth = per_row[large] / per_row[small]
        name = f"time a lead at {large:,}, over that at {small:,}"
        targets.append(Target(name, growth, MAX_GROWTH, "x", at_least=False))
    for kind in ("driver_mib", "worker_mib"):
        if len(sizes) > 1:
            growth = bulk[sizes[-1]][kind] / bulk[sizes[0]][kind]
            name = f"{kind} at {sizes[-1]:,}, over that at {sizes[0]:,}"
            targets.append(Target(name, growth, MAX_MEMORY_GROWTH, "x", at_least=False))
    return targets


if __name__ == "__main__":
    sys.exit(main())
