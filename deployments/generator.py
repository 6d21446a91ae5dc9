"""The generator node. The engine batches across requests: a call is one sequence of its batch."""

import time

from deployments.metrics import GeneratorMetrics
from followup.backends.engines.build import build_engine
from followup.backends.engines.protocol import Generation, Sampling
from followup.backends.settings import EngineSettings
from followup.prompts import Prompt


class GeneratorNode:
    """Holds an `Engine`."""

    def __init__(self, settings: EngineSettings) -> None:
        self._engine = build_engine(settings)
        self._metrics = GeneratorMetrics()

    async def generate(
        self,
        tenant: str,
        prompt: Prompt,
        sampling: Sampling,
        adapter: str | None,
        timeout_seconds: float,
    ) -> Generation:
        """Write one reply; past the time limit the engine stops work on it."""
        start = time.perf_counter()
        generation = await self._engine.generate(
            prompt, sampling, adapter=adapter, deadline=time.monotonic() + timeout_seconds
        )
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        self._count(tenant, generation)
        return generation

    async def check_engine(self) -> None:
        """Raises PartUnavailableError when the engine can no longer write."""
        await self._engine.check_health()

    async def check_health(self) -> None:
        """Serve replaces the replica when the engine is dead."""
        await self._engine.check_health()

    def _count(self, tenant: str, generation: Generation) -> None:
        for kind, number in (
            ("prompt", generation.num_prompt_tokens),
            ("completion", generation.num_completion_tokens),
        ):
            tags = {"kind": kind, "model": self._engine.model_name, "tenant": tenant}
            if number:
                self._metrics.tokens.inc(number, tags=tags)

    async def __del__(self) -> None:
        await self._engine.close()
