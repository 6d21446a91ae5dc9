"""Serving: python -m benchmarks.serving  (make bench)

(a) generated tokens/s through HTTP at 1, 8 and 32 clients, all caches off, next to the bare engine
    on the same prompts and next to transformers `generate` with a static batch;
(b) requests/s of a cached reply in Serve's default mode and in its HAProxy + throughput mode, next
    to bare FastAPI on uvicorn (needs wrk);
(c) time and peak memory of `make serve` where the packages are installed.
"""

import shutil
import sys

from benchmarks.cached_replies import measure_cached_replies
from benchmarks.generation import measure_generation
from benchmarks.results import write_results
from benchmarks.start import measure_start

COMMAND = "python -m benchmarks.serving"


def main() -> int:
    """Run all three; exit code 1 when a target is missed, 2 when wrk is missing."""
    if shutil.which("wrk") is None:
        print("The benchmark needs wrk. Install it with: apt-get install wrk", file=sys.stderr)
        return 2
    measurements, targets = [], []
    for measure in (measure_generation, measure_cached_replies, measure_start):
        rows, goals = measure()
        measurements += rows
        targets += goals
    write_results("serving", COMMAND, measurements, targets)
    return 0 if all(target.met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
