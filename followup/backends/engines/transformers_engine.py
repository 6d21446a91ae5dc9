"""The reference engine: transformers on torch, which the other engines are checked against."""

import asyncio

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import (
    check_fits_context,
    encode,
    mean_or_none,
    refuse_adapter,
    text_before_stop,
    until,
)
from followup.backends.engines.step_loop import StepLoop
from followup.backends.engines.torch_batch import RowRules, StaticBatch
from followup.backends.gguf_export import model_folder
from followup.backends.settings import EngineSettings
from followup.prompts import Prompt


class TransformersEngine:
    """One model on one device, without adapters."""

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
        self._steps = StepLoop(StaticBatch(model), settings.max_running_requests)

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
        refuse_adapter(adapter, "transformers")
        async with until(deadline):
            input_ids = encode(self._tokenizer, prompt)
            check_fits_context(len(input_ids), sampling.max_tokens, self._settings.context_tokens)
            output = await self._steps.generate(input_ids, self._rules(sampling))
        text, stopped = text_before_stop(self._decode(output.generated_ids), sampling.stop)
        stopped = stopped or output.generated_ids[-1] in self._end_token_ids
        return Generation(
            text=text,
            num_prompt_tokens=len(input_ids),
            num_completion_tokens=len(output.generated_ids),
            mean_log_prob=mean_or_none(output.generated_log_probs),
            finish_reason="stop" if stopped else "length",
        )

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the step thread has ended."""
        self._steps.check()

    async def close(self) -> None:
        """Cancel what runs and free the model's memory. Safe to call twice."""
        await asyncio.to_thread(self._steps.close)

    def _rules(self, sampling: Sampling) -> RowRules:
        def ends(generated_ids: list[int]) -> bool:
            if generated_ids[-1] in self._end_token_ids:
                return True
            text = self._decode(generated_ids) if sampling.stop else ""
            return any(stop in text for stop in sampling.stop)

        return RowRules(sampling, ends)

    def _decode(self, token_ids: list[int]) -> str:
        text: str = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        return text
