"""What `/health` says. Every word comes from a probe with a time limit.

The nodes behind the ingress are asked through their queues; the generator and the embedder may be
too busy to answer in time, and then Serve's own health checks decide, which do not queue:

| word | computed from |
| --- | --- |
| database, redis `connected` or `embedded` | the server, or the file or memory, answered in time |
| vector_db `connected` or `embedded` | the retriever reached the store, or its queue was full |
| rag, hybrid `active` | the generator and the embedder live and vector_db is not `down` |
| finetuned `active` | the generator lives, and can load the adapter that DEFAULT_TENANT has |
| hybrid `unavailable` | also while that adapter cannot be loaded |
| status `unhealthy` | no approach is active |
| status `degraded` | a service is down, or an approach is, other than for want of an adapter |

A generator or embedder lives when it answered, refused because its queue is full, or did not answer
in time while Serve runs a healthy replica of it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol

from deployments.handles import NodeCaller
from deployments.health_api import Health, ModelState
from deployments.nodes import Graph
from followup.backends.access import DEFAULT_TENANT
from followup.backends.adapters import AdapterStore
from followup.backends.cache import Cache
from followup.backends.database import Database
from followup.errors import (
    AdapterMissingError,
    DeadlineExceededError,
    FollowupError,
    OverloadedError,
    PartUnavailableError,
)
from followup.pipeline import NO_ADAPTER
from followup.prompts import Approach

PROBE_SECONDS = 2.0
QUEUE_SECONDS = 0.5
"""Time for a node to answer through its queue. Short: a busy one is then looked up in Serve."""
KEPT_SECONDS = 1.0
"""How old a report may be. `/health` needs no key and must cost little, however often read."""

logger = logging.getLogger(__name__)

ServiceState = Literal["connected", "embedded", "down"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Which services run inside this installation instead of on a server of their own."""

    database: bool
    cache: bool
    vector_store: bool


class HealthReporter(Protocol):
    """Gives the report of `/health`."""

    async def report(self) -> Health:
        """The state now."""


@dataclass(slots=True)
class HealthProbes:
    """Probes the nodes and the services, once for all who ask within KEPT_SECONDS."""

    graph: Graph
    database: Database
    cache: Cache
    adapters: AdapterStore
    embedded: Embedded
    version: str
    _one_at_a_time: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _kept: Health | None = field(init=False, default=None)
    _kept_until: float = field(init=False, default=0.0)

    async def report(self) -> Health:
        """The state, at most KEPT_SECONDS old."""
        async with self._one_at_a_time:
            if self._kept is None or time.monotonic() >= self._kept_until:
                self._kept = await self._probe()
                self._kept_until = time.monotonic() + KEPT_SECONDS
            return self._kept

    async def _probe(self) -> Health:
        engine, embedder, store, database, cache, adapter = await asyncio.gather(
            _failure(_check_alive(self.graph.generator, "check_engine")),
            _failure(_check_alive(self.graph.embedder, "dimension")),
            _failure(_ask(self.graph.retriever, "check_store", PROBE_SECONDS)),
            _failure(self.database.check_health()),
            _failure(self.cache.check_health()),
            _failure(self._check_adapter()),
        )
        documents = engine or embedder or store
        is_published = adapter != NO_ADAPTER
        models = {
            Approach.RAG: _model(documents),
            Approach.FINETUNED: _model(engine or adapter),
            Approach.HYBRID: _model(documents or (adapter if is_published else None)),
        }
        services = {
            "database": _service(database, is_embedded=self.embedded.database),
            "redis": _service(cache, is_embedded=self.embedded.cache),
            "vector_db": _service(store, is_embedded=self.embedded.vector_store),
        }
        return Health(
            status=_status(models, services, has_adapter=is_published),
            models=models,
            services=services,
            version=self.version,
        )

    async def _check_adapter(self) -> None:
        version = await self.adapters.resolve(DEFAULT_TENANT)
        if version is None:
            raise AdapterMissingError(NO_ADAPTER)
        # One that is busy or gone is the engine's own probe's business.
        with suppress(OverloadedError, DeadlineExceededError):
            await self.graph.generator.call(
                "check_adapter",
                version,
                deadline=time.monotonic() + QUEUE_SECONDS,
                model_id=version,
            )


async def _ask(node: NodeCaller, method: str, seconds: float) -> None:
    with suppress(OverloadedError):  # only a node at work has a full queue
        await node.call(method, deadline=time.monotonic() + seconds)


async def _check_alive(node: NodeCaller, method: str) -> None:
    try:
        await _ask(node, method, QUEUE_SECONDS)
    except DeadlineExceededError as error:
        if not await node.is_running():
            message = f"{error.message} Serve runs no healthy replica of it."
            raise PartUnavailableError(message) from error


async def _failure(probe: Awaitable[object]) -> str | None:
    """Why the probe failed, or None."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except FollowupError as error:
        return error.message
    except Exception as error:  # the report is wanted most when things go wrong
        logger.warning("a health probe failed in an unforeseen way", exc_info=error)
        return f"failed with {type(error).__name__}; the log has the details"
    return None


def _model(reason: str | None) -> ModelState:
    return ModelState(status="unavailable" if reason else "active", reason=reason)


def _service(reason: str | None, *, is_embedded: bool) -> ServiceState:
    if reason:
        return "down"
    return "embedded" if is_embedded else "connected"


def _status(
    models: dict[Approach, ModelState],
    services: dict[str, ServiceState],
    *,
    has_adapter: bool,
) -> Literal["healthy", "degraded", "unhealthy"]:
    """An adapter that was never published is a choice, not a fault."""
    active = [approach for approach, state in models.items() if state.status == "active"]
    if not active:
        return "unhealthy"
    wanted = [approach for approach in models if has_adapter or approach is not Approach.FINETUNED]
    if set(wanted) <= set(active) and "down" not in services.values():
        return "healthy"
    return "degraded"
