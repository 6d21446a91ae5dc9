"""The generation engine on GPU: vLLM's AsyncLLM, which batches across its callers by itself."""

import asyncio
import itertools
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer
from vllm import SamplingParams, TokensPrompt
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.lora.request import LoRARequest
from vllm.outputs import RequestOutput
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from followup.backends.adapter_library import AdapterLibrary
from followup.backends.engines.adapter_pool import AdapterPool
from followup.backends.engines.protocol import EngineLoad, Generation, Sampling
from followup.backends.engines.request import (
    check_fits_context,
    encode,
    engine_closed,
    mean_or_none,
    no_adapters,
    text_before_stop,
    until,
)
from followup.backends.engines.vllm_lora import VllmAdapter, check_servable
from followup.backends.gguf_export import model_folder
from followup.backends.settings import AdapterSettings, EngineSettings
from followup.errors import PartUnavailableError
from followup.prompts import Prompt

BYTES_PER_GIB = 1 << 30


class VllmEngine:
    """One vLLM engine, its workers in processes of their own; it mixes adapters by itself."""

    def __init__(self, settings: EngineSettings) -> None:
        folder = model_folder(settings.model_path)
        self._settings = settings
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._llm = AsyncLLM.from_engine_args(_engine_args(settings, str(folder)))
        self._request_ids = itertools.count()
        self._lora_ids = itertools.count(1)  # vLLM's rule: at least 1, never one again
        self._adapters = (
            AdapterPool(settings.adapters, self._add_lora)
            if settings.adapters is not None
            else None
        )
        self._in_flight: set[str] = set()
        self._closed = False

    @property
    def model_name(self) -> str:
        """Name of the base model."""
        return self._settings.model_name

    @property
    def load(self) -> EngineLoad:
        """Requests that vLLM holds. Those beyond max_running_requests wait in its scheduler."""
        num_requests = 0 if self._closed else self._llm.get_num_unfinished_requests()
        num_running = min(num_requests, self._settings.max_running_requests)
        return EngineLoad(num_running=num_running, num_waiting=num_requests - num_running)

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        *,
        adapter: str | None = None,
        deadline: float | None = None,
    ) -> Generation:
        """Generate one reply; see `Engine.generate`."""
        await self.check_health()
        async with until(deadline), AsyncExitStack() as kept:
            lora = None
            if adapter is not None:
                lora = (await kept.enter_async_context(self._pool(adapter).use(adapter))).request
            input_ids = encode(self._tokenizer, prompt)
            check_fits_context(len(input_ids), sampling.max_tokens, self._settings.context_tokens)
            output = await self._run(input_ids, sampling, lora)
        return _generation(output, len(input_ids), sampling)

    async def load_adapter(self, adapter: str) -> None:
        """Load it ahead; see `Engine.load_adapter`."""
        async with self._pool(adapter).use(adapter):
            pass

    def check_adapter(self, adapter: str) -> None:
        """Whether it can be loaded; see `Engine.check_adapter`."""
        self._pool(adapter).check(adapter)
        self._peft_folder(adapter)

    async def check_health(self) -> None:
        """Raise PartUnavailableError when the engine's process has died or `close` was called."""
        if self._closed:
            raise engine_closed()
        if self._llm.errored:
            raise _engine_died()

    async def close(self) -> None:
        """Cancel what runs and end the engine's processes. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._adapters is not None:
            await self._adapters.close()
        await self._llm.abort(self._in_flight)
        await asyncio.to_thread(self._llm.shutdown)

    def _pool(self, adapter: str) -> AdapterPool[VllmAdapter]:
        if self._adapters is None:
            raise no_adapters(adapter)
        return self._adapters

    def _peft_folder(self, adapter: str) -> Path:
        options = self._settings.adapters
        if options is None:
            raise no_adapters(adapter)
        library = AdapterLibrary(options.folder)
        library.check_base(adapter, options.base_model)
        folder = library.peft_folder(adapter)
        check_servable(adapter, folder, options.max_rank)
        return folder

    async def _add_lora(self, adapter: str) -> VllmAdapter:
        folder = await asyncio.to_thread(self._peft_folder, adapter)
        request = LoRARequest(adapter, next(self._lora_ids), str(folder))
        try:
            # Loaded here, by itself: in a batch, one that fails would take the engine with it.
            await self._llm.add_lora(request)
        except EngineDeadError as error:
            raise _engine_died() from error
        except Exception as error:
            message = f"vLLM cannot load adapter '{adapter}': {error}"
            raise PartUnavailableError(message) from error
        return VllmAdapter(self._llm, request)

    async def _run(
        self, input_ids: list[int], sampling: Sampling, lora: LoRARequest | None
    ) -> RequestOutput:
        request_id = str(next(self._request_ids))
        self._in_flight.add(request_id)
        outputs = self._llm.generate(
            TokensPrompt(prompt_token_ids=input_ids),
            _sampling_params(sampling),
            request_id,
            lora_request=lora,
        )
        try:
            # One output, the final one: see RequestOutputKind.FINAL_ONLY below.
            final: RequestOutput = await anext(outputs)
        except (EngineDeadError, EngineGenerateError) as error:
            raise _engine_died() from error
        finally:
            self._in_flight.discard(request_id)
            await outputs.aclose()
        if final.outputs[0].finish_reason not in {"stop", "length"}:
            raise engine_closed() if self._closed else _engine_died()
        return final


def _engine_args(settings: EngineSettings, folder: str) -> AsyncEngineArgs:
    on_cpu = current_platform.is_cpu()
    if settings.batch_invariant and not on_cpu:
        # vLLM's kernels that do not depend on the batch are chosen by this variable alone.
        os.environ["VLLM_BATCH_INVARIANT"] = "1"
    return AsyncEngineArgs(
        model=folder,
        dtype="float32" if settings.batch_invariant and on_cpu else "auto",
        max_model_len=settings.context_tokens,
        max_num_seqs=settings.max_running_requests,
        kv_cache_memory_bytes=settings.kv_cache_gib * BYTES_PER_GIB,
        tensor_parallel_size=settings.tensor_parallel_size,
        # Left to itself vLLM counts the GPUs that the replica sees. It holds none: the workers take
        # those of the replica's placement group.
        distributed_executor_backend="ray" if settings.tensor_parallel_size > 1 else None,
        enforce_eager=on_cpu,  # compiling takes two minutes there
        generation_config="vllm",  # sampling comes from the request, never from the model's folder
        disable_log_stats=True,
        **_lora_args(settings.adapters),
    )


def _lora_args(adapters: AdapterSettings | None) -> dict[str, Any]:
    """As many adapters in one batch as are held, so that none waits for another's batch to end."""
    if adapters is None:
        return {}
    # For "no adapter" the workers have -1. Their CPU kernels take that for an index and read the
    # last slot (vllm/lora/ops/torch_ops/lora_ops.py): one more, which stays empty, keeps the base
    # model's replies free of another request's adapter. The GPU's kernels skip -1.
    num_slots = adapters.max_loaded + current_platform.is_cpu()
    return {
        "enable_lora": True,
        "max_loras": num_slots,
        "max_cpu_loras": num_slots,
        "max_lora_rank": adapters.max_rank,
    }


def _sampling_params(sampling: Sampling) -> SamplingParams:
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=0.0 if sampling.is_greedy else sampling.temperature,
        top_p=sampling.top_p,
        repetition_penalty=sampling.repetition_penalty,
        seed=sampling.seed,
        stop=list(sampling.stop),
        include_stop_str_in_output=True,  # cut by text_before_stop, as in every engine
        logprobs=0,  # of the generated token alone
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _generation(output: RequestOutput, num_prompt_tokens: int, sampling: Sampling) -> Generation:
    completion = output.outputs[0]
    text, _ = text_before_stop(completion.text, sampling.stop)
    log_probs = [
        position[token_id].logprob
        for position, token_id in zip(completion.logprobs, completion.token_ids, strict=True)
    ]
    return Generation(
        text=text,
        num_prompt_tokens=num_prompt_tokens,
        num_completion_tokens=len(completion.token_ids),
        mean_log_prob=mean_or_none(log_probs),
        finish_reason=completion.finish_reason,
    )


def _engine_died() -> PartUnavailableError:
    return PartUnavailableError(
        "vLLM's engine process has died; its log says why. Restart the service: lead-assistant up"
    )
