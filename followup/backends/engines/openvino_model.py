"""One model on CPU: OpenVINO GenAI's continuous batching, which reads GGUF directly.

A step, and reading the model, holds Python's global lock. So this runs in a process of its own
(`model_worker.py`), on its one thread.
"""

from dataclasses import dataclass

import openvino as ov
import openvino_genai as genai

from followup.backends.engines.protocol import Generation, Sampling
from followup.backends.engines.request import (
    chat_turns,
    check_fits_context,
    mean_or_none,
    text_before_stop,
)
from followup.backends.engines.running_batch import Ended, Output, RunningBatch
from followup.backends.settings import EngineSettings
from followup.errors import FollowupError
from followup.prompts import Prompt

# The default KV cache is 8-bit: there a rounding difference of 1e-7, which another batch size
# brings, becomes one of 1/255; two of 16 greedy texts and nearly every sampled one changed.
BATCH_INVARIANT_PROPERTIES = {
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
    "KV_CACHE_PRECISION": "f32",
}

# The most prompt tokens in one step. What runs already waits so long for its next token: 512 ran as
# fast as 4,096 (120 tokens a second of processor time).
MAX_BATCHED_TOKENS = 512


@dataclass(frozen=True, slots=True)
class _Request:
    num_prompt_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the request with this number."""

    number: int
    result: Generation | FollowupError


class OpenVinoModel:
    """One pipeline. `step` as long as it is busy."""

    def __init__(self, settings: EngineSettings) -> None:
        """Raises RuntimeError for a file that OpenVINO cannot read."""
        pipeline = genai.ContinuousBatchingPipeline(
            str(settings.model_path),
            scheduler_config(settings),
            settings.device,
            BATCH_INVARIANT_PROPERTIES if settings.batch_invariant else {},
            {},
        )
        self._context_tokens = settings.context_tokens
        self._tokenizer = pipeline.get_tokenizer()
        self._batch = RunningBatch(pipeline, settings.max_running_requests)
        self._requests: dict[int, _Request] = {}

    @property
    def is_busy(self) -> bool:
        """Whether a request has not ended."""
        return bool(self._requests)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The requests that have not ended."""
        return (*self._requests,)

    def start(self, number: int, prompt: Prompt, sampling: Sampling) -> None:
        """Take a request. Raises InvalidInputError for a prompt beyond the context."""
        input_ids = self._encode(prompt)
        num_prompt_tokens = input_ids.get_shape()[1]
        check_fits_context(num_prompt_tokens, sampling.max_tokens, self._context_tokens)
        self._requests[number] = _Request(num_prompt_tokens, sampling.stop)
        self._batch.add(number, input_ids, self._generation_config(sampling))

    def cancel(self, number: int) -> bool:
        """Drop a request; whether it is gone at once. One that runs ends with the next step."""
        gone = self._batch.cancel(number)
        if gone:
            self._requests.pop(number, None)
        return gone

    def step(self) -> list[Written]:
        """One token for each that runs; what has ended. RuntimeError when the model broke."""
        ended = self._batch.admit()
        if self._batch.load.num_running:
            self._batch.step()
            ended += self._batch.settle()
        return [self._written(each) for each in ended]

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

    def _written(self, ended: Ended) -> Written:
        request = self._requests.pop(ended.number)
        if isinstance(ended.result, FollowupError):
            return Written(ended.number, ended.result)
        return Written(ended.number, self._generation(ended.result, request))

    def _generation(self, output: Output, request: _Request) -> Generation:
        token_ids = output.generated_ids
        decoded = self._tokenizer.decode(token_ids, skip_special_tokens=True)
        text, stopped = text_before_stop(decoded, request.stop)
        at_end = bool(token_ids) and token_ids[-1] == self._tokenizer.get_eos_token_id()
        return Generation(
            text=text,
            num_prompt_tokens=request.num_prompt_tokens,
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
