"""Batches without Ray for tests: the HTTP API of `api_world`, and a runner beside it whose leads
are written by the real pipeline over fake nodes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from deployments import batch_runner, batch_work, bulk_write
from deployments.batch_desk import BatchDesk
from deployments.batch_runner import BatchRunner, Finish
from deployments.batch_work import BatchWork
from deployments.lead_writer import WrittenReply
from followup.lead import Lead
from tests.bulk_workers import PipelineWriter
from tests.unit.api_world import World, client_of

BATCHES = "/api/v1/batches"
WRITE = "kind=write&approach=rag"
SECONDS = 20.0
Record = dict[str, Any]


class HeldWriter(PipelineWriter):
    """Writes so many leads and then holds until it is released."""

    def __init__(self, num_allowed: int) -> None:
        super().__init__()
        self._num_allowed = num_allowed
        self.is_released = asyncio.Event()

    async def write(self, lead: Lead) -> WrittenReply:
        if self._num_allowed <= 0:
            await self.is_released.wait()
        self._num_allowed -= 1
        return await super().write(lead)


def lead(number: int, **fields: object) -> Record:
    """A lead of a list; all need a message."""
    known = {
        "id": f"lead-{number}",
        "lead_name": f"Sarah Chen {number}",
        "product_name": "AI Billing Software",
        "interaction_history": "Asked what the mid-tier plan costs.",
    }
    return known | fields


def json_lines(leads: Sequence[Record]) -> bytes:
    return b"".join(json.dumps(lead).encode() + b"\n" for lead in leads)


def set_limits(world: World, **limits: object) -> None:
    """Another `batches.yaml`."""
    batches = world.settings.batches.model_copy(update=limits)
    world.settings = world.settings.model_copy(update={"batches": batches})
    world.parts = replace(world.parts, batches=BatchDesk(world.batches, world.settings))
    world.client = client_of(world.parts)


async def post(
    world: World, body: Sequence[Record] | bytes, query: str = WRITE, key: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    content = body if isinstance(body, bytes) else json_lines(body)
    return await world.client.post(f"{BATCHES}?{query}", content=content, headers=headers)


async def posted(world: World, body: Sequence[Record] | bytes, query: str = WRITE) -> str:
    """The id of a batch that was taken in."""
    response = await post(world, body, query)
    assert response.status_code == 202, response.text
    batch_id: str = response.json()["id"]
    return batch_id


async def wait_for(
    world: World, batch_id: str, is_so: Callable[[Record], bool], key: str | None = None
) -> Record:
    """The batch, once it is so."""
    give_up_at = time.monotonic() + SECONDS
    while True:
        found: Record = (await world.get(f"{BATCHES}/{batch_id}", key)).json()
        if is_so(found):
            return found
        assert time.monotonic() < give_up_at, found
        await asyncio.sleep(0.02)


async def ended(world: World, batch_id: str) -> Record:
    return await wait_for(world, batch_id, lambda found: found["finished_at"] is not None)


async def results(world: World, batch_id: str, more: str = "") -> list[Record]:
    """All pages."""
    rows: list[Record] = []
    cursor: int | None = 0
    while cursor is not None:
        path = f"{BATCHES}/{batch_id}/results?limit=3&cursor={cursor}{more}"
        page = (await world.get(path)).json()
        assert len(page["results"]) <= 3
        rows += page["results"]
        cursor = page["next_cursor"]
    return rows


@asynccontextmanager
async def running(
    world: World, writer: PipelineWriter | None = None, finish: Finish | None = None
) -> AsyncIterator[BatchRunner]:
    """A runner at work; it ends as a replica does that is replaced."""
    used = writer or PipelineWriter()
    work = BatchWork(world.settings, lambda _: used, asyncio.get_running_loop())
    runner = BatchRunner(
        world.batches,
        finish or work.finish,
        world.settings.batches.folder,
        max_running=world.settings.batches.max_running,
        keep_days=world.settings.batches.keep_days,
    )
    runner.start()
    try:
        yield runner
    finally:
        await runner.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits and short parts."""
    monkeypatch.setattr(batch_runner, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(batch_runner, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(batch_work, "GAVE_WAY_SECONDS", 0.02)
    monkeypatch.setattr(batch_work, "ROWS_PER_PART", 4)
    monkeypatch.setattr(bulk_write, "RETRY_SECONDS", 0.02)
