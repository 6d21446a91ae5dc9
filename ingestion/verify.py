"""Checks what the store holds of a tenant: counts, orphans, sample queries, embedding drift."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from followup.backends.knowledge_version import KnowledgeState
from followup.backends.milvus_rows import CHUNK_FIELDS, tenant_filter, to_chunk, visible_filter
from followup.backends.passage_search import SearchOptions
from followup.passage import Passage
from ingestion.chunking import contextual_text
from ingestion.stages import TextEmbedder

MIN_COSINE = 0.99
"""Of a stored vector and the same text embedded now; bfloat16 against float32 is 0.999."""
MIN_FOUND = 0.9
TOP_K = 5
IDS_PER_QUERY = 100
SEED = 7


class StoredRows(Protocol):
    """`followup.backends.stored_documents.StoredDocuments`."""

    async def rows(self, expression: str, fields: list[str]) -> list[Any]:
        """Every row."""


class VerifiedStore(Protocol):
    """What verification needs of the vector store."""

    @property
    def documents(self) -> StoredRows:
        """Raw reads."""

    async def state(self, tenant: str) -> KnowledgeState:
        """What the last publication said."""

    async def search(
        self,
        tenant: str,
        query_text: str,
        query_vector: NDArray[np.float32],
        options: SearchOptions,
    ) -> list[Passage]:
        """As served."""


@dataclass(slots=True)
class Verification:
    """What was found; `faults` says what is wrong, in sentences."""

    tenant: str
    generation: int = 0
    published_documents: int = 0
    published_chunks: int = 0
    num_documents: int = 0
    num_chunks: int = 0
    incomplete: list[str] = field(default_factory=list)
    """Documents whose chunks are not 0 to n - 1, each once."""
    num_orphans: int = 0
    """Rows that no reader sees: what a run that was broken off wrote. The next run takes it up."""
    num_sampled: int = 0
    share_found: float = 1.0
    """Sampled chunks whose own document is among the first passages for their text."""
    min_cosine: float = 1.0
    """Lowest cosine of a sampled chunk's stored vector and its text embedded now."""

    @property
    def faults(self) -> list[str]:
        """Empty where all is well."""
        found = []
        published = (self.published_documents, self.published_chunks)
        if published != (self.num_documents, self.num_chunks):
            found.append(
                f"{self.num_documents} documents and {self.num_chunks} chunks are there, "
                f"{published[0]} and {published[1]} were published"
            )
        if self.incomplete:
            names = ", ".join(self.incomplete[:10])
            found.append(f"{len(self.incomplete)} documents lack chunks: {names}")
        if self.share_found < MIN_FOUND:
            found.append(f"only {self.share_found:.0%} of the sampled chunks are found")
        if self.min_cosine < MIN_COSINE:
            found.append(
                f"a stored vector has cosine {self.min_cosine:.3f} to its text embedded now; the "
                "model has changed"
            )
        if found:
            found.append("Mend it with: lead-assistant ingest delete --all, then ingest again")
        return found

    def describe(self) -> list[str]:
        """Lines for people."""
        lines = [
            f"tenant {self.tenant}: generation {self.generation}, {self.num_documents} documents, "
            f"{self.num_chunks} chunks",
            f"rows of a run that was broken off: {self.num_orphans}",
            f"sample of {self.num_sampled} chunks: {self.share_found:.0%} found by their own text, "
            f"lowest cosine to the vector embedded now {self.min_cosine:.4f}",
        ]
        return [*lines, *(f"FAULT: {fault}" for fault in self.faults)] or lines


async def verify(
    tenant: str, store: VerifiedStore, embedder: TextEmbedder, sample_size: int
) -> Verification:
    """Look at every row's keys, and at a sample of the chunks. Changes nothing."""
    state = await store.state(tenant)
    visible = visible_filter(tenant, state.generation)
    rows = await store.documents.rows(visible, ["id", "document", "position"])
    every = await store.documents.rows(tenant_filter(tenant), ["id"])
    positions: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        positions[row["document"]].append(row["position"])
    found = Verification(
        tenant=tenant,
        generation=state.generation,
        published_documents=state.num_documents,
        published_chunks=state.num_chunks,
        num_documents=len(positions),
        num_chunks=len(rows),
        incomplete=sorted(n for n, p in positions.items() if sorted(p) != list(range(len(p)))),
        num_orphans=len(every) - len(rows),
    )
    ids = sorted(row["id"] for row in rows)
    sampled = random.Random(SEED).sample(ids, min(sample_size, len(ids)))  # noqa: S311 - no secret
    if sampled:
        await _check_sample(found, visible, sampled, store, embedder)
    return found


async def _check_sample(
    found: Verification,
    visible: str,
    ids: Sequence[str],
    store: VerifiedStore,
    embedder: TextEmbedder,
) -> None:
    rows: list[Any] = []
    for start in range(0, len(ids), IDS_PER_QUERY):
        literals = ", ".join(f'"{key}"' for key in ids[start : start + IDS_PER_QUERY])
        expression = f"{visible} and id in [{literals}]"
        rows += await store.documents.rows(expression, [*CHUNK_FIELDS, "dense"])
    chunks = [to_chunk(row) for row in rows]
    stored = np.array([row["dense"] for row in rows], dtype=np.float32)
    vectors = embedder.embed([contextual_text(chunk) for chunk in chunks])
    num_found = 0
    for chunk, vector in zip(chunks, vectors, strict=True):
        passages = await store.search(found.tenant, chunk.text, vector, SearchOptions(TOP_K))
        # A copy of the chunk in another document is as good: near-equal ones are left out.
        num_found += any(
            passage.chunk.document == chunk.document or passage.chunk.text == chunk.text
            for passage in passages
        )
    found.num_sampled = len(chunks)
    found.share_found = num_found / len(chunks)
    found.min_cosine = float((stored * vectors).sum(axis=1).min())
