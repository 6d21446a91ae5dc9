"""Batches over HTTP: what is taken in, for whom, how much of it, and what is given back."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from followup.backends.access import Scope
from tests.unit.api_world import World, error_of
from tests.unit.batch_world import (
    BATCHES,
    WRITE,
    HeldWriter,
    ended,
    json_lines,
    lead,
    post,
    posted,
    results,
    running,
    set_limits,
    wait_for,
)

pytestmark = pytest.mark.usefixtures("hurried")


async def test_each_lead_of_a_posted_list_has_one_result_or_a_reject(world: World) -> None:
    leads = [lead(number) for number in range(10)]
    leads[2] |= {"interaction_history": "Please unsubscribe me."}
    leads[4] |= {"id": "lead-0"}
    leads[5] |= {"lead_name": "=cmd()"}
    leads[7] |= {"product_name": ""}
    async with running(world):
        batch_id = await posted(world, leads)
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["num_leads"], batch["num_done"]) == ("done", 10, 10)
    assert (batch["num_results"], batch["num_rejects"], batch["error"]) == (8, 2, None)
    assert batch["counts"]["status"] == {"written": 7, "suppressed": 1}
    rows = await results(world, batch_id)
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 6, 7, 9, 10]
    assert rows[0]["message"].startswith("Hi Sarah")
    assert (rows[2]["status"], rows[2]["message"]) == ("suppressed", None)
    rejects = await results(world, batch_id, "&rejected=true")
    assert [(row["row"], row["field"]) for row in rejects] == [(5, "id"), (8, "product_name")]

    lines = await world.get(f"{BATCHES}/{batch_id}/results?format=jsonl")
    assert [json.loads(line) for line in lines.text.splitlines()] == rows
    sheet = (await world.get(f"{BATCHES}/{batch_id}/results?format=csv")).text
    read = list(csv.DictReader(io.StringIO(sheet)))
    assert [row["lead_id"] for row in read] == [row["lead_id"] for row in rows]
    assert read[4]["lead_name"] == "'=cmd()"
    file = await world.get(f"{BATCHES}/{batch_id}/results?format=jsonl&rejected=true")
    assert [json.loads(line) for line in file.text.splitlines()] == rejects


async def test_what_is_finished_is_read_in_pages_while_the_rest_is_at_work(world: World) -> None:
    async with running(world, HeldWriter(num_allowed=6)):
        batch_id = await posted(world, [lead(number) for number in range(8)])
        batch = await wait_for(world, batch_id, lambda found: found["num_done"] == 4)
        page = (await world.get(f"{BATCHES}/{batch_id}/results")).json()
        file = await world.get(f"{BATCHES}/{batch_id}/results?format=csv")
    assert (batch["state"], page["state"]) == ("running", "running")
    assert [row["row"] for row in page["results"]] == [1, 2, 3, 4]
    assert page["next_cursor"] == 4
    assert (file.status_code, error_of(file)["code"]) == (409, "batch_unfinished")


async def test_another_tenant_sees_nothing_of_a_batch(world: World) -> None:
    keys = {
        tenant: (await world.keys.create_key(tenant, "test", [Scope.GENERATE])).token
        for tenant in ("acme", "zeta")
    }
    response = await post(world, [lead(1)], key=keys["acme"])
    path = f"{BATCHES}/{response.json()['id']}"
    assert (await world.get(path, keys["acme"])).status_code == 200
    for hidden in (path, f"{path}/results", f"{path}/results?format=csv"):
        assert (await world.get(hidden, keys["zeta"])).status_code == 404
    assert (await world.post(f"{path}/cancel", {}, keys["zeta"])).status_code == 404
    assert (await world.get(BATCHES, keys["zeta"])).json()["batches"] == []
    assert (await world.get(f"{BATCHES}?state=queued", keys["acme"])).json()["batches"]


async def test_a_key_without_the_scope_is_403(world: World) -> None:
    key = (await world.keys.create_key("acme", "test", [Scope.APPROVE])).token
    response = await post(world, [lead(1)], key=key)
    assert (response.status_code, error_of(response)["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json_lines([lead(1, interaction_history="x" * 2**20)]), id="bytes"),
        pytest.param(b"{}\n" * 11, id="leads"),
    ],
)
async def test_a_list_over_the_limit_is_413_and_leaves_nothing(world: World, body: bytes) -> None:
    set_limits(world, max_body_mib=1, max_leads=10)
    response = await post(world, body)
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")
    assert list(world.settings.batches.folder.iterdir()) == []
    assert (await world.get(BATCHES)).json()["batches"] == []


async def test_a_list_may_be_larger_than_other_bodies(world: World) -> None:
    leads = [lead(number, interaction_history="x" * 7_000) for number in range(60)]
    batch_id = await posted(world, leads, "kind=score")
    stored = world.settings.batches.folder / batch_id / "list.jsonl"
    assert stored.read_bytes() == json_lines(leads)


async def test_more_batches_than_the_quota_are_429_also_at_the_same_time(world: World) -> None:
    set_limits(world, max_batches_per_tenant=2)
    answers = await asyncio.gather(*(post(world, [lead(1)]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert len(list(world.settings.batches.folder.iterdir())) == 2
    async with running(world):
        for answer in answers:
            if answer.status_code == 202:
                await ended(world, answer.json()["id"])
    assert (await post(world, [lead(1)])).status_code == 202


async def test_more_leads_than_the_quota_are_429(world: World) -> None:
    set_limits(world, max_leads_per_tenant=5)
    assert (await post(world, [lead(number) for number in range(4)])).status_code == 202
    response = await post(world, [lead(1), lead(2)])
    assert response.status_code == 429
    assert "6 leads" in error_of(response)["message"]
    assert (await post(world, [lead(1)])).status_code == 202


@pytest.mark.parametrize(
    ("query", "body", "field"),
    [
        pytest.param(WRITE, b"", "body", id="no lead"),
        pytest.param("kind=write", b"{}", "query", id="no approach"),
        pytest.param("kind=score&approach=rag", b"{}", "query", id="an approach of no use"),
        pytest.param("kind=score&speed=2", b"{}", "query.speed", id="an unknown option"),
        pytest.param("kind=score&map=nocrm", b"{}", "map", id="an unknown map"),
        pytest.param("kind=score&map=../x", b"{}", "query.map", id="a map by path"),
        pytest.param("kind=score&set=name=1", b"{}", "set", id="a field that leads have not"),
        pytest.param(WRITE + "&max_tokens=5", b"{}", "query.max_tokens", id="too few tokens"),
        pytest.param("kind=score&uri=s3://crm/default/a.csv", b"{}", "body", id="uri and body"),
    ],
)
async def test_a_wrong_option_is_422_that_names_it(
    world: World, query: str, body: bytes, field: str
) -> None:
    set_limits(world, allowed_uris=("s3://crm/{tenant}/",))
    response = await post(world, body, query)
    assert (response.status_code, error_of(response)["field"]) == (422, field)
    folder = world.settings.batches.folder
    assert not folder.exists() or list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("s3://crm/zeta/a.csv", id="another tenant's"),
        pytest.param("s3://crm/default/../zeta/a.csv", id="dots"),
        pytest.param("s3://crm/default/%2e%2e/zeta/a.csv", id="escaped dots"),
        pytest.param("s3://crm/default/a.csv?endpoint_override=evil", id="another endpoint"),
        pytest.param("s3://key:secret@crm/default/a.csv", id="credentials"),
        pytest.param("s3://crm/default", id="no list"),
        pytest.param("/etc/passwd", id="a path"),
        pytest.param("file:///etc/leads.csv", id="a file"),
    ],
)
async def test_a_uri_that_is_not_allowed_is_422(world: World, uri: str) -> None:
    set_limits(world, allowed_uris=("s3://crm/{tenant}/",))
    response = await world.client.post(BATCHES, params={"kind": "score", "uri": uri})
    assert (response.status_code, error_of(response)["field"]) == (422, "uri")


async def test_an_allowed_uri_is_fetched_once(world: World, tmp_path: Path) -> None:
    source = tmp_path / "crm" / "default"
    source.mkdir(parents=True)
    (source / "leads.csv").write_text(
        "id,lead_name,product_name,interaction_history\n7,Ann,Billing,Asked about plans.\n"
    )
    set_limits(world, allowed_uris=(f"file://{tmp_path}/crm/{{tenant}}/",))
    held = HeldWriter(num_allowed=0)
    async with running(world, held):
        batch_id = await posted(world, b"", f"{WRITE}&uri=file://{source}/leads.csv")
        first = (await world.get(f"{BATCHES}/{batch_id}")).json()
        await wait_for(world, batch_id, lambda found: found["num_leads"] == 1)
    assert first["num_leads"] == world.settings.batches.max_leads
    (source / "leads.csv").unlink()
    async with running(world):
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["num_results"]) == ("done", 1)


async def test_writing_is_refused_while_messages_are_held_for_review(world: World) -> None:
    approval = world.settings.approval.model_copy(update={"random_share": 0.5})
    world.settings = world.settings.model_copy(update={"approval": approval})
    set_limits(world)
    response = await post(world, [lead(1)])
    assert (response.status_code, error_of(response)["field"]) == (422, "approval")
    assert (await post(world, [lead(1)], "kind=score")).status_code == 202


async def test_a_queued_batch_that_is_cancelled_is_never_begun(world: World) -> None:
    first = await posted(world, [lead(1)])
    second = await posted(world, [lead(2)])
    for _ in range(2):
        response = await world.post(f"{BATCHES}/{first}/cancel", {})
        assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    async with running(world):
        await ended(world, second)
    assert (await results(world, first), len(await results(world, second))) == ([], 1)


async def test_a_running_batch_that_is_cancelled_stops_and_keeps_what_is_done(
    world: World,
) -> None:
    async with running(world, HeldWriter(num_allowed=5)):
        batch_id = await posted(world, [lead(number) for number in range(12)])
        await wait_for(world, batch_id, lambda found: found["num_done"] == 4)
        response = await world.post(f"{BATCHES}/{batch_id}/cancel", {})
        assert response.json()["cancel_requested"] is True
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["num_done"]) == ("cancelled", 4)
    assert [row["row"] for row in await results(world, batch_id)] == [1, 2, 3, 4]
    file = await world.get(f"{BATCHES}/{batch_id}/results?format=jsonl")
    assert len(file.text.splitlines()) == 4


async def test_a_finished_batch_cannot_be_cancelled(world: World) -> None:
    async with running(world):
        batch_id = await posted(world, [lead(1)])
        await ended(world, batch_id)
    response = await world.post(f"{BATCHES}/{batch_id}/cancel", {})
    assert (response.status_code, error_of(response)["code"]) == (409, "batch_finished")


async def test_pages_of_batches_hold_each_once_the_newest_first(world: World) -> None:
    ids = [await posted(world, [lead(number)]) for number in range(5)]
    listed: list[str] = []
    cursor = ""
    while True:
        page = (await world.get(f"{BATCHES}?limit=2{cursor}")).json()
        listed += [batch["id"] for batch in page["batches"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert listed == ids[::-1]
