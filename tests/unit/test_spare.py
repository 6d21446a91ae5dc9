"""Work that can wait gives way to callers."""

import asyncio

import pytest

from deployments.spare import GaveWayError, SpareTurns


async def test_spare_work_is_done_while_nobody_calls() -> None:
    async def work() -> str:
        return "done"

    assert await SpareTurns(1).spare(work()) == "done"


async def test_spare_work_is_not_begun_while_callers_are_served() -> None:
    turns = SpareTurns(2)
    begun = []

    async def work() -> None:
        begun.append(True)

    with turns.interactive():
        await turns.spare(work())
        with turns.interactive():
            with pytest.raises(GaveWayError, match="Callers wait"):
                await turns.spare(work())
            assert len(begun) == 1
        await turns.spare(work())
    assert len(begun) == 2


async def test_spare_work_is_given_up_when_a_caller_comes() -> None:
    turns = SpareTurns(1)
    is_cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            is_cancelled.set()
            raise

    spare = asyncio.create_task(turns.spare(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with turns.interactive(), pytest.raises(GaveWayError):
        await spare
    assert is_cancelled.is_set()


async def test_spare_work_that_is_cancelled_from_outside_is_cancelled() -> None:
    turns = SpareTurns(1)
    spare = asyncio.create_task(turns.spare(asyncio.sleep(60)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    spare.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spare
