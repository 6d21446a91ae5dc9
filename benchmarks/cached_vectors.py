"""Vectors of texts that every run of a benchmark embeds again, kept on disk.

A file is named by a hash of the model and the texts, so that none is ever outdated. The precision
is left out for the reason that `model_fingerprint` gives.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from followup.backends.embedder import Embedder

FOLDER = Path(__file__).parents[1] / ".lead-assistant" / "benchmark_vectors"


class CachedEmbedder:
    """An embedder, for ingestion too, that looks on disk first; one file for each call."""

    def __init__(self, embedder: Embedder, folder: Path = FOLDER) -> None:
        self._embedder = embedder
        self._folder = folder
        self.fingerprint = embedder.fingerprint
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens
        self.counts_add_up = embedder.counts_add_up
        self.count_tokens_batch = embedder.count_tokens_batch

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`."""
        path = self._folder / f"{self._key(texts)}.npy"
        if path.is_file():
            found: NDArray[np.float32] = np.load(path)
            return found
        vectors = self._embedder.embed(texts)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        with temporary.open("wb") as file:
            np.save(file, vectors)
        temporary.replace(path)
        return vectors

    def _key(self, texts: Sequence[str]) -> str:
        hashed = hashlib.sha256(self.fingerprint.encode())
        for text in texts:
            hashed.update(b"\0" + text.encode())
        return hashed.hexdigest()[:32]
