"""The local Ray cluster: started for this installation alone, stopped without touching others."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from cluster.errors import StartError
from cluster.milvus import MilvusRecord, accepts_connections
from cluster.preflight import free_port
from cluster.processes import (
    GRACE_SECONDS,
    ProcessRecord,
    marked_environment,
    own_processes,
    python_module,
    read_record,
    run_to_end,
    stop_processes,
    wait_until_ended,
    write_record,
)
from cluster.state import StateFolder, write_atomically
from config.settings import Settings
from deployments.auth import is_loopback

HOST = "127.0.0.1"
START_SECONDS = 90.0
OBJECT_STORE_BYTES = 128 * 1024**2
"""Requests and replies between nodes are a few KiB; Ray's default is 30% of the memory."""
MIN_LOGICAL_CPUS = 3
"""Every deployment of serve_config.yaml at its most replicas wants 2.6."""
MAX_STOP_PASSES = 3
CALLER_VARIABLES = {"api_key", "hf_token"}
"""What the command line alone reads; replicas need no such secrets."""

SERVE_DEFAULTS = {
    # Calls between nodes go by gRPC (authenticated with the cluster's token) instead of as actor
    # tasks, and a replica's code runs in its main loop: a third less processor time a request.
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # Part of the mode above, but without HAProxy nothing would answer on the API's port.
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
    # The controller looks at every replica ten times a second by default: 5% of a core, always.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5",
}
"""How Serve runs unless the caller's environment says otherwise."""

REPLICA_PACKAGES = ("config", "deployments", "followup")
PROJECT = Path(__file__).parents[1]


class RayRecord(BaseModel):
    """Pid file of the cluster, with what drivers need to reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raylet: ProcessRecord
    gcs_port: int
    settings_hash: str

    @property
    def address(self) -> str:
        """For `ray.init(address=...)`."""
        return f"{HOST}:{self.gcs_port}"


def start_ray(state: StateFolder, settings: Settings) -> bool:
    """Start Ray unless it runs with these settings; True when it was started.

    The replicas read their settings from the environment they were started with, so changed
    settings need a new cluster, and so does changed code, which their processes have loaded.
    StartError names the log.
    """
    record = running_ray(state)
    settings_hash = hash_settings(settings)
    if record is not None and record.settings_hash == settings_hash:
        return False
    stop_ray(state)
    shutil.rmtree(state.ray_temp / "r", ignore_errors=True)
    if not state.ray_token.exists():
        write_atomically(state.ray_token, secrets.token_hex(32))
    _launch(state, settings, settings_hash)
    return True


def running_ray(state: StateFolder) -> RayRecord | None:
    """The cluster's record while it runs and answers."""
    record = read_record(state.ray_record, RayRecord)
    if record is None or record.raylet.find() is None or not accepts_connections(record.gcs_port):
        return None
    return record


def stop_ray(state: StateFolder) -> bool:
    """Stop every process of this installation but Milvus; False when there was none."""
    found = False
    for _ in range(MAX_STOP_PASSES):
        processes = _ray_processes(state)
        if not processes:
            break
        found = True
        _stop_raylet(processes)
        stop_processes(processes)
    state.ray_record.unlink(missing_ok=True)
    return found


def ray_environment(state: StateFolder, settings: Settings) -> dict[str, str]:
    """Environment of `ray start`, which every worker inherits, and of drivers."""
    inherited = marked_environment(state.marker, _settings_variables(settings))
    inherited.pop("RAY_ADDRESS", None)  # would lead a driver to another cluster
    for name in CALLER_VARIABLES:
        inherited.pop(name.upper(), None)
    return {
        **SERVE_DEFAULTS,
        **inherited,
        # Whoever reaches Ray's ports can run code, other users of this machine too.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(state.ray_token),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Says on every system, whatever its name, that the node's address is the loopback one;
        # without it Ray turns 127.0.0.1 into the network address and listens on all interfaces.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Ray gives its workers niceness 15, below every other process of the machine, Milvus Lite's
        # server among them: meant for batch work beside a desktop, wrong for who answers requests.
        "RAY_worker_niceness": "0",
    }


def hash_settings(settings: Settings) -> str:
    """Changes with every change of a setting that a replica may read, and of the code it runs."""
    read = settings.model_dump_json(exclude={"environment": CALLER_VARIABLES})
    digest = hashlib.sha256(read.encode())
    for package in REPLICA_PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def session_logs(state: StateFolder) -> Path:
    """Logs of Ray and of the replicas (in serve/)."""
    return state.ray_temp / "r" / "session_latest" / "logs"


def _settings_variables(settings: Settings) -> Mapping[str, str]:
    """The environment as the replicas must see it, whatever their working directory is."""
    values = settings.environment.model_dump(
        mode="json", exclude_none=True, exclude=CALLER_VARIABLES
    )
    # Only this machine reaches a loopback address, and who runs `up` trusts its users.
    values["allow_keyless"] = is_loopback(settings.environment.api_host)
    values["model_cache_dir"] = str(settings.model_cache_dir)
    values["batch_dir"] = str(settings.batches.folder)
    for name in ("state_dir", "config_dir"):
        values[name] = str(Path(values[name]).absolute())
    return {name.upper(): str(value) for name, value in values.items()}


def _launch(state: StateFolder, settings: Settings, settings_hash: str) -> None:
    gcs_port = free_port()
    command = python_module(
        "ray.scripts.scripts",
        "start",
        "--head",
        f"--node-ip-address={HOST}",
        f"--port={gcs_port}",
        f"--temp-dir={state.ray_temp / 'r'}",
        f"--metrics-export-port={settings.environment.metrics_port}",
        f"--object-store-memory={OBJECT_STORE_BYTES}",
        f"--num-cpus={max(os.cpu_count() or 1, MIN_LOGICAL_CPUS)}",
        # Their defaults are fixed numbers, which another cluster on this machine would hold.
        f"--ray-client-server-port={free_port()}",
        f"--dashboard-agent-listen-port={free_port()}",
        # 0: any free port. The default range, 10002 to 19999, holds Milvus's 19530.
        "--min-worker-port=0",
        "--max-worker-port=0",
        # Applications are deployed through the controller; nothing here reads the dashboard, the
        # driver-side copy of the logs, or scales the number of machines.
        "--include-dashboard=false",
        "--include-log-monitor=false",
        "--no-monitor",
    )
    log = state.logs / "ray_start.log"
    status = run_to_end(command, ray_environment(state, settings), log, START_SECONDS)
    raylets = [process for process in _ray_processes(state) if process.name() == "raylet"]
    if status != 0 or not raylets:
        message = f"Ray did not start (exit status {status}). Log: {log}"
        raise StartError(message)
    record = RayRecord(
        raylet=ProcessRecord.of(raylets[0].pid), gcs_port=gcs_port, settings_hash=settings_hash
    )
    write_record(state.ray_record, record)


def _ray_processes(state: StateFolder) -> list[psutil.Process]:
    milvus = read_record(state.milvus_record, MilvusRecord)
    milvus_process = milvus.find() if milvus else None
    return [
        process
        for process in own_processes(state)
        if milvus_process is None or process.pid != milvus_process.pid
    ]


def _stop_raylet(processes: list[psutil.Process]) -> None:
    """The raylet ends its workers itself, in order; asked all at once they wait for each other."""
    for process in processes:
        try:
            if process.name() == "raylet":
                family = [process, *process.children(recursive=True)]
                process.terminate()
                wait_until_ended(family, GRACE_SECONDS)
        except psutil.NoSuchProcess:
            continue
