"""The real graph for tests, started and stopped by the product's own commands on free ports.

Twice in a session: on embedded parts (SQLite, cache in process), and on servers (PostgreSQL,
Redis). Milvus Lite, Ray and the models are real in both. On servers only the failures are part of
the quick suite.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from cluster.preflight import free_port
from tests.integration.models import MODEL_CACHE_DIR
from tests.integration.servers import (
    PostgresServer,
    RedisServer,
    postgres_server,
    redis_server,
)

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
START_SECONDS = 300
REQUEST_SECONDS = 120
RAG = "/rag/api/v1/rag/generate-followup"
FINETUNED = "/finetuned/api/v1/finetuned/generate-followup"
HYBRID = "/hybrid/api/v1/hybrid/generate-followup"


@dataclass
class RunningGraph:
    """The graph behind its HTTP address."""

    url: str
    metrics_url: str
    environment: dict[str, str]
    postgres: PostgresServer | None
    redis: RedisServer | None
    keyless_status: int = 0
    keys: dict[str, str] | None = None

    @property
    def is_embedded(self) -> bool:
        return self.postgres is None

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `lead-assistant` against this graph; it must succeed."""
        done = subprocess.run(  # noqa: S603 - our own command
            [str(Path(sys.executable).with_name("lead-assistant")), *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def post(self, path: str, body: object, tenant: str = "default") -> httpx.Response:
        """POST with the tenant's key, if keys are there yet."""
        return httpx.post(
            self.url + path, json=body, headers=self.headers(tenant), timeout=REQUEST_SECONDS
        )

    def headers(self, tenant: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[tenant]}"} if self.keys else {}

    def health(self) -> dict[str, Any]:
        report: dict[str, Any] = httpx.get(self.url + "/health", timeout=30).json()
        return report

    def metrics(self) -> str:
        return httpx.get(self.metrics_url, timeout=30).text

    def create_key(self, tenant: str, *scopes: str) -> dict[str, Any]:
        """A new key of the tenant, as the command prints it."""
        options = [part for scope in scopes for part in ("--scope", scope)]
        done = self.command(
            "keys", "create", "--tenant", tenant, "--name", "test", *options, "--json"
        )
        key: dict[str, Any] = json.loads(done.stdout)
        return key

    def replica_processes(self, node: str) -> list[psutil.Process]:
        """The processes of a node's replicas."""
        return self.processes(f"ray::ServeReplica:lead_assistant:{node}")

    def base_model_process(self) -> psutil.Process:
        """The process that the generator's replica writes with when no adapter is asked for."""
        [process] = self.processes("the base model")
        return process

    def processes(self, title: str) -> list[psutil.Process]:
        """The processes of this graph only whose command line holds `title`."""
        session = self.environment["STATE_DIR"]
        return [
            process
            for process in psutil.process_iter()
            if title in _title(process) and _environment(process).get("STATE_DIR") == session
        ]


def example(name: str) -> dict[str, Any]:
    """One of the example requests."""
    body: dict[str, Any] = json.loads((EXAMPLES / "requests" / f"{name}.json").read_text())
    return body


def rag_lead(name: str, **fields: object) -> dict[str, Any]:
    """The rag example for another lead."""
    body = example("rag")
    return {**body, "lead_context": {**body["lead_context"], "lead_name": name, **fields}}


def wait_until(condition: Callable[[], bool], seconds: float = 60, what: str = "") -> None:
    """Poll until it holds; fail the test when it does not within the time."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            pytest.fail(f"not within {seconds:g} s: {what or condition}")
        time.sleep(0.2)


@contextmanager
def running_graph(
    postgres: PostgresServer | None = None,
    redis: RedisServer | None = None,
    variables: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Iterator[RunningGraph]:
    """`lead-assistant up`, and `down` at the end."""
    # Ray's unix sockets do not fit into pytest's long paths.
    with tempfile.TemporaryDirectory(prefix="la-") as folder:
        ports = {name: free_port() for name in ("API_PORT", "MILVUS_LITE_PORT", "METRICS_PORT")}
        environment = {
            **os.environ,
            "STATE_DIR": folder,
            "MODEL_CACHE_DIR": str(MODEL_CACHE_DIR),
            "DATABASE_URL": postgres.create_database() if postgres else "",
            "REDIS_URL": redis.url if redis else "",
            **{name: str(port) for name, port in ports.items()},
            **(variables or {}),
        }
        graph = RunningGraph(
            url=f"http://127.0.0.1:{ports['API_PORT']}",
            metrics_url=f"http://127.0.0.1:{ports['METRICS_PORT']}/metrics",
            environment=environment,
            postgres=postgres,
            redis=redis,
        )
        try:
            graph.command("up", *options)
            yield graph
        finally:
            graph.command("down")
            assert graph.processes("") == []


@pytest.fixture(
    scope="session", params=["embedded", pytest.param("servers", marks=pytest.mark.slow)]
)
def graph(request: pytest.FixtureRequest) -> Iterator[RunningGraph]:
    """The graph with keys for two tenants; what it said to a caller without a key before that."""
    with ExitStack() as stack:
        postgres = redis = None
        if request.param == "servers":
            postgres = stack.enter_context(postgres_server())
            redis = stack.enter_context(redis_server())
        running = stack.enter_context(running_graph(postgres, redis))
        running.keyless_status = running.post(RAG, example("rag")).status_code
        running.keys = {
            tenant: running.create_key(tenant, "generate", "ingest")["token"]
            for tenant in ("default", "acme", "zeta")
        }
        yield running


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return dict(process.environ())
    except psutil.Error:
        return {}
