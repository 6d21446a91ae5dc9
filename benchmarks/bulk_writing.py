"""Writing lists, and what that costs requests: python -m benchmarks.bulk_writing
[--leads 500] [--requests 40] [--only writing]  (make bench-bulk, after benchmarks.bulk)

`--only writing` or `--only latency` keeps what the results file holds of the other.

(a) tokens/s of `lead-assistant bulk write` on the list, of the bare engine on the same prompts, and
    of a plain loop over the HTTP API with one client. The engine's best of three batch sizes is
    found on some of the prompts; then it takes half of them before bulk and the others after it, so
    that a machine that gets slower or faster meanwhile favours neither. Of bulk it is the time in
    which parts were worked on; the command's whole time, start and report included, stands beside.
(b) latency of one client's requests alone, while a batch of messages is written, and while a batch
    is scored, in turns.
"""

import argparse
import csv
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bulk import make_leads
from benchmarks.generation import BareEngine, config_without_caches, server_prompts
from benchmarks.results import Target, read_results, write_results
from config.settings import load_settings
from deployments.bulk_job import ROWS_PER_WRITE_PART
from tests.integration.running_graph import RAG, ROOT, RunningGraph, running_graph

COMMAND = "python -m benchmarks.bulk_writing"
BATCHES = "/api/v1/batches"
BARE_BATCHES = (16, 32, 64)
TRIAL_PROMPTS = 128
PART_SIZES = (ROWS_PER_WRITE_PART,)
COMMAND_SECONDS = 3_600
ROUNDS = 2
SCORED_LEADS = 100_000
MAX_TOKENS = 100
BARE = "bare engine at its best"
FIELDS = ("lead_name", "product_name", "interaction_history")
Row = dict[str, Any]


