"""Aligns texts with sources by the token vectors of the embedding model."""

import threading
from collections.abc import Sequence
from itertools import chain, islice

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from followup.alignment import Alignment
from followup.backends.embedder import Embedder
from followup.sentences import split_sentences

MAX_CACHED_SOURCES = 1_024
"""About 0.2 MB each at 250 tokens of 384 half-precision values: 200 MB at most."""
_MAX_PIECE_WORDS = 120
"""About 160 tokens; models of this kind read 256 or more."""
_WEAKEST_SHARE = 0.25
_NO_ALIGNMENT = Alignment(mean=-1.0, weakest=-1.0)
Vectors = NDArray[np.float32]


class EmbeddingAligner:
    """A SentenceAligner on an Embedder. Safe to call from several threads.

    Sources are kept once read, because the same passages answer many leads. All texts that are not
    known go through the model in one call.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._sources: LRUCache[str, NDArray[np.float16]] = LRUCache(MAX_CACHED_SOURCES)
        self._lock = threading.Lock()

    def align(self, texts: Sequence[str], sources: Sequence[str]) -> list[list[Alignment]]:
        """An alignment of each text with each source; see SentenceAligner."""
        with self._lock:
            known = {source: self._sources.get(source) for source in sources}
        missing = [source for source, vectors in known.items() if vectors is None]
        pieces = [_pieces(source) for source in missing]
        read = self._embedder.embed_tokens([*texts, *chain.from_iterable(pieces)])
        of_pieces = iter(read[len(texts) :])
        for source, own in zip(missing, pieces, strict=True):
            vectors = np.concatenate(list(islice(of_pieces, len(own)))).astype(np.float16)
            known[source] = vectors
            with self._lock:
                self._sources[source] = vectors
        table = [known[source] for source in sources]
        columns = [_align_all(read[: len(texts)], vectors) for vectors in table]
        return [list(row) for row in zip(*columns, strict=True)]


def _pieces(source: str) -> list[str]:
    """The source in runs of whole sentences that the model reads without cutting them off."""
    pieces: list[str] = []
    for sentence in split_sentences(source):
        if pieces and len(f"{pieces[-1]} {sentence}".split()) <= _MAX_PIECE_WORDS:
            pieces[-1] = f"{pieces[-1]} {sentence}"
        else:
            pieces.append(sentence)
    return pieces or [source]


def _align_all(texts: Sequence[Vectors], source: NDArray[np.float16] | None) -> list[Alignment]:
    """Each text with one source; one product of matrices for all texts."""
    if source is None or not len(source) or not texts:
        return [_NO_ALIGNMENT] * len(texts)
    # Torch keeps to the threads that it was given; those of numpy spin beside an engine.
    ours, theirs = torch.from_numpy(np.concatenate(texts)), torch.from_numpy(source).float()
    best = (ours @ theirs.T).amax(dim=1).numpy()
    ends = np.cumsum([len(text) for text in texts])
    return [_alignment(own) for own in np.split(best, ends[:-1])]


def _alignment(best: Vectors) -> Alignment:
    if not len(best):
        return _NO_ALIGNMENT
    num_weakest = max(1, int(len(best) * _WEAKEST_SHARE))
    return Alignment(mean=float(best.mean()), weakest=float(np.sort(best)[:num_weakest].mean()))
