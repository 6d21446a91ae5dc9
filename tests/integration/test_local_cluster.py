"""The whole product through its command line: up, status, up again, down, nothing left."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cluster.preflight import free_port
from cluster.processes import own_processes
from cluster.state import StateFolder
from tests.integration.models import MODEL_CACHE_DIR

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 400
SECOND_UP_SECONDS = 60


@dataclass(frozen=True)
class Installation:
    """Runs `lead-assistant` with a state folder and ports of its own."""

    state: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name("lead-assistant")), *arguments]
        return subprocess.run(  # noqa: S603
            command,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['API_PORT']}"

    def serving_pids(self) -> set[int]:
        """Pids of the replicas and of Ray's own processes, its idle workers left out."""
        return {
            process.pid
            for process in own_processes(StateFolder(self.state))
            if "ServeReplica" in process.name() or not process.name().startswith("ray::")
        }


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    state = tmp_path / "state"
    ports = {name: str(free_port()) for name in ("API_PORT", "METRICS_PORT", "MILVUS_LITE_PORT")}
    environment = {**ports, "STATE_DIR": str(state), "MODEL_CACHE_DIR": str(MODEL_CACHE_DIR)}
    installation = Installation(state, environment)
    yield installation
    stopped = installation.run("down")
    shutil.rmtree(StateFolder(state).ray_temp, ignore_errors=True)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert own_processes(StateFolder(state)) == []


@pytest.mark.slow
@pytest.mark.timeout(3 * LIMIT_SECONDS)
def test_up_again_and_down_start_and_stop_everything_once(
    installation: Installation, tmp_path: Path
) -> None:
    first = installation.run("up", "--demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Sources: " in first.stdout
    assert "techcorp-sales@" in first.stdout
    assert "adapter_missing" not in first.stdout
    assert httpx.get(f"{installation.url}/health", timeout=10).json()["status"] == "healthy"
    metrics = httpx.get(f"http://127.0.0.1:{installation.environment['METRICS_PORT']}/metrics")
    assert metrics.status_code == 200

    status = installation.run("status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    found = json.loads(status.stdout)
    assert {"milvus", "ray", "api"} < {part["name"] for part in found["parts"]}
    before = installation.serving_pids()

    begun = time.monotonic()
    second = installation.run("up")
    assert second.returncode == 0, second.stdout + second.stderr
    assert time.monotonic() - begun < SECOND_UP_SECONDS
    assert " 0 added, 0 changed," in second.stdout
    assert "Loading " not in second.stdout
    assert installation.serving_pids() == before

    own = tmp_path / "own"
    own.mkdir()
    (own / "plans.md").write_text("# Plans\n\nThe plan of our own costs $7 a month.\n")
    ingested = installation.run("ingest", str(own))
    assert ingested.returncode == 0, ingested.stdout + ingested.stderr
    third = installation.run("up")
    assert "has documents of its own; left alone" in third.stdout, third.stdout + third.stderr
    assert " 1 unchanged, 0 deleted," in installation.run("ingest", str(own)).stdout

    down = installation.run("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert own_processes(StateFolder(installation.state)) == []
    assert installation.run("status").returncode == 1
    assert installation.run("down").returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(3 * LIMIT_SECONDS)
def test_up_goes_on_after_a_part_was_killed(installation: Installation) -> None:
    started = installation.run("up")
    assert started.returncode == 0, started.stdout + started.stderr
    for process in own_processes(StateFolder(installation.state)):
        if process.name() in {"gcs_server", "raylet"}:
            process.kill()
            process.wait(10)
    assert installation.run("status").returncode == 1
    again = installation.run("up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Milvus Lite: running" in again.stdout
    assert "Ray: started" in again.stdout


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_SECONDS)
def test_down_leaves_the_processes_of_another_installation_alone(
    installation: Installation, tmp_path: Path
) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
    other = subprocess.Popen(  # noqa: S603
        sleep, env={**os.environ, "LEAD_ASSISTANT_HOME": str(tmp_path / "other")}
    )
    ours = subprocess.Popen(  # noqa: S603
        sleep, env={**os.environ, "LEAD_ASSISTANT_HOME": str(installation.state)}
    )
    (installation.state / "run").mkdir(parents=True)
    try:
        assert installation.run("down").returncode == 0
        assert ours.wait(10) != 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
