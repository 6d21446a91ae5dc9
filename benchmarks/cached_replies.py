"""Requests/s of a cached reply: Serve's default mode, HAProxy + throughput mode, bare FastAPI."""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.results import Target
from cluster.preflight import free_port
from tests.integration.running_graph import RAG, example, running_graph

CONNECTIONS = 32
SECONDS = 8
ROUNDS = 3
MODES = {
    "default": {
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "0",
        "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
        "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.1",
    },
    "haproxy": {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_SERVE_ENABLE_HA_PROXY": "1"},
}
BARE_APP = """
import json, sys
from fastapi import FastAPI, Request
from deployments.api import RagReply, RagRequest
app = FastAPI()
reply = RagReply.model_validate_json(open(sys.argv[2]).read())
@app.post("/reply")
async def answer(body: RagRequest) -> RagReply:
    return reply
import uvicorn
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
"""


def measure_cached_replies() -> tuple[list[dict[str, Any]], list[Target]]:
    """Both modes one after the other, bare FastAPI in turns with each."""
    rows: list[dict[str, Any]] = []
    for mode, variables in MODES.items():
        with running_graph(variables={**variables, "RATE_LIMIT": "100000000/minute"}) as graph:
            url = graph.url + RAG
            reply = httpx.post(url, json=example("rag"), timeout=120)
            reply.raise_for_status()
            again = httpx.post(url, json=example("rag"), timeout=120).json()
            assert again["cached"], "the reply is not cached, so this would measure generation"
            with _bare_fastapi(reply.text) as bare_url:
                _load(url, seconds=2)
                for turn in range(ROUNDS):
                    for what, address in ((mode, url), ("bare fastapi", bare_url)):
                        rows.append(
                            {
                                "measurement": "cached replies",
                                "what": what,
                                "mode": mode,
                                "turn": turn,
                                "requests_per_second": _load(address, SECONDS),
                            }
                        )
    return rows, _targets(rows)


def _load(url: str, seconds: int) -> float:
    """Answered requests/s of wrk; an answer other than 2xx or 3xx stops the benchmark."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        body = json.dumps(json.dumps(example("rag")))
        script.write(
            f'wrk.method = "POST"\nwrk.body = {body}\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
        )
        script.flush()
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name, url],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
    assert "Non-2xx" not in done.stdout, done.stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found.group(1))


@contextmanager
def _bare_fastapi(reply: str) -> Iterator[str]:
    """The same bodies in and out, with nothing between."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reply.json"
        path.write_text(reply, encoding="utf-8")
        process = subprocess.Popen([sys.executable, "-c", BARE_APP, str(port), str(path)])  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}/reply"
            for _ in range(300):
                try:
                    httpx.post(url, json=example("rag"), timeout=1).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _targets(rows: list[dict[str, Any]]) -> list[Target]:
    def median(what: str) -> float:
        found = [row["requests_per_second"] for row in rows if row["what"] == what]
        return float(statistics.median(found))

    ratio = median("haproxy") / median("default")
    return [Target("cached replies: HAProxy / default", ratio, 4, "x")]
