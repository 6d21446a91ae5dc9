"""Batches in the running graph: lists are scored and written beside requests, and survive."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from deployments.batch_node import NICENESS
from tests.integration.running_graph import RAG, RunningGraph, running_graph, wait_until
from tests.integration.test_bulk_write import example_leads, rag_body

BATCHES = "/api/v1/batches"
WRITE = f"{BATCHES}?kind=write&approach=rag"
SECONDS = 180
Record = dict[str, Any]


def post_list(
    graph: RunningGraph, path: str, leads: list[dict[str, str]], tenant: str = "default"
) -> Record:
    body = "".join(json.dumps(lead) + "\n" for lead in leads)
    response = httpx.post(graph.url + path, content=body, headers=graph.headers(tenant), timeout=30)
    assert response.status_code == 202, response.text
    batch: Record = response.json()
    return batch


def get(graph: RunningGraph, path: str, tenant: str = "default") -> httpx.Response:
    return httpx.get(graph.url + path, headers=graph.headers(tenant), timeout=30)


def status(graph: RunningGraph, batch_id: str, tenant: str = "default") -> Record:
    batch: Record = get(graph, f"{BATCHES}/{batch_id}", tenant).json()
    return batch


def wait_for_end(graph: RunningGraph, batch_id: str) -> Record:
    wait_until(lambda: status(graph, batch_id)["finished_at"] is not None, SECONDS, batch_id)
    return status(graph, batch_id)


def test_a_batch_is_written_as_the_endpoint_writes_and_scored(graph: RunningGraph) -> None:
    leads = [row for row in example_leads() if row["id"] in {"lead-001", "lead-005", "lead-011"}]
    scored = post_list(graph, f"{BATCHES}?kind=score", leads)
    written = post_list(graph, WRITE, leads)
    assert wait_for_end(graph, scored["id"])["counts"]["status"] == {"scored": 2, "suppressed": 1}
    batch = wait_for_end(graph, written["id"])
    assert batch["counts"]["status"] == {"written": 2, "suppressed": 1}
    assert (batch["state"], batch["num_done"], batch["error"]) == ("done", 3, None)
    page = get(graph, f"{BATCHES}/{written['id']}/results").json()
    rows = {row["lead_id"]: row for row in page["results"]}
    assert page["next_cursor"] is None
    for row in leads[:2]:
        reply = graph.post(RAG, rag_body(row)).json()
        assert rows[row["id"]]["message"] == reply["message"]
        assert rows[row["id"]]["confidence"] == pytest.approx(reply["confidence_score"], abs=1e-6)
    assert rows["lead-011"]["message"] is None
    lines = get(graph, f"{BATCHES}/{scored['id']}/results?format=jsonl").text.splitlines()
    assert [json.loads(line)["lead_id"] for line in lines] == [row["id"] for row in leads]
    assert get(graph, f"{BATCHES}/{written['id']}/results?format=csv").text.count("lead-0") == 3


def test_the_kernel_serves_batches_last(graph: RunningGraph) -> None:
    [replica] = graph.replica_processes("batches")
    assert replica.nice() == NICENESS
    assert all(process.nice() == 0 for process in graph.replica_processes("generator"))


def test_a_batch_is_its_tenants_own_and_can_be_cancelled(graph: RunningGraph) -> None:
    leads = [{**row, "id": f"{row['id']}-{turn}"} for turn in range(20) for row in example_leads()]
    batch_id = post_list(graph, WRITE, leads, "acme")["id"]
    path = f"{BATCHES}/{batch_id}"
    assert get(graph, path, "zeta").status_code == 404
    assert graph.post(f"{path}/cancel", {}, "zeta").status_code == 404
    assert [item["id"] for item in get(graph, BATCHES, "acme").json()["batches"]] == [batch_id]
    wait_until(lambda: status(graph, batch_id, "acme")["state"] == "running", 30)
    assert graph.post(f"{path}/cancel", {}, "acme").json()["cancel_requested"] is True
    wait_until(lambda: status(graph, batch_id, "acme")["state"] == "cancelled", 30)


@pytest.mark.slow
@pytest.mark.timeout(900)  # the graph starts twice
def test_a_batch_survives_kills_of_its_node_and_a_restart_of_all() -> None:
    with running_graph() as graph:
        leads = [
            {**row, "id": f"{row['id']}-{turn}"} for turn in range(4) for row in example_leads()
        ]
        batch_id = post_list(graph, WRITE, leads)["id"]
        for num_done in (16, 32):
            wait_until(lambda: status(graph, batch_id)["num_done"] >= num_done, SECONDS)  # noqa: B023
            for process in graph.replica_processes("batches"):
                process.kill()
        wait_until(lambda: status(graph, batch_id)["num_done"] >= 48, SECONDS)
        graph.command("down")
        graph.command("up")
        assert status(graph, batch_id)["state"] == "running"
        assert wait_for_end(graph, batch_id)["state"] == "done"
        lines = get(graph, f"{BATCHES}/{batch_id}/results?format=jsonl").text.splitlines()
        found = Counter(json.loads(line)["lead_id"] for line in lines)
        assert found == Counter(row["id"] for row in leads)
