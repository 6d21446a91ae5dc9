"""Serving: python -m benchmarks.serving [--only generation | cached-replies | start]  (make bench)

(a) generated tokens/s through HTTP at 1, 8 and 32 clients, all caches off, next to the bare engine
    on the same prompts and next to transformers `generate` with a static batch;
(b) requests/s of a cached reply in Serve's default mode and in its HAProxy + throughput mode, next
    to bare FastAPI on uvicorn (needs wrk);
(c) time and peak memory of `make serve` where the packages are installed.

`--only` keeps what the results file holds of the others.
"""

import shutil
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from benchmarks.cached_replies import measure_cached_replies
from benchmarks.generation import measure_generation
from benchmarks.results import Target, read_results, write_results
from benchmarks.start import measure_start

COMMAND = "python -m benchmarks.serving"
Measure = Callable[[], tuple[list[dict[str, Any]], list[Target]]]


class Part(StrEnum):
    """What can be measured by itself."""

    GENERATION = "generation"
    CACHED_REPLIES = "cached-replies"
    START = "start"


PARTS: dict[Part, Measure] = {
    Part.GENERATION: measure_generation,
    Part.CACHED_REPLIES: measure_cached_replies,
    Part.START: measure_start,
}


def main(
    only: Annotated[Part | None, typer.Option(help="Measure one part, keep the others.")] = None,
) -> None:
    """Measure; exit code 1 when a target is missed, 2 when wrk is missing."""
    if shutil.which("wrk") is None:
        print("The benchmark needs wrk. Install it with: apt-get install wrk", file=sys.stderr)
        raise typer.Exit(2)
    measurements, targets = read_results("serving") if only else ([], [])
    for part, measure in PARTS.items():
        if only in {None, part}:
            rows, goals = measure()
            again = {row["measurement"] for row in rows}
            measurements = [row for row in measurements if row["measurement"] not in again] + rows
            names = {goal.name for goal in goals}
            targets = [goal for goal in targets if goal.name not in names] + goals
    write_results("serving", COMMAND, measurements, targets)
    raise typer.Exit(0 if all(target.met for target in targets) else 1)


if __name__ == "__main__":
    typer.run(main)
