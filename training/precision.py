"""In which precision the frozen base model is fastest on this processor, measured."""

import time
from collections.abc import Sequence

import torch

from config.training import FinetuneSettings
from training.batches import collate
from training.examples import Example
from training.loss import reply_losses
from training.worker import adapted_model

MIN_SPEEDUP = 1.2
_NUM_PASSES = 2
_MAX_TOKENS = 512


def choose_precision(
    base_model: str, settings: FinetuneSettings, examples: Sequence[Example], *, use_gpu: bool
) -> str:
    """The configured precision; for auto, bfloat16 where a training pass is faster in it.

    A GPU that has bfloat16 needs no measuring. On a processor the two are timed on one row.
    """
    if settings.precision != "auto":
        return settings.precision
    if use_gpu:
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    ordered = sorted(examples, key=lambda example: example.num_tokens)
    row = ordered[len(ordered) // 2]
    cut = Example(row.prompt_ids[-_MAX_TOKENS:], row.target_ids)
    seconds = {name: _seconds(base_model, name, settings, cut) for name in ("float32", "bfloat16")}
    faster = seconds["float32"] >= MIN_SPEEDUP * seconds["bfloat16"]
    return "bfloat16" if faster else "float32"


def _seconds(base_model: str, precision: str, settings: FinetuneSettings, row: Example) -> float:
    """Seconds of the fastest of some forward and backward passes over one row."""
    model = adapted_model(base_model, precision, settings)
    times = []
    for _ in range(1 + _NUM_PASSES):
        start = time.perf_counter()
        losses, _counts = reply_losses(model, collate([row], 0))
        losses.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        times.append(time.perf_counter() - start)
    return min(times[1:])
