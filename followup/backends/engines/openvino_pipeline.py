"""One model on CPU: OpenVINO GenAI's continuous batching, which reads GGUF directly."""

import asyncio

import openvino as ov
import openvino_genai as genai

from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import (
    chat_turns,
    check_fits_context,
    mean_or_none,
    text_before_stop,
)
from followup.backends.engines.step_loop import Output, StepLoop
from followup.backends.settings import EngineSettings
from followup.prompts import Prompt

# The default KV cache is 8-bit: there a rounding difference of 1e-7, which another batch size
# brings, becomes one of 1/255; two of 16 greedy texts and nearly every sampled one changed.
BATCH_INVARIANT_PROPERTIES = {
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    "KV_CACHE_PRECISION": "f32",
}

# The most prompt tokens in one step. A step holds Python's global lock, so it is also how long the
# event loop may stand still: 512 ran as fast as 4,096 (120 tokens a second of processor time).
MAX_BATCHED_TOKENS = 512


class OpenVinoPipeline:
    """One pipeline, one step thread."""

    def __init__(self, settings: EngineSettings) -> None:
        pipeline = genai.ContinuousBatchingPipeline(
            str(settings.model_path),
            scheduler_config(settings),
            settings.device,
            BATCH_INVARIANT_PROPERTIES if settings.batch_invariant else {},
            {},
        )
        self._settings = settings
        self._tokenizer = pipeline.get_tokenizer()
        self._steps = StepLoop(pipeline, settings.max_running_requests)

    @property
    def load(self) -> EngineLoad:
        """Requests in the pipeline, and requests that wait for a place in it."""
        return self._steps.load

    async def generate(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """Generate one reply. Errors: as `Engine.generate`."""
        self._steps.check()
        input_ids = self._encode(prompt)
        num_prompt_tokens = input_ids.get_shape()[1]
        check_fits_context(num_prompt_tokens, sampling.max_tokens, self._settings.context_tokens)
        output = await self._steps.generate(input_ids, self._generation_config(sampling))
        return self._generation(output, num_prompt_tokens, sampling)

    def check(self) -> None:
        """Raise PartUnavailableError when the step thread has ended."""
        self._steps.check()

    async def close(self) -> None:
        """Cancel what runs and free the model's memory. Safe to call twice."""
        await asyncio.to_thread(self._steps.close)

    def _encode(self, prompt: Prompt) -> ov.Tensor:
        text = self._tokenizer.apply_chat_template(chat_turns(prompt), add_generation_prompt=True)
        # The template writes the model's own start token where it wants one.
        return self._tokenizer.encode(text + prompt.reply_start, add_special_tokens=False).input_ids

    def _generation_config(self, sampling: Sampling) -> genai.GenerationConfig:
        config = genai.GenerationConfig(
            max_new_tokens=sampling.max_tokens,
            repetition_penalty=sampling.repetition_penalty,
            stop_strings=set(sampling.stop),
            # OpenVINO drops whole tokens; kept, the text is cut exactly at the stop string.
            include_stop_str_in_output=True,
            logprobs=1,
            do_sample=not sampling.is_greedy,
        )
        if not sampling.is_greedy:
            config.temperature = sampling.temperature
            config.top_p = sampling.top_p
            config.rng_seed = sampling.seed
        config.set_eos_token_id(self._tokenizer.get_eos_token_id())
        return config

    def _generation(self, output: Output, num_prompt_tokens: int, sampling: Sampling) -> Generation:
        token_ids = output.generated_ids
        decoded = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        text, stopped = text_before_stop(decoded, sampling.stop)
        at_end = bool(token_ids) and token_ids[-1] == self._tokenizer.get_eos_token_id()
        return Generation(
            text=text,
            num_prompt_tokens=num_prompt_tokens,
            num_completion_tokens=len(token_ids),
            mean_log_prob=mean_or_none(output.generated_log_probs),
            finish_reason="stop" if stopped or at_end else "length",
        )


def scheduler_config(settings: EngineSettings) -> genai.SchedulerConfig:
    """How the pipeline batches and keeps keys and values."""
    config = genai.SchedulerConfig()
    config.cache_size = settings.kv_cache_gib
    config.max_num_seqs = settings.max_running_requests
    config.max_num_batched_tokens = MAX_BATCHED_TOKENS
    # Prompts share their system turn and often their documents. In float32 a key read back is the
    # key computed anew, so texts stay the same.
    config.enable_prefix_caching = True
    return config
