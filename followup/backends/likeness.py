"""How much texts are like a question: cosines of their vectors."""

import threading
from collections.abc import Sequence

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from followup.backends.embedder import Embedder

MAX_KEPT = 16_384
"""Vectors of 384 float32 values: 25 MB."""
DECIMALS = 2
"""What vectors in bfloat16 tell apart, whatever else stood in their batch."""


class Likeness:
    """Compares texts with a question. Safe to call from several threads.

    Vectors of texts are kept, because the same documents answer many leads.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._kept: LRUCache[str, NDArray[np.float32]] = LRUCache(MAX_KEPT)
        self._lock = threading.Lock()

    def cosines(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosine of each text with the question, in the order of `texts`, to two decimals."""
        with self._lock:
            known = {text: self._kept.get(text) for text in texts}
        missing = [text for text, vector in known.items() if vector is None]
        asked, *found = self._embedder.embed([question, *missing])
        vectors = dict(zip(missing, found, strict=True))
        with self._lock:
            self._kept.update(vectors)
        table = {**known, **vectors}
        return [round(float(asked @ table[text]), DECIMALS) for text in texts]
