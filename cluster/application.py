"""Deploys serve_config.yaml on the local cluster and waits until the API is healthy."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError

from cluster.errors import StartError
from cluster.processes import python_module
from cluster.ray_cluster import RayRecord, ray_environment, session_logs
from cluster.reporting import Reporter
from cluster.serve_config import write_effective_config
from cluster.serve_status import ServeState
from cluster.state import StateFolder
from config.environment import Environment
from config.settings import Settings

DEPLOY_SECONDS = 600.0
"""Loading the models of a large GPU installation from a cold disk takes minutes."""
HEALTH_SECONDS = 60.0
STATUS_SECONDS = 30.0
PROBE_SECONDS = 5.0
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Driver:
    """Runs `cluster.serve_driver` against the running cluster."""

    state: StateFolder
    settings: Settings
    record: RayRecord

    @contextmanager
    def states(self, *options: str, timeout_seconds: float) -> Iterator[Iterator[ServeState]]:
        """Serve's states as the driver prints them. Its process ends with the block or the time."""
        log = self.state.logs / "deploy.log"
        with log.open("ab") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
                python_module("cluster.serve_driver", self.record.address, *options),
                env=ray_environment(self.state, self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        watchdog = threading.Timer(timeout_seconds, process.kill)
        watchdog.start()
        try:
            yield _parse(process)
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()

    def read(self) -> ServeState | None:
        """Serve's state now; None when it does not answer in time."""
        with self.states(timeout_seconds=STATUS_SECONDS) as states:
            return next(states, None)


def deploy(driver: Driver, config: Path, reporter: Reporter) -> None:
    """Deploy and wait for every replica. StartError says which deployment failed and why."""
    write_effective_config(config, driver.state.serve_config, driver.settings.environment)
    logs = session_logs(driver.state) / "serve"
    last: ServeState | None = None
    progress = ""
    options = ("--deploy", str(driver.state.serve_config), "--watch")
    with driver.states(*options, timeout_seconds=DEPLOY_SECONDS) as states:
        for last in states:
            if last.progress != progress:
                progress = last.progress
                reporter.step(f"  {progress}")
    if last is not None and last.is_running:
        return
    if last is None:
        log = driver.state.logs / "deploy.log"
        message = f"The application was not deployed: {_last_line(log)} Log: {log}"
    elif last.failure is not None:
        message = f"The application cannot start: {last.failure} Logs: {logs}"
    else:
        message = f"Not ready after {DEPLOY_SECONDS:g} s: {last.progress}. Logs: {logs}"
    raise StartError(message)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "no reason given.")


def wait_until_healthy(state: StateFolder, environment: Environment) -> str:
    """Wait for `GET /health`; "healthy" or "degraded". StartError says what is missing."""
    give_up_at = time.monotonic() + HEALTH_SECONDS
    report = read_health(environment)
    while report is None or report.get("status") not in {"healthy", "degraded"}:
        if time.monotonic() > give_up_at:
            shown = json.dumps(report) if report else "no answer"
            message = (
                f"{base_url(environment)}/health is not healthy after {HEALTH_SECONDS:g} s: "
                f"{shown} Logs: {session_logs(state) / 'serve'}"
            )
            raise StartError(message)
        time.sleep(POLL_SECONDS)
        report = read_health(environment)
    return str(report["status"])


def read_health(environment: Environment) -> Mapping[str, object] | None:
    """The body of `GET /health`; None where there is none."""
    try:
        response = httpx.get(f"{base_url(environment)}/health", timeout=PROBE_SECONDS)
        body = response.json()
    except (httpx.HTTPError, json.JSONDecodeError):
        return None
    return body if isinstance(body, dict) else None


def base_url(environment: Environment) -> str:
    """Where this machine reaches the API."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(environment.api_host, environment.api_host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{environment.api_port}"


def _parse(process: "subprocess.Popen[str]") -> Iterator[ServeState]:
    """Lines that are no state come from libraries that print at import."""
    for line in process.stdout or ():
        try:
            yield ServeState.model_validate_json(line)
        except ValidationError:
            continue
