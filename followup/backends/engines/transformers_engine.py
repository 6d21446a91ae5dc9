"""The reference engine: transformers on torch, which the other engines are checked against."""

import asyncio
from contextlib import AsyncExitStack

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from followup.backends.adapter_library import AdapterLibrary
from followup.backends.engines.adapter_pool import AdapterPool
from followup.backends.engines.mixed_model import MixedModel, PlacedAdapter
from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import (
    check_fits_context,
    encode,
    mean_or_none,
    no_adapters,
    text_before_stop,
    until,
)
from followup.backends.engines.step_loop import StepLoop
from followup.backends.engines.torch_batch import RowRules, StaticBatch
from followup.backends.gguf_export import model_folder
from followup.backends.settings import EngineSettings
from followup.prompts import Prompt


class TransformersEngine:
    """One model on one device; PEFT mixes adapters within a batch."""

    def __init__(self, settings: EngineSettings) -> None:
        folder = model_folder(settings.model_path)
        self._settings = settings
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32 if settings.batch_invariant else torch.bfloat16
        )
        model.to(settings.device.lower()).eval()
        eos = model.generation_config.eos_token_id
        self._end_token_ids = frozenset([eos] if isinstance(eos, int) else eos)
        self._model = MixedModel(model)
        self._adapters = (
            AdapterPool(settings.adapters, self._place) if settings.adapters is not None else None
        )
        self._steps = StepLoop(StaticBatch(self._model), settings.max_running_requests)

    @property
    def model_name(self) -> str:
        """Name of the base model."""
        return self._settings.model_name

    @property
    def load(self) -> EngineLoad:
        """Requests in the batch or next to form one, and requests that wait for a place."""
        return self._steps.load

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        *,
        adapter: str | None = None,
        deadline: float | None = None,
    ) -> Generation:
        """Generate one reply; see `Engine.generate`."""
        self._steps.check()
        async with until(deadline), AsyncExitStack() as kept:
            if adapter is not None:
                await kept.enter_async_context(self._pool(adapter).use(adapter))
            input_ids = encode(self._tokenizer, prompt)
            check_fits_context(len(input_ids), sampling.max_tokens, self._settings.context_tokens)
            output = await self._steps.generate(input_ids, self._rules(sampling, adapter))
        text, stopped = text_before_stop(self._decode(output.generated_ids), sampling.stop)
        stopped = stopped or output.generated_ids[-1] in self._end_token_ids
        return Generation(
            text=text,
            num_prompt_tokens=len(input_ids),
            num_completion_tokens=len(output.generated_ids),
            mean_log_prob=mean_or_none(output.generated_log_probs),
            finish_reason="stop" if stopped else "length",
        )

    async def load_adapter(self, adapter: str) -> None:
        """Load it ahead; see `Engine.load_adapter`."""
        async with self._pool(adapter).use(adapter):
            pass

    def check_adapter(self, adapter: str) -> None:
        """Whether it can be loaded; see `Engine.check_adapter`."""
        self._pool(adapter).check(adapter)
        self._library(adapter).peft_folder(adapter)

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the step thread has ended."""
        self._steps.check()

    async def close(self) -> None:
        """Cancel what runs and free the model's memory. Safe to call twice."""
        if self._adapters is not None:
            await self._adapters.close()
        await asyncio.to_thread(self._steps.close)

    def _pool(self, adapter: str) -> AdapterPool[PlacedAdapter]:
        if self._adapters is None:
            raise no_adapters(adapter)
        return self._adapters

    def _library(self, adapter: str) -> AdapterLibrary:
        options = self._settings.adapters
        if options is None:
            raise no_adapters(adapter)
        library = AdapterLibrary(options.folder)
        library.check_base(adapter, options.base_model)
        return library

    async def _place(self, adapter: str) -> PlacedAdapter:
        return await asyncio.to_thread(
            lambda: self._model.place(adapter, self._library(adapter).peft_folder(adapter))
        )

    def _rules(self, sampling: Sampling, adapter: str | None) -> RowRules:
        def ends(generated_ids: list[int]) -> bool:
            if generated_ids[-1] in self._end_token_ids:
                return True
            text = self._decode(generated_ids) if sampling.stop else ""
            return any(stop in text for stop in sampling.stop)

        return RowRules(sampling, ends, adapter)

    def _decode(self, token_ids: list[int]) -> str:
        text: str = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        return text
