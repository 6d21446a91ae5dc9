"""What /health says of nodes that answer, are busy, are gone, or fail in a way nobody foresaw."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from deployments import health
from deployments.health import Embedded, HealthProbes
from deployments.health_api import Health
from deployments.nodes import Graph, SamplingDefaults
from followup.backends.adapters import AdapterStore
from followup.errors import (
    AdapterMissingError,
    DeadlineExceededError,
    OverloadedError,
    PartUnavailableError,
)
from followup.prompts import Approach
from tests.fakes import FakeAliases

ALL = set(Approach)
DOWN = PartUnavailableError("It does not answer.")
FULL = OverloadedError("The queue of the generator is full.", retry_after_seconds=1)
BUG = ValueError("nobody foresaw this")


@dataclass
class Node:
    """Stands for a NodeCaller: answers, raises, or never answers before the deadline."""

    failure: Exception | None = None
    hangs: bool = False
    runs: bool = True
    serve_hangs: bool = False
    num_calls: int = 0
    failures: dict[str, Exception] = field(default_factory=dict)

    async def call(
        self, method: str, *arguments: object, deadline: float, model_id: str = ""
    ) -> object:
        self.num_calls += 1
        if method in self.failures:
            raise self.failures[method]
        if self.hangs:
            await asyncio.sleep(max(0.0, deadline - time.monotonic()))
            message = "The deadline passed while the generator was at work."
            raise DeadlineExceededError(message)
        if self.failure is not None:
            raise self.failure
        return 384

    async def is_running(self) -> bool:
        if self.serve_hangs:
            await asyncio.Event().wait()
        return self.runs


@dataclass
class Service:
    """Stands for the database and the cache."""

    failure: Exception | None = None
    hangs: bool = False

    async def check_health(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure


@dataclass
class World:
    aliases: FakeAliases = field(default_factory=FakeAliases)
    generator: Node = field(default_factory=Node)
    embedder: Node = field(default_factory=Node)
    retriever: Node = field(default_factory=Node)
    database: Service = field(default_factory=Service)
    cache: Service = field(default_factory=Service)

    @property
    def probes(self) -> HealthProbes:
        sampling = SamplingDefaults(top_p=1, repetition_penalty=1, seed=0)
        graph = Graph(self.embedder, self.retriever, self.generator, Node(), sampling)  # type: ignore[arg-type]  # fakes
        return HealthProbes(
            graph=graph,
            database=self.database,  # type: ignore[arg-type]  # a fake
            cache=self.cache,  # type: ignore[arg-type]  # a fake
            adapters=AdapterStore(self.aliases, "production"),
            embedded=Embedded(database=True, cache=False, vector_store=True),
            version="1",
        )

    async def report(self) -> Health:
        return await self.probes.report()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(health, "QUEUE_SECONDS", 0.02)
    return World()


def active(report: Health) -> set[Approach]:
    return {name for name, model in report.models.items() if model.status == "active"}


async def test_with_everything_up_and_no_adapter_it_is_healthy(world: World) -> None:
    report = await world.report()
    assert report.status == "healthy"
    assert report.services == {
        "database": "embedded",
        "redis": "connected",
        "vector_db": "embedded",
    }
    assert active(report) == ALL - {Approach.FINETUNED}
    assert "lead-assistant train publish" in (report.models[Approach.FINETUNED].reason or "")


async def test_with_an_adapter_all_approaches_are_active(world: World) -> None:
    world.aliases.promote("tone@0123456789ab")
    assert active(await world.report()) == ALL


async def test_an_adapter_that_cannot_be_loaded_leaves_rag_and_says_why(world: World) -> None:
    world.aliases.promote("tone@0123456789ab")
    reason = "Adapter 'tone@0123456789ab' is not in 'adapters'."
    world.generator.failures["check_adapter"] = AdapterMissingError(reason)
    report = await world.report()
    assert (report.status, active(report)) == ("degraded", {Approach.RAG})
    for approach in (Approach.FINETUNED, Approach.HYBRID):
        assert report.models[approach].reason == reason


@pytest.mark.parametrize("node", ["generator", "embedder"])
@pytest.mark.parametrize(
    "state", [Node(failure=FULL), Node(hangs=True)], ids=["full queue", "no answer in time"]
)
async def test_a_busy_node_is_alive(world: World, node: str, state: Node) -> None:
    setattr(world, node, state)
    assert (await world.report()).status == "healthy"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        pytest.param(Node(failure=DOWN), "does not answer", id="gone"),
        pytest.param(Node(hangs=True, runs=False), "Serve runs no healthy replica", id="hangs"),
        pytest.param(Node(hangs=True, serve_hangs=True), "no answer within 0.2 s", id="no Serve"),
        pytest.param(Node(failure=BUG), "ValueError; the log has the details", id="unforeseen"),
    ],
)
async def test_without_a_generator_it_is_unhealthy_and_says_why(
    world: World, state: Node, reason: str
) -> None:
    world.generator = state
    report = await world.report()
    assert (report.status, active(report)) == ("unhealthy", set())
    assert reason in (report.models[Approach.RAG].reason or "")


async def test_without_the_vector_store_only_finetuned_is_left(world: World) -> None:
    world.aliases.promote("tone@0123456789ab")
    world.retriever.failure = DOWN
    report = await world.report()
    assert (report.status, active(report)) == ("degraded", {Approach.FINETUNED})
    assert report.services["vector_db"] == "down"


async def test_a_store_that_does_not_answer_in_time_is_down(world: World) -> None:
    world.retriever.hangs = True
    assert (await world.report()).services["vector_db"] == "down"


@pytest.mark.parametrize("service", ["database", "cache"])
@pytest.mark.parametrize(
    "state",
    [Service(failure=DOWN), Service(hangs=True), Service(failure=BUG)],
    ids=["down", "hangs", "unforeseen"],
)
async def test_a_service_that_is_down_degrades(world: World, service: str, state: Service) -> None:
    setattr(world, service, state)
    report = await world.report()
    name = "redis" if service == "cache" else service
    assert (report.status, report.services[name]) == ("degraded", "down")
    assert active(report) == ALL - {Approach.FINETUNED}


async def test_many_who_ask_at_once_and_soon_after_cost_one_probe(world: World) -> None:
    probes = world.probes
    await asyncio.gather(*(probes.report() for _ in range(50)))
    await probes.report()
    assert world.generator.num_calls == 1


async def test_a_report_is_forgotten_when_it_is_old(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    probes = world.probes
    assert (await probes.report()).status == "healthy"
    world.generator.failure = DOWN
    assert (await probes.report()).status == "unhealthy"
