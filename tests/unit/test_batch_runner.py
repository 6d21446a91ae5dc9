"""The runner of batches: restarts, turns, waits, faults, and what it removes."""

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from deployments import batch_runner
from deployments.batch_runner import BatchProgress
from followup.backends.batch_table import Batch, BatchKind, BatchState
from followup.backends.ledger import OutputError, RunFolder
from followup.errors import PartUnavailableError
from tests.bulk_workers import PipelineWriter
from tests.unit.api_world import World
from tests.unit.batch_world import (
    BATCHES,
    HeldWriter,
    ended,
    lead,
    posted,
    results,
    running,
    set_limits,
    wait_for,
)

pytestmark = pytest.mark.usefixtures("hurried")


def parts_of(world: World, batch_id: str) -> dict[str, bytes]:
    folder = world.settings.batches.folder / batch_id / "run" / "parts"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_new_runner_goes_on_where_the_last_one_ended(world: World) -> None:
    first, second = HeldWriter(num_allowed=10), PipelineWriter()
    async with running(world, first):
        batch_id = await posted(world, [lead(number) for number in range(16)])
        await wait_for(world, batch_id, lambda found: found["num_done"] == 8)
        before = parts_of(world, batch_id)
    left = (await world.get(f"{BATCHES}/{batch_id}")).json()
    async with running(world, second):
        batch = await ended(world, batch_id)
    assert (left["state"], batch["state"], batch["num_done"]) == ("running", "done", 16)
    assert batch["started_at"] == left["started_at"]
    assert before.items() <= parts_of(world, batch_id).items()
    assert [row["row"] for row in await results(world, batch_id)] == list(range(1, 17))
    assert set(second.num_written) == {f"Sarah Chen {number}" for number in range(8, 16)}
    assert sum(batch["counts"]["status"].values()) == 16


async def test_a_cancel_asked_for_while_no_runner_was_there_is_heeded(world: World) -> None:
    async with running(world, HeldWriter(num_allowed=5)):
        batch_id = await posted(world, [lead(number) for number in range(8)])
        await wait_for(world, batch_id, lambda found: found["num_done"] == 4)
    await world.post(f"{BATCHES}/{batch_id}/cancel", {})
    async with running(world, HeldWriter(num_allowed=0)):
        assert (await ended(world, batch_id))["state"] == "cancelled"


async def test_an_outage_of_a_part_delays_a_batch_and_loses_nothing(world: World) -> None:
    away = [PartUnavailableError("Milvus is away")] * 2
    monkey = PipelineWriter({"Sarah Chen 1": list(away)})
    async with running(world, monkey):
        batch_id = await posted(world, [lead(number) for number in range(3)])
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["num_results"], batch["num_rejects"]) == ("done", 3, 0)


async def test_tenants_take_turns(world: World) -> None:
    order: list[str] = []
    for tenant in ("acme", "acme", "zeta"):
        await world.batches.add(a_batch(tenant), world.parts.batches._quota)
    release = threading.Event()

    def finish(batch: Batch, progress: BatchProgress) -> None:
        order.append(batch.tenant)
        release.wait(5)

    set_limits(world, max_running=2)
    async with running(world, finish=finish):
        await until(lambda: len(order) == 2)
        assert order == ["acme", "zeta"]
        release.set()
        await until(lambda: len(order) == 3)


async def test_a_batch_that_another_runner_has_in_hand_is_left_to_it(world: World) -> None:
    writer = PipelineWriter()
    batch_id = await posted(world, [lead(1)])
    folder = world.settings.batches.folder / batch_id / "run"
    async with running(world, writer):
        with RunFolder.open(folder, {}):
            waiting = await wait_for(world, batch_id, lambda found: found["error"] is not None)
            assert not writer.num_written
        shutil.rmtree(folder)
        batch = await ended(world, batch_id)
    assert waiting["state"] == "running"
    assert "is being written by process" in waiting["error"]
    assert (batch["state"], batch["error"]) == ("done", None)


async def test_a_full_disk_is_waited_for(world: World) -> None:
    tries: list[str] = []

    def finish(batch: Batch, progress: BatchProgress) -> None:
        tries.append(batch.batch_id)
        if len(tries) == 1:
            message = "No space left on device"
            raise OutputError(message)

    async with running(world, finish=finish):
        batch_id = await posted(world, [lead(1)])
        batch = await ended(world, batch_id)
    assert (len(tries), batch["state"], batch["error"]) == (2, "done", None)


async def test_a_fault_of_the_product_fails_one_batch_and_tells_nothing_of_it(
    world: World,
) -> None:
    def finish(batch: Batch, progress: BatchProgress) -> None:
        message = "secret path"
        raise RuntimeError(message)

    async with running(world, finish=finish) as runner:
        for _ in range(2):
            batch = await ended(world, await posted(world, [lead(1)]))
            assert batch["state"] == "failed"
            assert "secret" not in batch["error"]
        runner.check()


async def test_a_lead_that_nobody_foresaw_is_rejected_alone(world: World) -> None:
    class Faulty(PipelineWriter):
        async def write(self, lead: object) -> object:  # type: ignore[override]
            if lead.lead_name == "Fault":  # type: ignore[attr-defined]
                message = "what nobody foresaw"
                raise RuntimeError(message)
            return await super().write(lead)  # type: ignore[arg-type]

    async with running(world, Faulty()):
        leads = [lead(number) for number in range(6)]
        leads[1] |= {"lead_name": "Fault"}
        batch_id = await posted(world, leads)
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["num_results"], batch["num_rejects"]) == ("done", 5, 1)


async def test_a_batch_is_not_finished_under_other_settings(world: World) -> None:
    async with running(world, HeldWriter(num_allowed=4)):
        batch_id = await posted(world, [lead(number) for number in range(8)])
        await wait_for(world, batch_id, lambda found: found["num_done"] == 4)
    world.settings = world.settings.model_copy(update={"settings_version": "f" * 12})
    async with running(world):
        batch = await ended(world, batch_id)
    assert (batch["state"], batch["error"]) == ("failed", batch_runner.OTHER_SETTINGS)


async def test_what_is_old_is_removed_with_its_leads(world: World) -> None:
    folder = world.settings.batches.folder
    async with running(world):
        old, new = [await posted(world, [lead(number)]) for number in range(2)]
        for batch_id in (old, new):
            await ended(world, batch_id)
    long_ago = datetime.now(UTC) - timedelta(days=40)
    await world.batches._set(old, "default", *BatchState, finished_at=long_ago)
    orphan = folder / ("0" * 32)
    orphan.mkdir()
    for path in (folder / old, folder / new, orphan):
        os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    async with running(world):
        await until(lambda: not (folder / old).exists() and not orphan.exists())
    assert (folder / new).exists()
    assert (await world.get(f"{BATCHES}/{old}")).status_code == 404
    assert (await world.get(f"{BATCHES}/{new}")).status_code == 200


def a_batch(tenant: str) -> Batch:
    return Batch(
        batch_id=os.urandom(16).hex(),
        tenant=tenant,
        created_at=datetime.now(UTC),
        kind=BatchKind.SCORE,
        options={"kind": "score"},
        num_leads=1,
    )


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)
