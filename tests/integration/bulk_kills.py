"""Kills of bulk runs at random points, and what must hold after each of them."""

import hashlib
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from followup.backends.ledger import LEDGER_FILE, FinishedPart
from tests.integration.running_graph import ROOT

SEED = 20_261_122
SECONDS = 300
POLL_SECONDS = 0.02
Files = dict[str, bytes]


class Victim(StrEnum):
    """What is killed with -9."""

    DRIVER = "driver"
    WORKER = "worker"
    ALL = "all"
    """The driver with every process below it, at once."""


@dataclass(frozen=True, slots=True)
class Kills:
    """When the kills come: after up to `max_parts` more parts, and up to `max_seconds` later."""

    number: int
    max_parts: int
    max_seconds: float


@dataclass(frozen=True, slots=True)
class KilledRun:
    """A bulk command whose output lies in one folder."""

    command: Sequence[str]
    output: Path
    environment: Mapping[str, str] | None = None

    def survive(self, victim: Victim, kills: Kills) -> dict[str, Any]:
        """Kill, run again, and so on; the summary of the run that ended.

        No kill changes a byte of what was finished before it.
        """
        generator = random.Random(SEED)  # noqa: S311 - no secret
        if victim is Victim.WORKER:
            return self._lose_workers(kills, generator)
        for _ in range(kills.number):
            process = self.start()
            self.wait_for_kill(process, kills, generator)
            before = finished_files(self.output)
            kill_all(process) if victim is Victim.ALL else process.kill()
            process.communicate()
            assert before.items() <= finished_files(self.output).items()
        return self.finish(self.start())

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - this program
            self.command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE
        )

    def wait_for_kill(
        self, process: subprocess.Popen[bytes], kills: Kills, generator: random.Random
    ) -> None:
        """Until the random point of the next kill; the run must not be at its end then."""
        num_parts = max(1, num_lines(self.output) + generator.randint(0, kills.max_parts))
        wait_for_parts(self.output, num_parts, process)
        time.sleep(generator.uniform(0, kills.max_seconds))  # the random point itself
        assert process.poll() is None, "the run was over before its kill"

    def finish(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Let a run come to its end; its summary."""
        before = finished_files(self.output)
        told, _ = process.communicate(timeout=2 * SECONDS)
        assert process.returncode == 0
        after = finished_files(self.output)
        assert before.items() <= after.items()
        for part in finished_parts(self.output):
            for file in part.files:
                assert hashlib.sha256(after[file.name]).hexdigest() == file.sha256
        summary: dict[str, Any] = json.loads(told)
        return summary

    def _lose_workers(self, kills: Kills, generator: random.Random) -> dict[str, Any]:
        """Workers are replaced, so one run goes through all kills. Each comes after a part that
        was finished since the last one: a row that ends its worker again and again is rejected."""
        process = self.start()
        for _ in range(kills.number):
            wait_for_parts(self.output, num_lines(self.output) + 1, process)
            self.wait_for_kill(process, kills, generator)
            before = finished_files(self.output)
            generator.choice(workers_of(process)).kill()
            assert before.items() <= finished_files(self.output).items()
        return self.finish(process)


def wait_for_parts(output: Path, number: int, process: subprocess.Popen[bytes]) -> None:
    """Until so many parts are finished, while the run goes on."""
    give_up_at = time.monotonic() + SECONDS
    while num_lines(output) < number:
        assert process.poll() is None, "the run ended before"
        assert time.monotonic() < give_up_at
        time.sleep(POLL_SECONDS)


def workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The workers of a driver: they are forked from a server below it."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            found += child.children()
        except psutil.NoSuchProcess:
            continue
    return found


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """The driver first: it must not see its workers end."""
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in below:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(below, timeout=SECONDS)


def num_lines(output: Path) -> int:
    """Lines of the ledger: one for each finished part."""
    try:
        return (output / LEDGER_FILE).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def finished_parts(output: Path) -> list[FinishedPart]:
    """The parts of which the ledger has a whole line."""
    if not num_lines(output):
        return []
    lines = (output / LEDGER_FILE).read_bytes().splitlines(keepends=True)
    return [FinishedPart.model_validate_json(line) for line in lines if line.endswith(b"\n")]


def finished_files(output: Path) -> Files:
    """Bytes of each file of a finished part."""
    names = [file.name for part in finished_parts(output) for file in part.files]
    return {name: (output / name).read_bytes() for name in names}


def check_each_once(output: Path, ids: Sequence[str]) -> None:
    """Every lead has one result and no other has any."""
    files = sorted((output / "parts").iterdir())
    found = [json.loads(line)["lead_id"] for f in files for line in f.read_text().splitlines()]
    assert Counter(found) == Counter(ids)
