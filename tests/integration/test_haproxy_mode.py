"""The graph behind HAProxy, in Serve's throughput mode: the same answers and the same errors."""

from collections.abc import Iterator

import httpx
import pytest

from deployments.middleware import MAX_BODY_BYTES
from tests.integration.running_graph import HYBRID, RAG, RunningGraph, example, running_graph

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def haproxy_graph() -> Iterator[RunningGraph]:
    variables = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_SERVE_ENABLE_HA_PROXY": "1"}
    with running_graph(variables=variables) as graph:
        yield graph


@pytest.mark.parametrize(("path", "name"), [(RAG, "rag"), (HYBRID, "hybrid")])
def test_the_examples_are_answered(haproxy_graph: RunningGraph, path: str, name: str) -> None:
    body = haproxy_graph.post(path, example(name)).json()
    assert body["message"].startswith("Hi ")
    assert all(claim["supported"] for claim in body["grounding"])


def test_haproxy_itself_answers(haproxy_graph: RunningGraph) -> None:
    assert haproxy_graph.processes("haproxy")


def test_errors_have_the_one_shape(haproxy_graph: RunningGraph) -> None:
    big = httpx.post(haproxy_graph.url + RAG, content=b"x" * (MAX_BODY_BYTES + 1), timeout=30)
    bad = haproxy_graph.post(RAG, {"lead_context": {}})
    assert (big.status_code, big.json()["error"]["code"]) == (413, "body_too_large")
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "invalid_input")
