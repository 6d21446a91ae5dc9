"""Candidates of a search, made for tests."""

from collections.abc import Sequence

import numpy as np

from followup.backends.ranking import Candidate, indexed_text
from followup.passage import Chunk


def make_candidate(
    name: str,
    cosine: float = 0.5,
    bm25: float | None = None,
    source_type: str = "faq",
    text: str = "x",
    title: str = "",
    vector: Sequence[float] = (1.0, 0.0),
) -> Candidate:
    """A candidate whose id and document are `name`."""
    chunk = Chunk(
        chunk_id=name, document=name, title=title, source_type=source_type, position=0, text=text
    )
    return Candidate(
        chunk=chunk,
        cosine=cosine,
        bm25=bm25,
        vector=np.array(vector, dtype=np.float32),
        terms=tuple(indexed_text(chunk).split()),
    )
