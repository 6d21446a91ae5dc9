"""A static batch of sequences on a transformers model, stepped one token at a time.

Rows are padded on the left. Each has a sampling, a seed and an end of its own; new rows wait until
every row of the running batch has ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from followup.backends.engines.mixed_model import MixedModel
from followup.backends.engines.protocol import Sampling


class RowStatus(Enum):
    """Where a row stands."""

    RUNNING = 1
    FINISHED = 2
    CANCELLED = 3


@dataclass(frozen=True, slots=True)
class RowRules:
    """How a row's tokens are drawn and when it ends."""

    sampling: Sampling
    ends: Callable[[list[int]], bool]
    """Whether the generated token ids hold an end of turn or a stop string."""
    adapter: str | None = None


@dataclass(eq=False, slots=True)
class Row:
    """One sequence: its own output, and the handle that the step loop holds."""

    input_ids: list[int]
    rules: RowRules
    generator: torch.Generator
    status: RowStatus = RowStatus.RUNNING
    generated_ids: list[int] = field(default_factory=list)
    generated_log_probs: list[float] = field(default_factory=list)

    def get_status(self) -> RowStatus:
        """Where the row stands after the last step."""
        return self.status

    def read_all(self) -> list["Row"]:
        """The row itself: it holds its output."""
        return [self]

    def cancel(self) -> None:
        """Take no further tokens; the row's place is free at once."""
        self.status = RowStatus.CANCELLED

    def take(self, logits: Tensor) -> None:
        """Draw the next token from logits of shape 1 x vocabulary, unless the row has ended."""
        if self.status is not RowStatus.RUNNING:
            return
        token_id = self._draw(logits)
        self.generated_ids.append(token_id)
        self.generated_log_probs.append(float(logits.log_softmax(dim=-1)[0, token_id]))
        full = len(self.generated_ids) >= self.rules.sampling.max_tokens
        if full or self.rules.ends(self.generated_ids):
            self.status = RowStatus.FINISHED

    def _draw(self, logits: Tensor) -> int:
        sampling = self.rules.sampling
        seen = torch.tensor([self.input_ids + self.generated_ids], device=logits.device)
        if sampling.repetition_penalty != 1.0:
            logits = RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)(seen, logits)
        if sampling.is_greedy:
            return int(logits.argmax())
        logits = TemperatureLogitsWarper(sampling.temperature)(seen, logits)
        if sampling.top_p < 1:
            logits = TopPLogitsWarper(sampling.top_p)(seen, logits)
        probabilities = logits.softmax(dim=-1)
        return int(torch.multinomial(probabilities, 1, generator=self.generator))


class StaticBatch:
    """The pipeline of the step loop: the running rows, and the rows that form the next batch."""

    def __init__(self, model: MixedModel) -> None:
        self._model = model
        self._pending: list[Row] = []
        self._rows: list[Row] = []
        self._cache = DynamicCache()
        self._mask = torch.empty(0)

    def add_request(self, _request_id: int, input_ids: list[int], rules: RowRules) -> Row:
        """Put a row (token ids, RowRules) into the next batch."""
        generator = torch.Generator(self._model.device).manual_seed(rules.sampling.seed)
        row = Row(input_ids, rules, generator)
        self._pending.append(row)
        return row

    @torch.inference_mode()
    def step(self) -> None:
        """One token for every running row; with none running, the pending rows become the batch."""
        if any(row.status is RowStatus.RUNNING for row in self._rows):
            # A row that has ended repeats its last token: its place in the batch is only padding.
            tokens = torch.tensor([[row.generated_ids[-1]] for row in self._rows])
            self._mask = torch.cat([self._mask, torch.ones(len(self._rows), 1)], dim=1)
        else:
            self._rows = [row for row in self._pending if row.status is RowStatus.RUNNING]
            self._pending = []
            if not self._rows:
                return
            tokens, self._mask = _pad_left([row.input_ids for row in self._rows])
            self._cache = DynamicCache(config=self._model.config)
        logits = self._forward(tokens)
        for index, row in enumerate(self._rows):
            row.take(logits[index : index + 1])

    def _forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token, float32, rows x vocabulary, from rows x new tokens."""
        device = self._model.device
        positions = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        output = self._model.forward(
            [row.rules.adapter for row in self._rows],
            input_ids=tokens.to(device),
            attention_mask=self._mask.long().to(device),
            position_ids=positions.long().to(device),
            past_key_values=self._cache,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1].float()
        return logits


def _pad_left(sequences: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, both rows x longest; what is padded is masked, so any id will do."""
    longest = max(len(sequence) for sequence in sequences)
    num_padding = [longest - len(sequence) for sequence in sequences]
    tokens = [[0] * n + sequence for n, sequence in zip(num_padding, sequences, strict=True)]
    mask = [[0.0] * n + [1.0] * (longest - n) for n in num_padding]
    return torch.tensor(tokens), torch.tensor(mask)
