"""Ingestion: python -m benchmarks.ingest [--sizes 200,2000,20000] [--ray-sizes 200,2000]
(make bench-ingest)

`--append` keeps what the results file holds of other ways and sizes, so that a long measurement can
be made in parts.

Documents are SciFact's abstracts, taken several times with other words so that none repeats. Each
measurement is a process of its own with its models loaded before the clock starts:

loop    parse, cut, encode file by file with sentence-transformers in its defaults; no writing
bare    the embedder alone over all the texts at once
local   the product in one process: parsed apart, embedded, written to Milvus Lite, published
again   the same folder once more, and what that cost
ray     the product on Ray Data, actors started within the time

Peak memory is the proportional set size of the process and its children, sampled; Milvus Lite's
server stands apart. Needs BENCH_DATA, the folder that holds scifact/.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.data import require_data
from benchmarks.results import RESULTS, Target, write_results

if TYPE_CHECKING:
    from benchmarks.ingest_ways import Work

COMMAND = "python -m benchmarks.ingest"
TURNS = 3
MAX_BARE = 5_000
"""The bare embedder holds all texts at once; its rate does not depend on their number."""
MAX_SECONDS = 3_600


def main() -> int:
    """Measure each way; exit code 1 when a target is missed, 2 when the data are not there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="200,2000,20000")
    parser.add_argument("--loop-sizes", default="200")
    parser.add_argument("--ray-sizes", default="200,2000")
    parser.add_argument("--append", action="store_true")
    arguments = parser.parse_args()
    corpus = require_data("scifact") / "scifact" / "corpus.jsonl"
    from benchmarks.ingest_ways import Work
    from tests.integration.milvus_server import milvus_server

    plan = list(_plan(*map(_sizes, (arguments.sizes, arguments.loop_sizes, arguments.ray_sizes))))
    rows = _earlier(plan) if arguments.append else []
    with tempfile.TemporaryDirectory() as folder, milvus_server(Path(folder)) as server:
        for turn, (way, size) in enumerate(plan):
            documents = Path(folder) / f"documents-{size}"
            make_documents(corpus, documents, size)
            rows += run_apart(Work(way, documents, server.uri, f"{way}_{turn}"), size)
            _print(rows[-1:])
    _print(rows)
    targets = _targets(rows)
    write_results("ingest", COMMAND, rows, targets)
    return 0 if all(target.met for target in targets) else 1


def _sizes(listed: str) -> list[int]:
    return [int(size) for size in listed.split(",") if size]


def _plan(
    sizes: Sequence[int], loop_sizes: Sequence[int], ray_sizes: Sequence[int]
) -> Iterator[tuple[str, int]]:
    """Loop, bare and local in turns where there is a loop, so that a busy moment is not one's."""
    for size in sizes:
        if size in loop_sizes:
            yield from (("loop", size), ("bare", size), ("local", size)) * TURNS
        elif size <= MAX_BARE:
            yield from (("bare", size), ("local", size))
        else:
            yield "local", size
    for size in ray_sizes:
        yield "ray", size


def _earlier(plan: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Rows of the results file that are not measured again."""
    again = {("again", size) for way, size in plan if way == "local"}
    path = RESULTS / "ingest.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["measurements"] if path.exists() else []
    return [row for row in rows if (row["way"], row["num_documents"]) not in {*plan, *again}]


def make_documents(corpus: Path, folder: Path, size: int) -> None:
    """Write `size` abstracts as text files; from the second round on with words of the round."""
    if folder.exists():
        return
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    for number in range(size):
        row = rows[number % len(rows)]
        round_number = number // len(rows)
        mark = f". In cohort {round_number}, " if round_number else ". "
        text = row["text"].replace(". ", mark)
        path = folder / f"part{number % 50}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{row['title']} ({number})\n\n{text}\n", encoding="utf-8")


def run_apart(work: "Work", size: int) -> list[dict[str, Any]]:
    """Measure in a process of its own; its rows."""
    command = [
        sys.executable, "-m", "benchmarks.ingest_ways",
        work.way, str(work.folder), work.uri, work.collection,
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - this program
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=MAX_SECONDS
    )
    return [{"num_documents": size, **row} for row in json.loads(done.stdout.splitlines()[-1])]


def _print(rows: Sequence[dict[str, Any]]) -> None:
    table = Table(
        "way",
        "documents",
        "chunks",
        "seconds",
        "processor s",
        "documents/s",
        "chunks/s",
        "peak MiB",
    )
    for row in rows:
        table.add_row(
            row["way"],
            str(row["num_documents"]),
            str(row["num_chunks"]),
            f"{row['seconds']:.2f}",
            f"{row.get('processor_seconds', 0.0):.2f}",
            f"{row['num_documents'] / row['seconds']:.1f}",
            f"{row['num_chunks'] / row['seconds']:.1f}",
            f"{row['peak_mib']:.0f}",
        )
    Console(stderr=True).print(table)


def _targets(rows: Sequence[dict[str, Any]]) -> list[Target]:
    def rates(way: str) -> dict[int, float]:
        """Chunks a second of the fastest turn, by number of documents."""
        found: dict[int, float] = {}
        for row in rows:
            if row["way"] == way:
                rate = row["num_chunks"] / row["seconds"]
                found[row["num_documents"]] = max(rate, found.get(row["num_documents"], 0.0))
        return found

    local, bare, loop = rates("local"), rates("bare"), rates("loop")
    first = {row["num_documents"]: row for row in rows if row["way"] == "local"}
    again = {row["num_documents"]: row for row in rows if row["way"] == "again"}
    peaks = [row["peak_mib"] for row in first.values()]
    targets = [
        Target(f"{size} documents: times the plain loop", local[size] / rate, 2.2, "x")
        for size, rate in loop.items()
    ]
    targets += [
        Target(f"{size} documents: share of the bare embedder's rate", local[size] / rate, 0.85, "")
        for size, rate in bare.items()
    ]
    flat = f"peak memory, most over least of {min(first)} to {max(first)} documents"
    targets.append(Target(flat, max(peaks) / min(peaks), 1.25, "x", at_least=False))
    targets += [
        Target(
            f"{size} documents again, unchanged: times faster",
            first[size]["seconds"] / again[size]["seconds"],
            50,
            "x",
        )
        for size in first
    ]
    calls = sum(row["num_embedding_calls"] for row in again.values())
    targets.append(Target("embedding calls of second runs", calls, 0, "", at_least=False))
    return targets


if __name__ == "__main__":
    sys.exit(main())
