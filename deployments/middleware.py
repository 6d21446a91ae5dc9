"""ASGI middleware: an id for every request, a limit on its body, its count and time."""

import os
import time
from collections.abc import Iterator

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.error_table import error_response
from deployments.metrics import IngressMetrics

MAX_BODY_BYTES = 256 * 1024
CALLER_GONE = "499"
"""Status under which a request is counted whose caller left before it was answered."""
FAILED = "500"
ID_BYTES = 16
IDS_DRAWN_AT_ONCE = 256


def random_ids() -> Iterator[str]:
    """Random ids of 32 hexadecimal digits, without end.

    The system is asked for many at once: each call lets go of the interpreter's lock, and a busy
    replica waits longer to have it back than everything else about an id takes.
    """
    while True:
        drawn = os.urandom(ID_BYTES * IDS_DRAWN_AT_ONCE).hex()
        for start in range(0, len(drawn), 2 * ID_BYTES):
            yield drawn[start : start + 2 * ID_BYTES]


class RequestIdMiddleware:
    """Gives each request a random id, in `request.state.request_id` and `X-Request-ID`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ids = random_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = next(self._ids)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


class BodyLimitMiddleware:
    """Answers 413 to a body over the limit, declared or not; never holds more than the limit.

    The body is read here, whole, because an error raised from `receive` inside a route would reach
    the client as "could not parse". When the caller leaves before the end of the body, nothing
    runs.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, streamed: frozenset[str] = frozenset()
    ) -> None:
        """The routes at the paths `streamed` read their bodies themselves, under own limits."""
        self._app = app
        self._max_bytes = max_bytes
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._streamed:
            await self._app(scope, receive, send)
            return
        try:
            body = None if _declared_bytes(scope) > self._max_bytes else await self._read(receive)
        except ClientDisconnect:
            return
        if body is None:
            await self._refuse(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None once it is over the limit. Raises ClientDisconnect."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"The body is larger than the {self._max_bytes} bytes that are allowed."
        response = error_response(
            413, "body_too_large", message, request_id=scope["state"]["request_id"]
        )
        await response(scope, receive, send)


class MeasuringMiddleware:
    """Counts and times every request by its route, so that a made-up path makes no new label."""

    def __init__(self, app: ASGIApp, metrics: IngressMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = CALLER_GONE

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            status = FAILED  # the answer to an unforeseen error is made outside of this
            raise
        finally:
            self._count(scope, status, time.perf_counter() - start)

    def _count(self, scope: Scope, status: str, seconds: float) -> None:
        endpoint = getattr(scope.get("route"), "path", "unknown")
        tenant = scope["state"].get("tenant", "unknown")
        tags = {"endpoint": endpoint, "status": status, "tenant": tenant}
        self._metrics.requests.inc(tags=tags)
        self._metrics.request_seconds.observe(seconds, tags=tags)


def _declared_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
