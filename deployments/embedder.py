"""The embedder node: texts to vectors, calls that come together in one forward pass."""

import asyncio
import time

import numpy as np
import numpy.typing as npt
from ray import serve

from deployments.metrics import NodeMetrics
from followup.backends.embedder import Embedder, mean_vector
from followup.backends.likeness import Likeness
from followup.backends.settings import EmbedderSettings

MAX_BATCH_SIZE = 32


class EmbedderNode:
    """Holds an `Embedder`."""

    def __init__(self, settings: EmbedderSettings) -> None:
        self._embedder = Embedder(settings)
        self._likeness = Likeness(self._embedder)
        self._metrics = NodeMetrics("embedder")

    async def embed(self, tenant: str, texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Mean vector of texts: float32, shape (dimension,), of length 1."""
        start = time.perf_counter()
        vector = mean_vector(await asyncio.gather(*map(self._embed_batch, texts)))
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        return vector

    async def likeness(self, tenant: str, question: str, texts: tuple[str, ...]) -> list[float]:
        """Cosine of each text with the question, -1 to 1."""
        start = time.perf_counter()
        cosines = await asyncio.to_thread(self._likeness.cosines, question, texts)
        self._metrics.seconds.observe(time.perf_counter() - start, tags={"tenant": tenant})
        return cosines

    async def dimension(self) -> int:
        """Length of the vectors."""
        return self._embedder.dimension

    async def fingerprint(self) -> str:
        """Changes with anything that changes a vector: names the collection of the passages."""
        return self._embedder.fingerprint

    # No wait for company: a batch is what came while the one before was at work.
    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=0.0)  # type: ignore[untyped-decorator]  # Ray has no types
    async def _embed_batch(self, texts: list[str]) -> list[npt.NDArray[np.float32]]:
        return list(await asyncio.to_thread(self._embedder.embed, texts))

    async def check_health(self) -> None:
        """The model is in memory once the constructor has returned, and cannot leave it."""
