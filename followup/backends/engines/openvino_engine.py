"""The generation engine on CPU: the base model and each adapter in processes of their own."""

import asyncio

from followup.backends.adapter_library import AdapterLibrary
from followup.backends.engines.adapter_pool import AdapterPool
from followup.backends.engines.model_process import ModelProcess, ProcessEndedError
from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import engine_closed, no_adapters, until
from followup.backends.settings import AdapterSettings, EngineSettings
from followup.prompts import Prompt


class OpenVinoEngine:
    """OpenVINO GenAI applies one adapter to a whole batch, so an adapter is a merged model."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._base = self._base_process()
        self._base.wait_until_loaded()
        self._starting_base = asyncio.Lock()
        self._closed = False
        self._adapters = (
            AdapterPool(settings.adapters, self._start) if settings.adapters is not None else None
        )
        self._num_with_adapter = 0

    @property
    def model_name(self) -> str:
        """Name of the base model."""
        return self._settings.model_name

    @property
    def load(self) -> EngineLoad:
        """Requests in the models' batches, and requests that wait for a place in the base's."""
        base = self._base.load
        return EngineLoad(base.num_running + self._num_with_adapter, base.num_waiting)

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        *,
        adapter: str | None = None,
        deadline: float | None = None,
    ) -> Generation:
        """Generate one reply; see `Engine.generate`."""
        if self._closed:
            raise engine_closed()
        async with until(deadline):
            if adapter is None:
                return await self._generate_with_base(prompt, sampling)
            self._num_with_adapter += 1
            try:
                async with self._pool(adapter).use(adapter) as process:
                    return await process.generate(prompt, sampling)
            finally:
                self._num_with_adapter -= 1

    async def load_adapter(self, adapter: str) -> None:
        """Load it ahead; see `Engine.load_adapter`."""
        async with self._pool(adapter).use(adapter):
            pass

    def check_adapter(self, adapter: str) -> None:
        """Whether it can be loaded; see `Engine.check_adapter`."""
        self._pool(adapter).check(adapter)
        self._merged_settings(adapter)

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the base model's process has ended.

        The next request starts it again; where none comes, Serve replaces the replica.
        """
        self._base.check()

    async def close(self) -> None:
        """Cancel what runs and free the models' memory. Safe to call twice."""
        self._closed = True
        if self._adapters is not None:
            await self._adapters.close()
        await self._base.close()

    def _pool(self, adapter: str) -> AdapterPool[ModelProcess]:
        if self._adapters is None:
            raise no_adapters(adapter)
        return self._adapters

    async def _generate_with_base(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """Once more where the process ended meanwhile: writing again changes nothing."""
        try:
            return await (await self._living_base()).generate(prompt, sampling)
        except ProcessEndedError:
            return await (await self._living_base()).generate(prompt, sampling)

    async def _living_base(self) -> ModelProcess:
        """The base model's process, started again by the first who finds that it has ended."""
        async with self._starting_base:
            if not (self._base.is_alive or self._closed):
                await self._base.close()
                self._base = await _loaded(self._base_process())
        return self._base

    async def _start(self, adapter: str) -> ModelProcess:
        settings = await asyncio.to_thread(self._merged_settings, adapter)
        return await _loaded(ModelProcess(f"adapter '{adapter}'", settings, in_background=True))

    def _base_process(self) -> ModelProcess:
        settings = self._settings.model_copy(update={"adapters": None})
        return ModelProcess(f"the base model '{settings.model_name}'", settings)

    def _merged_settings(self, adapter: str) -> EngineSettings:
        options = self._adapter_settings(adapter)
        library = AdapterLibrary(options.folder)
        library.check_base(adapter, options.base_model)
        return self._settings.model_copy(
            update={
                "model_path": library.merged_file(adapter),
                "kv_cache_gib": options.kv_cache_gib,
                "adapters": None,
            }
        )

    def _adapter_settings(self, adapter: str) -> AdapterSettings:
        if self._settings.adapters is None:
            raise no_adapters(adapter)
        return self._settings.adapters


async def _loaded(process: ModelProcess) -> ModelProcess:
    try:
        await asyncio.to_thread(process.wait_until_loaded)
    except BaseException:  # also when cancelled: nobody else would end it
        await process.close()
        raise
    return process
