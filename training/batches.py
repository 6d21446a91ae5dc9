"""Which rows make which step, and how rows become tensors.

The order depends on the seed and on the rows of a step alone, never on the number of workers: a
step of 16 rows is the same 16 rows whether one worker computes them or four, so a run that goes on
with other workers goes on with the same curve.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset

from followup.errors import SettingError
from training.examples import Example

NOT_LEARNED = -100
"""The label of a token that takes no part in the loss; what torch ignores by default."""
_GROUPED_STEPS = 20
"""Rows of so many steps are sorted by length together: little padding, yet mixed enough."""


def training_order(
    num_tokens: Sequence[int], batch_size: int, num_epochs: int, seed: int
) -> list[int]:
    """Indices of the rows in the order of training, in whole steps of `batch_size` rows.

    Rows of a step are of like length. Each epoch leaves out the rows that fill no whole step, other
    ones each time. Raises SettingError for fewer rows than a step has.
    """
    if len(num_tokens) < batch_size:
        message = (
            f"finetune.batch_size has value {batch_size}, but there are only {len(num_tokens)} "
            "training rows. Set a smaller one in training.yaml, or prepare more rows."
        )
        raise SettingError(message, field="batch_size")
    draw = random.Random(seed)  # noqa: S311 - an order, not a secret
    order: list[int] = []
    for _ in range(num_epochs):
        shuffled = draw.sample(range(len(num_tokens)), len(num_tokens))
        steps: list[list[int]] = []
        for start in range(0, len(shuffled), batch_size * _GROUPED_STEPS):
            group = shuffled[start : start + batch_size * _GROUPED_STEPS]
            group.sort(key=lambda index: num_tokens[index])
            whole = len(group) - len(group) % batch_size
            dropped = len(group) - whole
            kept = sorted(draw.sample(range(len(group)), whole)) if dropped else range(whole)
            rows = [group[place] for place in kept]
            steps += [rows[at : at + batch_size] for at in range(0, whole, batch_size)]
        draw.shuffle(steps)
        order += [index for step in steps for index in step]
    return order


class OrderedExamples(Dataset[Example]):
    """The examples of a whole run, one after the other."""

    def __init__(self, examples: Sequence[Example], order: Sequence[int]) -> None:
        self._examples = examples
        self._order = order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Example:
        return self._examples[self._order[place]]


def collate(examples: Sequence[Example], pad_token_id: int) -> dict[str, Tensor]:
    """input_ids, attention_mask, position_ids and labels, each rows x tokens, padded on the left.

    With all replies at the right end the model's head need not be computed for the prompts, which
    are most of the tokens (`learned_columns`).
    """
    width = max(example.num_tokens for example in examples)
    ids, mask, labels = [], [], []
    for example in examples:
        padding = width - example.num_tokens
        ids.append([pad_token_id] * padding + example.prompt_ids + example.target_ids)
        mask.append([0] * padding + [1] * example.num_tokens)
        skipped = padding + len(example.prompt_ids)
        labels.append([NOT_LEARNED] * skipped + example.target_ids)
    attention = torch.tensor(mask)
    return {
        "input_ids": torch.tensor(ids),
        "attention_mask": attention,
        "position_ids": (attention.cumsum(dim=1) - 1).clamp(min=0),
        "labels": torch.tensor(labels),
    }


def learned_columns(labels: Tensor) -> int:
    """How many columns at the right end hold every label that is learned."""
    columns = (labels != NOT_LEARNED).any(dim=0)
    return int(columns.shape[0] - int(columns.int().argmax()))
