"""A part of the running graph is really stopped: what still answers, and that nothing is lost."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml

from tests.integration.running_graph import (
    HYBRID,
    RAG,
    ROOT,
    RunningGraph,
    example,
    rag_lead,
    running_graph,
    wait_until,
)

pytestmark = pytest.mark.timeout(600)
on_servers = pytest.mark.parametrize("graph", ["servers"], indirect=True)


def is_healthy(graph: RunningGraph) -> bool:
    return str(graph.health()["status"]) == "healthy"


@on_servers
def test_without_redis_replies_go_on_and_health_says_so(graph: RunningGraph) -> None:
    assert graph.redis is not None
    graph.redis.stop()
    try:
        assert graph.post(RAG, rag_lead("Rita Redisless")).status_code == 200
        report = graph.health()
        assert (report["status"], report["services"]["redis"]) == ("degraded", "down")
    finally:
        graph.redis.start()
    wait_until(lambda: is_healthy(graph), what="healthy again")


@on_servers
def test_without_the_database_replies_go_on_and_none_is_lost(graph: RunningGraph) -> None:
    assert graph.postgres is not None
    graph.post(RAG, rag_lead("Dora Before"))  # the key has been seen while the database was there
    graph.postgres.stop()
    try:
        response = graph.post(RAG, rag_lead("Dora Databaseless"))
        assert response.status_code == 200, response.text
        report = graph.health()
        assert (report["status"], report["services"]["database"]) == ("degraded", "down")
    finally:
        graph.postgres.start()
    feedback = {"request_id": response.json()["request_id"], "outcome": "replied"}
    wait_until(
        lambda: graph.post("/api/v1/feedback", feedback).status_code == 200,
        what="the reply is in the database",
    )


@on_servers
def test_without_milvus_documents_are_503_and_the_rest_answers(graph: RunningGraph) -> None:
    [server] = graph.processes("milvus_lite")
    server.kill()
    server.wait(timeout=30)
    try:
        for path, name in ((RAG, "rag"), (HYBRID, "hybrid")):
            response = graph.post(path, example(name))
            assert (response.status_code, response.json()["error"]["code"]) == (
                503,
                "part_unavailable",
            )
            assert int(response.headers["Retry-After"]) >= 1
        assert graph.post("/api/v1/leads/score", example("score")).status_code == 200
        report = graph.health()
        assert report["services"]["vector_db"] == "down"
        assert "Milvus" in report["models"]["rag"]["reason"]
    finally:
        graph.command("up")
    assert graph.post(RAG, rag_lead("Mia Milvusback")).status_code == 200


@on_servers
@pytest.mark.parametrize("killed", ["replica", "base model"])
def test_a_killed_generator_costs_no_request(graph: RunningGraph, killed: str) -> None:
    engine = graph.base_model_process()
    [replica] = graph.replica_processes("generator")
    with ThreadPoolExecutor(4) as pool:
        names = ("Ada", "Bea", "Cia", "Dia")
        leads = [rag_lead(f"{name} {killed.title()}") for name in names]
        calls = [pool.submit(graph.post, RAG, lead) for lead in leads]
        wait_until(lambda: engine.cpu_percent(interval=0.2) > 20, what="the generator works")
        (replica if killed == "replica" else engine).kill()
        statuses = Counter(call.result().status_code for call in calls)
    assert statuses == {200: 4}
    wait_until(lambda: is_healthy(graph), what="healthy again")
    assert not engine.is_running()  # it does not outlive the replica


def _narrow_config(folder: Path, node: str) -> Path:
    """serve_config.yaml with a node that takes one request and queues one."""
    config = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == node:
            deployment |= {"max_ongoing_requests": 1, "max_queued_requests": 1}
    path = folder / "serve_config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def narrow_graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGraph]:
    """A graph whose generator takes one request and queues one, with a second for a reply."""
    path = _narrow_config(tmp_path_factory.mktemp("narrow"), "generator")
    variables = {"REQUEST_TIMEOUT_SECONDS": "1"}
    with running_graph(variables=variables, options=("--config", str(path))) as graph:
        short = {**rag_lead("Wanda Warm"), "max_tokens": 16}
        wait_until(lambda: graph.post(RAG, short).status_code == 200, what="a first short reply")
        yield graph


def test_a_full_queue_is_429_at_once(narrow_graph: RunningGraph) -> None:
    # One client for all: to make one takes longer than an answer.
    def ask(index: int) -> tuple[httpx.Response, float]:
        start = time.perf_counter()
        response = http.post(RAG, json=rag_lead(f"Q{chr(97 + index)} Queue"))
        return response, time.perf_counter() - start

    with httpx.Client(base_url=narrow_graph.url, timeout=30) as http, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    refused = [(response, took) for response, took in answers if response.status_code == 429]
    assert refused
    for response, took in refused:
        assert response.json()["error"]["code"] == "overloaded"
        assert int(response.headers["Retry-After"]) >= 1
        # A request that waits in the queue gets a 504 instead.
        assert took < 2


@pytest.mark.slow
def test_a_full_queue_before_the_ingress_is_429_too(tmp_path: Path) -> None:
    path = _narrow_config(tmp_path, "ingress")
    with running_graph(options=("--config", str(path))) as graph, ThreadPoolExecutor(8) as pool:
        leads = [rag_lead(f"Q{chr(97 + index)} Queue") for index in range(8)]
        answers = list(pool.map(lambda lead: graph.post(RAG, lead), leads))
    refused = [response for response in answers if response.status_code == 429]
    assert refused
    assert {response.headers["Retry-After"] for response in refused} == {"1"}


def test_past_its_deadline_a_request_is_504_and_the_engine_stops(
    narrow_graph: RunningGraph,
) -> None:
    engine = narrow_graph.base_model_process()
    body = {**rag_lead("Lena Long"), "max_tokens": 512}
    response = narrow_graph.post(RAG, body)
    assert (response.status_code, response.json()["error"]["code"]) == (504, "deadline_exceeded")
    wait_until(lambda: engine.cpu_percent(interval=0.5) < 20, seconds=2, what="the engine is idle")
