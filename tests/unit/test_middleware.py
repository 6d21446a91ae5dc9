"""The ASGI middleware, message by message."""

import asyncio
import re
from itertools import islice
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from deployments.metrics import IngressMetrics
from deployments.middleware import (
    IDS_DRAWN_AT_ONCE,
    BodyLimitMiddleware,
    MeasuringMiddleware,
    random_ids,
)

SCOPE: Scope = {
    "type": "http",
    "path": "/any",
    "headers": [],
    "state": {"tenant": "acme", "request_id": "1"},
}


class App:
    """Remembers the bodies that it is called with."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append((await receive())["body"])


def messages(*items: Message) -> Receive:
    left = list(items)

    async def receive() -> Message:
        return left.pop(0)

    return receive


async def drop(message: Message) -> None:
    pass


def chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_reaches_the_application_whole() -> None:
    app = App()
    received = messages(chunk(b"ab", more=True), chunk(b"cd", more=False))
    await BodyLimitMiddleware(app)(SCOPE, received, drop)
    assert app.bodies == [b"abcd"]


async def test_a_caller_that_leaves_within_its_body_starts_nothing() -> None:
    app = App()
    received = messages(chunk(b'{"half":', more=True), {"type": "http.disconnect"})
    await BodyLimitMiddleware(app)(SCOPE, received, drop)
    assert app.bodies == []


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


async def leave(scope: Scope, receive: Receive, send: Send) -> None:
    pass


async def break_down(scope: Scope, receive: Receive, send: Send) -> None:
    message = "a bug"
    raise RuntimeError(message)


async def be_cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("app", "raised", "status"),
    [
        pytest.param(answer, None, "204", id="answered"),
        pytest.param(leave, None, "499", id="left"),
        pytest.param(be_cancelled, asyncio.CancelledError, "499", id="cancelled"),
        pytest.param(break_down, RuntimeError, "500", id="failed"),
    ],
)
async def test_every_request_is_counted_and_timed_by_how_it_ended(
    app: Any, raised: type[BaseException] | None, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = IngressMetrics()
    noted: list[dict[str, str]] = []
    monkeypatch.setattr(metrics.requests, "inc", lambda *, tags: noted.append(tags))
    monkeypatch.setattr(metrics.request_seconds, "observe", lambda _, tags: noted.append(tags))
    measured = MeasuringMiddleware(app, metrics)
    if raised is None:
        await measured(SCOPE, messages(), drop)
    else:
        with pytest.raises(raised):
            await measured(SCOPE, messages(), drop)
    assert noted == [{"endpoint": "unknown", "status": status, "tenant": "acme"}] * 2


def test_ids_are_32_hexadecimal_digits_and_never_come_again() -> None:
    ids = [*islice(random_ids(), 3 * IDS_DRAWN_AT_ONCE), *islice(random_ids(), 10)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", item) for item in ids)
