"""Time and peak memory of `make serve`, the first time and again, with the packages installed."""

import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.results import Target
from cluster.preflight import free_port

ROOT = Path(__file__).parents[1]
SAMPLE_SECONDS = 0.5
AGAIN_GOAL_SECONDS = 60


def measure_start() -> tuple[list[dict[str, Any]], list[Target]]:
    """`make serve` twice in a fresh state folder, models fetched by the first."""
    with tempfile.TemporaryDirectory(prefix="la-") as folder:
        ports = ("API_PORT", "MILVUS_LITE_PORT", "METRICS_PORT")
        environment = {
            **os.environ,
            "STATE_DIR": folder,
            **{name: str(free_port()) for name in ports},
        }
        try:
            rows = [_serve(environment, what) for what in ("first", "again")]
        finally:
            subprocess.run(["make", "stop"], env=environment, cwd=ROOT, check=True, timeout=120)  # noqa: S607
    return rows, [
        Target("make serve again", rows[1]["seconds"], AGAIN_GOAL_SECONDS, "s", at_least=False)
    ]


def _serve(environment: dict[str, str], what: str) -> dict[str, Any]:
    peak = _PeakMemory(environment["STATE_DIR"])
    start = time.perf_counter()
    with peak:
        subprocess.run(
            ["make", "serve"],  # noqa: S607 - the command that is measured
            env=environment,
            cwd=ROOT,
            check=True,
            timeout=600,
            stdout=subprocess.DEVNULL,
        )
    return {
        "measurement": "make serve",
        "what": what,
        "seconds": time.perf_counter() - start,
        "peak_memory_gib": peak.peak_bytes / 2**30,
    }


class _PeakMemory:
    """Samples the proportional set size of all processes of one state folder, in bytes."""

    def __init__(self, state_dir: str) -> None:
        self.peak_bytes = 0
        self._state_dir = state_dir
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            sizes = (self._size(process) for process in psutil.process_iter())
            self.peak_bytes = max(self.peak_bytes, sum(sizes))

    def _size(self, process: psutil.Process) -> int:
        try:
            if process.environ().get("STATE_DIR") != self._state_dir:
                return 0
            return int(process.memory_full_info().pss)
        except psutil.Error:
            return 0
