"""What `/health` says. Every word comes from a probe with a time limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from deployments.api import Health, ModelState
from deployments.nodes import Graph
from followup.backends.adapters import AdapterStore
from followup.backends.cache import Cache
from followup.backends.database import Database
from followup.errors import FollowupError
from followup.pipeline import NO_ADAPTER
from followup.prompts import Approach

PROBE_SECONDS = 2.0
DEFAULT_TENANT = "default"

ServiceState = Literal["connected", "embedded", "down"]
Probe = Callable[[], Awaitable[object]]


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


@dataclass(frozen=True, slots=True)
class HealthProbes:
    """Probes the nodes and the services."""

    graph: Graph
    database: Database
    cache: Cache
    adapters: AdapterStore
    embedded: Embedded
    version: str

    async def report(self) -> Health:
        """unhealthy: no approach can answer; degraded: an approach or a service is missing."""
        engine, embedder, store, database, cache = await asyncio.gather(
            _failure(self._node(self.graph.generator.call, "check_engine")),
            _failure(self._node(self.graph.embedder.call, "dimension")),
            _failure(self._node(self.graph.retriever.call, "check_store")),
            _failure(self.database.check_health),
            _failure(self.cache.check_health),
        )
        documents = engine or embedder or store
        adapter = None if self.adapters.resolve(DEFAULT_TENANT) else NO_ADAPTER
        models = {
            Approach.RAG: _model(documents),
            Approach.FINETUNED: _model(engine or adapter),
            Approach.HYBRID: _model(documents),
        }
        services = {
            "database": _service(database, is_embedded=self.embedded.database),
            "redis": _service(cache, is_embedded=self.embedded.cache),
            "vector_db": _service(store, is_embedded=self.embedded.vector_store),
        }
        return Health(
            status=_status(models, services, has_adapter=adapter is None),
            models=models,
            services=services,
            version=self.version,
        )

    def _node(self, call: Callable[..., Awaitable[object]], method: str) -> Probe:
        return lambda: call(method, deadline=time.monotonic() + PROBE_SECONDS)


async def _failure(probe: Probe) -> str | None:
    """Why the probe failed, or None."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except TimeoutError:
        return f"no answer within {PROBE_SECONDS:g} s"
    except FollowupError as error:
        return error.message
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
