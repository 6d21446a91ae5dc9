"""The generator node. The engine batches across requests: a call is one sequence of its batch."""

import time

from ray import serve

from deployments.metrics import GeneratorMetrics
from deployments.prefetch import AdapterPrefetch
from deployments.spare import SpareTurns
from followup.backends.adapter_aliases import AdapterAliases
from followup.backends.database import Database
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Generation, Sampling
from followup.backends.settings import AdapterSettings, DatabaseSettings, EngineSettings
from followup.prompts import Prompt


class GeneratorNode:
    """Holds an `Engine`."""

    async def __init__(  # type: ignore[misc]  # Serve awaits a constructor
        self, settings: EngineSettings, database: DatabaseSettings, interactive_below: int
    ) -> None:
        self._engine = build_engine(settings)
        self._metrics = GeneratorMetrics()
        self._turns = SpareTurns(interactive_below)
        self._database = Database(database)
        self._prefetch: AdapterPrefetch | None = None
        if settings.adapters is not None:
            self._announce_held(settings.adapters)

    def _announce_held(self, options: AdapterSettings) -> None:
        # Serve's own multiplexing would load under one lock for all and unload what is in use. It
        # only announces here, to the router, what the engine's pool holds: as many, by the same
        # order of last use.
        @serve.multiplexed(max_num_models_per_replica=options.max_loaded)  # type: ignore[untyped-decorator]  # Ray has no types
        async def announce(adapter: str) -> str:
            return adapter

        async def load(adapter: str) -> None:
            await announce(adapter)
            await self._engine.load_adapter(adapter)

        self._announce = announce
        self._prefetch = AdapterPrefetch(AdapterAliases(self._database), load, options)
        self._prefetch.start()

    async def generate(
        self,
        tenant: str,
        prompt: Prompt,
        sampling: Sampling,
        adapter: str | None,
        timeout_seconds: float,
    ) -> Generation:
        """Write one reply; past the time limit the engine stops work on it."""
        with self._turns.interactive():
            return await self._generate(tenant, prompt, sampling, adapter, timeout_seconds)

    async def generate_spare(
        self,
        tenant: str,
        prompt: Prompt,
        sampling: Sampling,
        adapter: str | None,
        timeout_seconds: float,
    ) -> Generation:
        """As `generate`, for a list. Raises GaveWayError while callers are served."""
        return await self._turns.spare(
            self._generate(tenant, prompt, sampling, adapter, timeout_seconds)
        )

    async def check_engine(self) -> None:
        """Raises PartUnavailableError when the engine can no longer write."""
        await self._engine.check_health()

    async def check_adapter(self, adapter: str) -> None:
        """Raises what a reply of this adapter would, as far as that is known without loading it."""
        self._engine.check_adapter(adapter)

    async def check_health(self) -> None:
        """Serve replaces the replica when the engine is dead."""
        await self._engine.check_health()

    async def _generate(
        self,
        tenant: str,
        prompt: Prompt,
        sampling: Sampling,
        adapter: str | None,
        timeout_seconds: float,
    ) -> Generation:
        start = time.perf_counter()
        if adapter is not None and self._prefetch is not None:
            await self._announce(adapter)
        generation = await self._engine.generate(
            prompt, sampling, adapter=adapter, deadline=time.monotonic() + timeout_seconds
        )
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        self._count(tenant, generation)
        return generation

    def _count(self, tenant: str, generation: Generation) -> None:
        for kind, number in (
            ("prompt", generation.num_prompt_tokens),
            ("completion", generation.num_completion_tokens),
        ):
            tags = {"kind": kind, "model": self._engine.model_name, "tenant": tenant}
            if number:
                self._metrics.tokens.inc(number, tags=tags)

    async def __del__(self) -> None:
        if self._prefetch is not None:
            await self._prefetch.close()
        await self._engine.close()
        await self._database.close()