def main() -> int:
    """Measure; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=500)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--only", choices=("writing", "latency"))
    arguments = parser.parse_args()
    leads = [
        {
            "id": f"lead-{number}",
            "lead_name": f"Lead{chr(97 + number // 26 % 26)}{chr(97 + number % 26)} Bench",
            "product_name": "AI Billing Software",
            "interaction_history": f"Asked what the mid-tier plan costs for {number + 10} people.",
        }
        for number in range(arguments.leads)
    ]
    with (
        config_without_caches() as config,
        running_graph(variables={"CONFIG_DIR": config}) as graph,
    ):
        rows = _earlier(arguments.only)
        if arguments.only != "latency":
            rows += _writing(graph, leads, arguments.requests)
        if arguments.only != "writing":
            rows += _latencies(graph, leads, arguments.requests)
    targets = _targets(rows)
    write_results("bulk_writing", COMMAND, rows, targets)
    return 0 if all(target.met for target in targets) else 1


def _earlier(only: str | None) -> list[Row]:
    """What the results file holds of the part that is not measured now."""
    rows, _ = read_results("bulk_writing") if only else ([], [])
    return [row for row in rows if row["measurement"] != only]


def _writing(graph: RunningGraph, leads: Sequence[Row], num_requests: int) -> list[Row]:
    loop = [_ask(graph, lead) for lead in leads[:num_requests]]
    tokens = _tokens(graph, [request_id for request_id, _ in loop])
    rows = [_speed("HTTP, one client", len(loop), tokens, sum(taken for _, taken in loop))]
    settings = load_settings()
    prompts = server_prompts(
        [{name: lead[name] for name in FIELDS} for lead in leads], graph, settings
    )

    def bare(what: str, size: int, some: Sequence[Any]) -> Row:
        # A new engine each time: the last one has kept the prompts' prefixes, which a list's
        # first messages do not find.
        found = BareEngine(settings, some).run(size, len(some))
        return _speed(what, found.num_requests, found.num_tokens, found.seconds)

    trials = {
        size: bare(f"bare engine, {size} at a time, to choose", size, prompts[:TRIAL_PROMPTS])
        for size in BARE_BATCHES
    }
    best = max(trials, key=lambda size: float(trials[size]["tokens_per_second"]))
    half = len(prompts) // 2
    before = bare(f"{BARE}, {best} at a time, before", best, prompts[:half])
    written = [_bulk(graph, leads, size) for size in PART_SIZES]
    after = bare(f"{BARE}, {best} at a time, after", best, prompts[half:])
    return [*rows, *trials.values(), before, *written, after]


def _bulk(graph: RunningGraph, leads: Sequence[Row], rows_per_part: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.jsonl"
        path.write_bytes(_lines(leads))
        command = [
            "bulk", "write", str(path), "-o", f"{folder}/out", "--approach", "rag", "--json",
            "--max-tokens", str(MAX_TOKENS), "--rows-per-part", str(rows_per_part),
        ]  # fmt: skip
        start = time.perf_counter()
        done = _run(graph, command)
        whole = time.perf_counter() - start
    sums = json.loads(done)["sums"]
    what = f"bulk write, parts of {rows_per_part}"
    row = _speed(what, len(leads), int(sums["completion_tokens"]), sums["seconds"])
    return {**row, "command_seconds": whole}


def _run(graph: RunningGraph, command: Sequence[str]) -> str:
    """What `lead-assistant` prints beside this graph."""
    program = str(Path(sys.executable).with_name("lead-assistant"))
    return subprocess.run(  # noqa: S603 - this program
        [program, *command],
        env=graph.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=COMMAND_SECONDS,
    ).stdout


def _latencies(graph: RunningGraph, leads: Sequence[Row], num_requests: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        scored = Path(folder) / "scored.csv"
        make_leads(scored, SCORED_LEADS)
        lists = {
            "alone": None,
            "beside writing": (f"{BATCHES}?kind=write&approach=rag", _lines(leads)),
            "beside scoring": (f"{BATCHES}?kind=score", _csv_lines(scored)),
        }
    rows = []
    for turn in range(ROUNDS):
        for what, batch in lists.items():
            posted = None if batch is None else _post(graph, *batch)
            found = [_ask(graph, lead)[1] * 1_000 for lead in leads[:num_requests]]
            num_done = 0 if posted is None else _cancel(graph, posted)
            rows.append(
                {
                    "measurement": "latency", "what": what, "turn": turn, "latencies_ms": found,
                    "p50_ms": statistics.median(found),
                    "p95_ms": statistics.quantiles(found, n=20)[-1],
                    "num_leads_done_beside": num_done,
                }
            )  # fmt: skip
    return rows


def _post(graph: RunningGraph, path: str, body: bytes) -> str:
    """A batch that is at work."""
    response = httpx.post(graph.url + path, content=body, timeout=60)
    response.raise_for_status()
    batch_id: str = response.json()["id"]
    while httpx.get(f"{graph.url}{BATCHES}/{batch_id}", timeout=30).json()["state"] == "queued":
        time.sleep(0.2)
    return batch_id


def _cancel(graph: RunningGraph, batch_id: str) -> int:
    """How many leads were done while it ran."""
    address = f"{graph.url}{BATCHES}/{batch_id}"
    httpx.post(f"{address}/cancel", timeout=30)
    while True:
        batch = httpx.get(address, timeout=30).json()
        if batch["finished_at"] is not None:
            assert batch["state"] in {"cancelled", "done"}, batch
            return int(batch["num_done"])
        time.sleep(0.2)


def _ask(graph: RunningGraph, lead: Row) -> tuple[str, float]:
    body = {"lead_context": {name: lead[name] for name in FIELDS}, "max_tokens": MAX_TOKENS}
    start = time.perf_counter()
    response = httpx.post(graph.url + RAG, json=body, timeout=300)
    response.raise_for_status()
    return response.json()["request_id"], time.perf_counter() - start


def _tokens(graph: RunningGraph, request_ids: Sequence[str]) -> int:
    """Generated tokens of requests, from the audit."""
    marks = ",".join("?" * len(request_ids))
    with sqlite3.connect(Path(graph.environment["STATE_DIR"]) / "lead_assistant.db") as database:
        (found,) = database.execute(
            f"select sum(num_completion_tokens) from reply where request_id in ({marks})",  # noqa: S608 - only question marks are put in
            list(request_ids),
        ).fetchone()
    return int(found)


def _lines(leads: Sequence[Row]) -> bytes:
    return b"".join(json.dumps(lead).encode() + b"\n" for lead in leads)


def _csv_lines(path: Path) -> bytes:
    with path.open(newline="", encoding="utf-8") as file:
        return _lines(list(csv.DictReader(file)))


def _speed(what: str, num_leads: int, num_tokens: int, seconds: float) -> Row:
    return {
        "measurement": "writing", "what": what, "leads": num_leads, "tokens": num_tokens,
        "seconds": seconds, "tokens_per_second": num_tokens / seconds,
    }  # fmt: skip


def _targets(rows: Sequence[Row]) -> list[Target]:
    speeds = {row["what"]: row["tokens_per_second"] for row in rows if "tokens_per_second" in row}
    bare = [row for row in rows if str(row.get("what")).startswith(BARE)]
    bare_speed = sum(row["tokens"] for row in bare) / sum(row["seconds"] for row in bare)
    bulk = speeds[f"bulk write, parts of {ROWS_PER_WRITE_PART}"]
    targets = [
        Target("bulk write / bare engine at its best batch", bulk / bare_speed, 0.9, "x"),
        Target("bulk write / one HTTP client", bulk / speeds["HTTP, one client"], 3, "x"),
    ]
    p95 = {
        what: statistics.median(row["p95_ms"] for row in rows if row["what"] == what)
        for what in ("alone", "beside writing", "beside scoring")
    }
    for what in ("beside writing", "beside scoring"):
        name = f"p95 of requests {what} / alone"
        targets.append(Target(name, p95[what] / p95["alone"], 1.5, "x", at_least=False))
    return targets


if __name__ == "__main__":
    sys.exit(main())
