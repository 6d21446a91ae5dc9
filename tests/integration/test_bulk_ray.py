"""Bulk runs on a real Ray cluster give, row by row, what processes of this machine give."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.bulk_ray import worker_place
from cluster.errors import StartError
from cluster.preflight import free_port
from cluster.ray_cluster import start_ray, stop_ray
from cluster.state import StateFolder
from config.environment import Environment
from config.settings import load_settings
from tests.integration.bulk_kills import (
    SEED,
    KilledRun,
    Kills,
    check_each_once,
    finished_files,
    num_lines,
)
from tests.integration.running_graph import ROOT
from tests.integration.test_bulk_score import (
    lead_row,
    rejects_of,
    results_of,
    write_csv,
)

NUM_ROWS = 500
SECONDS = 120
ACTOR = "ray::PartActor"


@pytest.fixture
def _cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ray as `up` starts it."""
    for name in (*Environment.model_fields, "ray_address"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("METRICS_PORT", str(free_port()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings = load_settings()
    state = StateFolder(settings.environment.state_dir.absolute())
    state.create()
    start_ray(state, settings)
    yield
    stop_ray(state)


def command(leads: Path, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "tests.command_line", "bulk", "score", str(leads), "-o", str(output),
        "--format", "jsonl", "--rows-per-part", "10", "--json", *more,
    ]  # fmt: skip


def actors(output: Path) -> list[psutil.Process]:
    """Of the cluster whose logs lie beside the output."""
    found = []
    for process in psutil.process_iter():
        try:
            is_actor = ACTOR in " ".join(process.cmdline())
            if is_actor and process.environ().get("STATE_DIR") == str(output.parent / "state"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def score_and_kill_an_actor(leads: Path, output: Path) -> dict[str, Any]:
    """The summary of a run one of whose two actors is killed with a part in its hands."""
    process = subprocess.Popen(  # noqa: S603 - this program
        command(leads, output, "--address", "auto", "--workers", "2"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    give_up_at = time.monotonic() + SECONDS
    while num_lines(output) < 3:
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    assert num_lines(output) < NUM_ROWS // 10
    before = finished_files(output)
    actors(output)[0].kill()
    told, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert before.items() <= finished_files(output).items()
    summary: dict[str, Any] = json.loads(told)
    return summary


@pytest.mark.slow
@pytest.mark.usefixtures("_cluster")
def test_rows_on_ray_are_those_of_local_processes_also_when_an_actor_is_killed(
    tmp_path: Path,
) -> None:
    rows = [lead_row(number) for number in range(NUM_ROWS)]
    rows[7] |= {"engagement_score": "120"}
    rows[9] |= {"id": "lead-0"}
    leads = write_csv(tmp_path / "leads.csv", rows)
    subprocess.run(  # noqa: S603 - this program
        command(leads, tmp_path / "local"), cwd=ROOT, check=True, timeout=SECONDS
    )
    summary = score_and_kill_an_actor(leads, tmp_path / "ray")
    assert results_of(tmp_path / "ray") == results_of(tmp_path / "local")
    assert rejects_of(tmp_path / "ray") == rejects_of(tmp_path / "local")
    assert summary["num_results"] == NUM_ROWS - 2
    assert actors(tmp_path / "ray") == []


def kill_cluster(output: Path) -> None:
    """Every process of Ray that belongs to the state folder beside the output."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ray = process.name().startswith(("ray", "gcs_server")) or "/ray/" in " ".join(
                process.cmdline()
            )
            if is_ray and process.environ().get("STATE_DIR") == str(output.parent / "state"):
                process.kill()
                found.append(process)
        except psutil.Error:
            continue
    assert len(found) > 1
    psutil.wait_procs(found, timeout=SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_cluster")
def test_a_run_whose_cluster_is_killed_ten_times_has_each_lead_once(tmp_path: Path) -> None:
    leads = write_csv(tmp_path / "leads.csv", [lead_row(number) for number in range(2_000)])
    output = tmp_path / "out"
    small = ("--rows-per-part", "2")  # so that the list is not done before its last kill
    run = KilledRun(command(leads, output, "--address", "auto", *small), output)
    generator = random.Random(SEED)  # noqa: S311 - no secret
    settings = load_settings()
    state = StateFolder(settings.environment.state_dir.absolute())
    for _ in range(10):
        process = run.start()
        run.wait_for_kill(process, Kills(10, max_parts=10, max_seconds=0.2), generator)
        before = finished_files(output)
        kill_cluster(output)
        process.kill()
        process.communicate()
        assert before.items() <= finished_files(output).items()
        start_ray(state, settings)
    assert run.finish(run.start())["num_results"] == 2_000
    check_each_once(output, [f"lead-{number}" for number in range(2_000)])


def test_without_a_cluster_auto_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    with (
        pytest.raises(StartError, match=r"No Ray cluster runs here.*lead-assistant up"),
        worker_place(load_settings(), "auto"),
    ):
        pass
