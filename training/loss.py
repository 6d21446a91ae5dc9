"""Negative log-likelihood of the replies: the one sum that training, validation and tests use."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.batches import NOT_LEARNED, collate, learned_columns
from training.examples import Example


def reply_losses(model: Any, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Of each row the summed loss of its learned tokens (nats), and how many those are.

    The head is computed for the right end only, where the replies are. A base model in bfloat16
    computes its float32 adapter in bfloat16 too; the adapter's weights stay float32.
    """
    labels = batch["labels"]
    columns = learned_columns(labels)
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    inner = getattr(model, "module", model)  # what DistributedDataParallel wraps
    is_half = inner.dtype is torch.bfloat16
    with torch.autocast(labels.device.type, dtype=torch.bfloat16, enabled=is_half):
        output = model(**inputs, logits_to_keep=columns + 1, use_cache=False)
    logits = output.logits[:, :-1].float()
    wanted = labels[:, -columns:]
    losses = cross_entropy(
        logits.flatten(0, 1), wanted.flatten(), ignore_index=NOT_LEARNED, reduction="none"
    )
    return losses.view_as(wanted).sum(dim=1), (wanted != NOT_LEARNED).sum(dim=1)


def row_losses(
    model: Any,
    examples: Sequence[Example],
    *,
    pad_token_id: int,
    rows_per_pass: int,
    device: torch.device,
) -> list[tuple[float, int]]:
    """Of each example its summed loss and its learned tokens, in the order of `examples`."""
    found: dict[int, tuple[float, int]] = {}
    with torch.inference_mode():
        for places in _by_length(examples, rows_per_pass):
            batch = collate([examples[place] for place in places], pad_token_id)
            losses, counts = reply_losses(
                model, {name: value.to(device) for name, value in batch.items()}
            )
            for place, loss, count in zip(places, losses.tolist(), counts.tolist(), strict=True):
                found[place] = (loss, count)
    return [found[place] for place in range(len(examples))]


def _by_length(examples: Sequence[Example], size: int) -> Iterable[list[int]]:
    order = sorted(range(len(examples)), key=lambda place: examples[place].num_tokens)
    for start in range(0, len(order), size):
        yield order[start : start + size]
