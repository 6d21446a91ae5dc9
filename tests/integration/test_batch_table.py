"""Batches in the database: quotas, states and pages; on SQLite and PostgreSQL."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest

from followup.backends.batch_table import Batch, BatchKind, BatchState
from followup.backends.batches import Batches, BatchFinishedError, BatchQuota
from followup.backends.database import Database
from followup.errors import NotFoundError, RateLimitedError

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WIDE = BatchQuota(max_batches=100, max_leads=1_000_000)


@pytest.fixture
def batches(database: Database) -> Batches:
    return Batches(database)


def make_batch(tenant: str = "acme", minutes: int = 0, num_leads: int = 10) -> Batch:
    return Batch(
        batch_id=os.urandom(16).hex(),
        tenant=tenant,
        created_at=MONDAY + timedelta(minutes=minutes),
        kind=BatchKind.SCORE,
        options={"kind": "score"},
        num_leads=num_leads,
    )


async def test_of_batches_posted_at_the_same_time_no_more_than_the_quota_are_kept(
    batches: Batches,
) -> None:
    quota = BatchQuota(max_batches=3, max_leads=1_000)
    answers = await asyncio.gather(
        *(batches.add(make_batch(), quota) for _ in range(8)), return_exceptions=True
    )
    assert [type(answer) for answer in answers if answer] == [RateLimitedError] * 5
    assert len(await batches.unfinished()) == 3
    await batches.add(make_batch("zeta"), quota)
    with pytest.raises(RateLimitedError, match="4 batches queued and running; at most 3"):
        await batches.check_quota("acme", quota)


async def test_what_is_reported_of_a_running_batch_is_read_back(batches: Batches) -> None:
    batch = make_batch()
    await batches.add(batch, WIDE)
    assert await batches.start(batch)
    progress = {"num_done": 4, "rows_per_second": 2.5, "counts": {"status": {"scored": 4}}}
    assert await batches.report(batch, **progress) is False
    found = await batches.get("acme", batch.batch_id)
    assert (found.state, found.num_done, found.counts) == (
        BatchState.RUNNING, 4, {"status": {"scored": 4}},
    )  # fmt: skip
    await batches.cancel("acme", batch.batch_id)
    assert await batches.report(batch) is True
    await batches.finish(batch, BatchState.DONE, num_done=10)
    assert not await batches.start(batch)
    with pytest.raises(BatchFinishedError, match="is done"):
        await batches.cancel("acme", batch.batch_id)


async def test_pages_hold_each_batch_of_the_tenant_once_the_newest_first(
    batches: Batches,
) -> None:
    stored = [make_batch(minutes=number // 2) for number in range(5)]
    for batch in [*stored, make_batch("zeta")]:
        await batches.add(batch, WIDE)
    listed: list[str] = []
    while page := await batches.list_page("acme", None, 2, listed[-1] if listed else None):
        listed += [batch.batch_id for batch in page]
    ordered = sorted(stored, key=lambda batch: (batch.created_at, batch.batch_id), reverse=True)
    assert listed == [batch.batch_id for batch in ordered]
    with pytest.raises(NotFoundError):
        await batches.list_page("zeta", None, 2, listed[0])


async def test_only_what_was_finished_before_is_forgotten(batches: Batches) -> None:
    queued, done = make_batch(), make_batch()
    for batch in (queued, done):
        await batches.add(batch, WIDE)
    await batches.finish(done, BatchState.DONE)
    ids = [queued.batch_id, done.batch_id]
    await batches.forget_finished_before(datetime.now(UTC) - timedelta(days=1))
    assert await batches.known(ids) == set(ids)
    await batches.forget_finished_before(datetime.now(UTC) + timedelta(days=1))
    assert await batches.known([*ids, "0" * 32]) == {queued.batch_id}
