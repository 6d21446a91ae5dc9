"""Texts to unit vectors: the one class that ingestion, serving and bulk embed with."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.settings import EmbedderSettings
from followup.backends.token_counter import reads_words_apart

logger = logging.getLogger(__name__)

MIN_SPEEDUP = 1.2
MIN_COSINE = 0.999
# The length of a usual chunk: about 120 tokens. Four of them keep the check below a second.
_CHECK_TEXTS = tuple(
    f"Plan {plan} bills {users} users a month. " * 12 for plan, users in enumerate((5, 20, 80, 300))
)
_CHECK_PASSES = 2
# oneDNN makes code for each shape of a batch, which takes as long as the batch itself, and keeps
# it: with every length of its own the memory of a long ingestion grows by a third.
_PADDING = {"text": {"pad_to_multiple_of": 16}}
# Characters, about 130 tokens: to compute so much for nothing takes as long as a further batch.
_MAX_PADDING = 600


def mean_vector(
    vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32],
) -> NDArray[np.float32]:
    """Mean of vectors, each of shape (dimension,), at length 1: of one, that one itself."""
    mean: NDArray[np.float32] = np.asarray(vectors, dtype=np.float32).mean(axis=0)
    return mean / np.float32(np.linalg.norm(mean))


@dataclass(frozen=True)
class PrecisionCheck:
    """What the check of bfloat16 against float32 measured, on one batch of four chunks."""

    float32_seconds: float
    bfloat16_seconds: float
    min_cosine: float

    @property
    def prefers_bfloat16(self) -> bool:
        faster = self.float32_seconds >= MIN_SPEEDUP * self.bfloat16_seconds
        return faster and self.min_cosine > MIN_COSINE


class Embedder:
    """A sentence-transformers model from a local folder; nothing is fetched.

    Safe to call from several threads; one text batch runs at a time.

    Raises:
        SettingError: the folder is not there.
    """

    def __init__(self, settings: EmbedderSettings, num_threads: int | None = None) -> None:
        """`num_threads` is set for all of torch in this process; None leaves it as it is.

        One is right beside an engine: torch's threads spin where others hold the cores.
        """
        if num_threads is not None:
            torch.set_num_threads(num_threads)
        self.fingerprint = model_fingerprint(settings)
        self._settings = settings
        # The tokenizer keeps its truncation as state, so two threads may not use it at once.
        self._lock = threading.Lock()
        self._model = self._load()
        self.precision_check: PrecisionCheck | None = None
        self.precision = self._choose_precision()
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32, shape (len(texts), dimension), in the order of `texts`.

        Texts are batched by length, so a list gives the same vectors every time. A text longer
        than `max_tokens` is cut there.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._lock:
            return self._encode(self._model, texts)

    def embed_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text the vectors of its tokens, length 1, shape (tokens, dimension).

        The two tokens that the model adds at a text's ends are left out. A text longer than
        `max_tokens` is cut there.
        """
        found: dict[int, NDArray[np.float32]] = {}
        for places in _of_like_length(texts):
            with self._lock:
                read = self._model.encode(
                    [texts[place] for place in places],
                    batch_size=self._settings.batch_size,
                    output_value="token_embeddings",
                    show_progress_bar=False,
                    processing_kwargs=_PADDING,
                )
            unit = (torch.nn.functional.normalize(tokens.float(), dim=1) for tokens in read)
            vectors = (np.ascontiguousarray(tokens[1:-1].cpu().numpy()) for tokens in unit)
            found.update(zip(places, vectors, strict=True))
        return [found[place] for place in range(len(texts))]

    @property
    def counts_add_up(self) -> bool:
        """Whether a text has as many tokens as its parts between spaces have together."""
        backend = getattr(self._model.tokenizer, "backend_tokenizer", None)
        return backend is not None and reads_words_apart(backend)  # slow tokenizers have none

    def count_tokens(self, text: str) -> int:
        """Tokens of the whole text, with the two that the model adds at its ends."""
        return self.count_tokens_batch([text])[0]

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        """As `count_tokens`, for many texts in one call: most of a call's time is its own."""
        if not texts:
            return []
        with self._lock:
            encoded = self._model.tokenizer(list(texts), truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _load(self) -> Any:
        return SentenceTransformer(
            str(self._settings.model_path),
            device=self._settings.device,
            local_files_only=True,
            model_kwargs={"dtype": torch.float32},
        )

    def _encode(self, model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = model.encode(
            list(texts),
            batch_size=self._settings.batch_size,
            convert_to_tensor=True,
            show_progress_bar=False,
            processing_kwargs=_PADDING,
        )
        # Normalised in float32: bfloat16 has 8 bits, too few for a length of 1.
        unit = torch.nn.functional.normalize(vectors.float(), dim=1)
        return np.ascontiguousarray(unit.cpu().numpy(), dtype=np.float32)

    def _choose_precision(self) -> str:
        wanted = self._settings.precision
        if wanted == "auto" and not _has_bfloat16(self._settings.device):
            wanted = "float32"
        if wanted != "auto":
            self._model.to(getattr(torch, wanted))
            return wanted
        self.precision_check = self._measure()
        if self.precision_check.prefers_bfloat16:
            return "bfloat16"
        self._model = self._load()  # its weights were rounded by the check
        return "float32"

    def _measure(self) -> PrecisionCheck:
        """Time both precisions; the model is bfloat16 afterwards."""
        float32_seconds, exact = self._time_check_batch()
        self._model.to(torch.bfloat16)
        bfloat16_seconds, rounded = self._time_check_batch()
        check = PrecisionCheck(
            float32_seconds=float32_seconds,
            bfloat16_seconds=bfloat16_seconds,
            min_cosine=float((exact * rounded).sum(axis=1).min()),
        )
        logger.info("Embedding precision: %s", check)
        return check

    def _time_check_batch(self) -> tuple[float, NDArray[np.float32]]:
        """Seconds of the fastest pass after a first one that is not counted, and the vectors."""
        vectors = self._encode(self._model, _CHECK_TEXTS)
        seconds = []
        for _ in range(_CHECK_PASSES):
            start = time.perf_counter()
            self._encode(self._model, _CHECK_TEXTS)
            seconds.append(time.perf_counter() - start)
        return min(seconds), vectors


def _of_like_length(texts: Sequence[str]) -> list[list[int]]:
    """The indices of the texts in groups, the longest first, with little to pad within each."""
    groups: list[list[int]] = []
    padding = 0
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        padding += len(texts[groups[-1][0]]) - len(texts[place]) if groups else 0
        if not groups or padding > _MAX_PADDING:
            groups.append([])
            padding = 0
        groups[-1].append(place)
    return groups


def _has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16; elsewhere it is emulated, slowly."""
    if device.startswith("cpu"):
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return True
