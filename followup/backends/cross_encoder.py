"""A cross-encoder as the reranker: it reads query and passage together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder

from followup.backends.ranking import Candidate, Query
from followup.backends.settings import RerankerSettings
from followup.errors import SettingError


class CrossEncoderReranker:
    """Any sentence-transformers CrossEncoder with one output; nothing is fetched.

    Raises:
        SettingError: the folder is not there, or the model has several outputs.
    """

    def __init__(self, settings: RerankerSettings) -> None:
        if settings.model_path is None or not settings.model_path.is_dir():
            message = (
                f"The reranking model's folder '{settings.model_path}' does not exist. "
                "Put it in place with: lead-assistant models pull"
            )
            raise SettingError(message, field="reranking_model")
        self._settings = settings
        self._model = _load(settings)

    def values(
        self, query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See `Reranker.values`. Only the first `num_passages` of the fused order are read."""
        order = np.argsort(-fused, kind="stable")
        read = order[: self._settings.num_passages]
        pairs = [(query.text, _text(candidates[row])) for row in read]
        scores = self._model.predict(
            pairs, batch_size=self._settings.batch_size, show_progress_bar=False
        )
        # What was not read stays behind what was, in its fused order: all of it lies below 0.5.
        values = fused / 2 / max(float(fused.max()), 1.0)
        values[read] = 0.5 + np.asarray(scores, dtype=np.float64) / 2
        return values


def _load(settings: RerankerSettings) -> Any:
    model = CrossEncoder(
        str(settings.model_path),
        device=settings.device,
        local_files_only=True,
        activation_fn=torch.nn.Sigmoid(),
    )
    if model.num_labels != 1:
        message = (
            f"The reranking model '{settings.model_name}' has {model.num_labels} outputs; "
            "a model with one, the relevance, is needed."
        )
        raise SettingError(message, field="reranking_model")
    return model


def _text(candidate: Candidate) -> str:
    chunk = candidate.chunk
    return "\n".join(part for part in (chunk.title, chunk.section, chunk.text) if part)
