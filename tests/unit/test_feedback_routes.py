"""Feedback over HTTP: which reports are one event, and which are none."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.api_world import LEAD, RAG, World, error_of


def num_events(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "db")) as database:
        [(number,)] = database.execute("SELECT count(*) FROM feedback")
    return int(number)


@pytest.mark.parametrize(
    "occurred_at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1999-12-31T23:59:59Z",
        (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "2026-01-05T10:00:00",
    ],
    ids=["year 1", "year 9999", "before 2000", "day after tomorrow", "no offset"],
)
async def test_feedback_of_an_impossible_time_is_422_and_named(
    world: World, occurred_at: str
) -> None:
    body = {"request_id": "0" * 32, "outcome": "replied", "occurred_at": occurred_at}
    response = await world.post("/api/v1/feedback", body)
    error = error_of(response)
    assert (response.status_code, error["field"]) == (422, "occurred_at")


async def test_feedback_without_a_time_that_is_sent_again_is_the_same_event(
    world: World, tmp_path: Path
) -> None:
    reply = (await world.post(RAG, {"lead_context": LEAD})).json()
    body = {"request_id": reply["request_id"], "outcome": "replied"}
    first, again = [await world.post("/api/v1/feedback", body) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json())
    assert num_events(tmp_path) == 1
    other = await world.post("/api/v1/feedback", {**body, "outcome": "meeting"})
    assert other.json()["occurred_at"] > first.json()["occurred_at"]
    monday = {**body, "occurred_at": "2026-01-05T10:00:00+02:00"}
    dated = [await world.post("/api/v1/feedback", monday) for _ in range(2)]
    assert {item.json()["occurred_at"] for item in dated} == {"2026-01-05T08:00:00Z"}
    after = await world.post("/api/v1/feedback", body)
    assert after.json() == dated[0].json()
    assert num_events(tmp_path) == 3


async def test_reports_of_one_outcome_at_the_same_time_are_one_event(
    world: World, tmp_path: Path
) -> None:
    reply = (await world.post(RAG, {"lead_context": LEAD})).json()
    body = {"request_id": reply["request_id"], "outcome": "replied"}
    reports = await asyncio.gather(*(world.post("/api/v1/feedback", body) for _ in range(8)))
    assert [item.status_code for item in reports] == [200] * 8
    assert len({item.json()["occurred_at"] for item in reports}) == 1
    assert num_events(tmp_path) == 1
