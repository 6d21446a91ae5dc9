"""A model for natural language inference as the judge of plain statements; off by default."""

import threading
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from followup.errors import SettingError

MAX_TOKENS = 512
BATCH_SIZE = 16


class InferenceJudge:
    """A SupportJudge on a sequence classifier with a label such as "entailment".

    The model reads the source as premise and the statement as hypothesis; a source that does not
    fit is cut at its end. Nothing is fetched. Safe to call from several threads.

    Raises:
        SettingError: the folder is not there, or not exactly one label starts with "entail".
    """

    def __init__(self, model_path: Path, device: str = "cpu") -> None:
        if not model_path.is_dir():
            message = (
                f"The judge model folder '{model_path}' is not there. Name the folder of a "
                "sequence classifier, or none."
            )
            raise SettingError(message, field="judge_model_path")
        self._tokenizer = AutoTokenizer.from_pretrained(model_path, local_files_only=True)
        self._model = AutoModelForSequenceClassification.from_pretrained(
            model_path, local_files_only=True
        )
        self._model.to(device).eval()
        self._entailment = _entailment_index(self._model.config.id2label, model_path)
        # The tokenizer keeps its truncation as state, so two threads may not use it at once.
        self._lock = threading.Lock()

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (source, statement) the probability of entailment, 0 to 1, in order."""
        found: list[float] = []
        with self._lock, torch.inference_mode():
            for start in range(0, len(pairs), BATCH_SIZE):
                found.extend(self._judge(pairs[start : start + BATCH_SIZE]))
        return found

    def _judge(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        sources, statements = zip(*pairs, strict=True)
        encoded = self._tokenizer(
            list(sources),
            list(statements),
            padding=True,
            truncation="only_first",
            max_length=MAX_TOKENS,
            return_tensors="pt",
        ).to(self._model.device)
        probabilities = self._model(**encoded).logits.float().softmax(dim=1)
        return [float(value) for value in probabilities[:, self._entailment]]


def _entailment_index(labels: dict[int, str], model_path: Path) -> int:
    found = [index for index, label in labels.items() if label.lower().startswith("entail")]
    if len(found) == 1:
        return found[0]
    message = (
        f"The judge model '{model_path}' has the labels {sorted(labels.values())}; exactly one "
        "must start with 'entail'."
    )
    raise SettingError(message, field="judge_model_path")
