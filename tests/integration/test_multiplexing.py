"""Two generator replicas on Ray Serve: requests for an adapter go to the replica that holds it."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import serve

from deployments import generator
from deployments.generator import GeneratorNode
from deployments.handles import NodeCaller
from followup.backends.database import Database
from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.settings import DatabaseSettings, EngineSettings
from followup.prompts import Prompt
from tests.records import make_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ADAPTERS = [f"acme-{number}@0123456789ab" for number in range(4)]


class PidEngine:
    """Writes the number of its process."""

    model_name = "pid"
    load = EngineLoad(0, 0)

    async def generate(self, prompt: Prompt, sampling: Sampling, **_: Any) -> Generation:
        await asyncio.sleep(0.05)
        return Generation(str(os.getpid()), 1, 1, None, "stop")

    async def load_adapter(self, adapter: str) -> None:
        pass

    async def check_health(self) -> None:
        pass

    async def close(self) -> None:
        pass


class PidGenerator(GeneratorNode):
    """The real node on that engine."""

    async def __init__(self, settings: EngineSettings, database: DatabaseSettings) -> None:  # type: ignore[misc]  # Serve awaits a constructor
        generator.build_engine = lambda _: PidEngine()  # type: ignore[assignment, return-value, attr-defined]  # a fake, in the replica's process
        await super().__init__(settings, database, interactive_below=1)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeCaller]:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    database = make_settings(f"sqlite:///{tmp_path}/db")
    asyncio.run(_migrate(database))
    settings = EngineSettings.model_validate(
        {
            "model_name": "pid",
            "model_path": "unused",
            "adapters": {"folder": tmp_path, "base_model": "pid@1"},
        }
    )
    ray.init(num_cpus=4, object_store_memory=200 << 20, include_dashboard=False)
    deployment = serve.deployment(
        name="generator", num_replicas=2, ray_actor_options={"num_cpus": 0.5}
    )(PidGenerator)
    handle = serve.run(deployment.bind(settings, database), name="app", route_prefix=None)
    yield NodeCaller("generator", handle)
    serve.shutdown()
    ray.shutdown()


async def _migrate(settings: DatabaseSettings) -> None:
    database = Database(settings)
    await database.migrate()
    await database.close()


async def test_an_adapters_requests_go_to_the_replica_that_holds_it(node: NodeCaller) -> None:
    async def write(adapter: str) -> str:
        call = ("generate", "acme", Prompt("s", "u"), Sampling(max_tokens=1), adapter, 30.0)
        reply = await node.call(*call, deadline=time.monotonic() + 30, model_id=adapter)
        return str(reply.text)

    for adapter in ADAPTERS:
        await write(adapter)
        await asyncio.sleep(0.5)  # announced within 0.1 s
    holders: dict[str, set[str]] = defaultdict(set)
    for _ in range(12):
        for adapter, pid in zip(ADAPTERS, await asyncio.gather(*map(write, ADAPTERS)), strict=True):
            holders[adapter].add(pid)
    assert all(len(pids) == 1 for pids in holders.values()), holders
    assert len(set.union(*holders.values())) == 2  # not all on one
