"""The passages of all tenants in Milvus: Milvus Lite's server or Milvus, by the same calls.

Ingestion calls `upsert` and `delete_documents`, then `flush` once; serving calls `version` and
`search`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from followup.backends.knowledge_version import KnowledgeVersions
from followup.backends.milvus_connection import MAINTENANCE_TIMEOUT_SECONDS, MilvusConnection
from followup.backends.milvus_rows import (
    documents_filter,
    ids_filter,
    passage_indexes,
    passage_schema,
    to_row,
)
from followup.backends.passage_search import PassageSearch, SearchOptions
from followup.backends.reranking import Reranker, build_reranker
from followup.backends.settings import RerankerSettings, VectorStoreSettings
from followup.backends.stored_documents import StoredDocuments
from followup.errors import InvalidInputError, SettingError
from followup.passage import Chunk, Passage

ROWS_PER_WRITE = 500


class VectorStore:
    """Passages of every tenant; each call names the tenant and sees nothing of the others.

    Every method that reaches Milvus raises PartUnavailableError, with `retry_after_seconds`, when
    it does not answer within `settings.timeout_seconds`, and InvalidInputError when the tenant, a
    source type or a size is not allowed.
    """

    def __init__(
        self, settings: VectorStoreSettings, dimension: int, reranker: Reranker | None = None
    ) -> None:
        """`reranker` serves the searches that ask for one; without it, the built-in one does."""
        reranker = reranker or build_reranker(RerankerSettings())
        self._dimension = dimension
        self._passages = settings.collection
        versions = f"{settings.collection}_versions"
        self._connection = MilvusConnection(settings, [self._passages, versions])
        self._search = PassageSearch(self._connection, self._passages, settings, reranker)
        self._stored = StoredDocuments(self._connection, self._passages)
        self._versions = KnowledgeVersions(self._connection, versions)

    async def ensure_collection(self) -> None:
        """Create what is missing; see `MilvusConnection.ensure_collection` on several processes.

        Raises:
            SettingError: the collection was made for vectors of another dimension.
        """
        await self._connection.ensure_collection(
            self._passages, passage_schema(self._dimension), passage_indexes()
        )
        await self._versions.ensure_collection()
        stored = await self._stored.dimension()
        if stored != self._dimension:
            message = (
                f"Collection '{self._passages}' holds vectors of {stored} numbers, the embedding "
                f"model makes {self._dimension}. Set another collection name and ingest again."
            )
            raise SettingError(message, field="collection")

    async def upsert(
        self,
        tenant: str,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        """Replace whole documents: `chunks` holds every chunk of each document it mentions.

        Chunks that an older form of a document had and the new one lacks are deleted. First chunks
        are written last of all, so a document that `document_hashes` lists with its new hash is
        there completely. Call `flush` once after the last upsert of an ingestion.

        Args:
            vectors: float32, shape (len(chunks), dimension), in the order of `chunks`.
            document_hashes: content hash of each document in `chunks`.
        """
        self._check_vectors(vectors, num_rows=len(chunks))
        rows = [
            to_row(tenant, chunk, vector, _hash_of(chunk.document, document_hashes))
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        if not rows:
            return
        outdated = (
            f"{documents_filter(tenant, {chunk.document for chunk in chunks})} "
            f"and {ids_filter(tenant, [row['id'] for row in rows], excluded=True)}"
        )
        await self._versions.change(tenant)
        await self._upsert_rows([row for row in rows if row["position"] > 0])
        await self._delete(outdated)
        await self._upsert_rows([row for row in rows if row["position"] == 0])
        await self._finish_change(tenant)

    async def delete_documents(self, tenant: str, documents: Iterable[str]) -> None:
        """Delete the chunks of these documents; names that are not there are no error."""
        names = list(documents)
        if not names:
            return
        expression = documents_filter(tenant, names)
        await self._versions.change(tenant)
        await self._delete(expression)
        await self._finish_change(tenant)

    async def flush(self) -> None:
        """Seal what was written, once after an ingestion: Milvus Lite indexes only sealed rows.

        Milvus Standalone allows one flush per collection in ten seconds; the call waits for it.
        """
        await self._connection.run(
            lambda client, seconds: client.flush(self._passages, timeout=seconds),
            timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS,
        )

    async def document_hashes(self, tenant: str) -> dict[str, str]:
        """Content hash by document name, of every document that was written completely."""
        return await self._stored.hashes(tenant)

    async def count(self, tenant: str) -> int:
        """Number of the tenant's chunks."""
        return await self._stored.count(tenant)

    async def version(self, tenant: str) -> str:
        """A name of the tenant's present knowledge base, never used again; one small read."""
        return await self._versions.read(tenant)

    async def search(
        self,
        tenant: str,
        query_text: str,
        query_vector: NDArray[np.float32],
        options: SearchOptions,
    ) -> list[Passage]:
        """At most `options.top_k` passages, best first; see `PassageSearch.search`.

        `query_vector` is float32, of length 1, shape (dimension,).
        """
        self._check_vectors(query_vector[np.newaxis, :], num_rows=1)
        return await self._search.search(tenant, query_text, query_vector, options)

    async def check_health(self) -> None:
        """Return when Milvus answers and has the collection."""
        found = await self._connection.run(
            lambda client, seconds: client.has_collection(self._passages, timeout=seconds)
        )
        if not found:
            raise self._connection.missing_collection()

    async def close(self) -> None:
        """Close the connection; calls in flight fail."""
        await self._connection.close()

    async def _finish_change(self, tenant: str) -> None:
        # A strong read first: whoever sees the new version also sees the changed chunks.
        await self.count(tenant)
        await self._versions.change(tenant)

    async def _upsert_rows(self, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), ROWS_PER_WRITE):
            batch = rows[start : start + ROWS_PER_WRITE]
            await self._connection.run(partial(_upsert, collection=self._passages, rows=batch))

    async def _delete(self, expression: str) -> None:
        await self._connection.run(
            lambda client, seconds: client.delete(
                self._passages, filter=expression, timeout=seconds
            )
        )

    def _check_vectors(self, vectors: NDArray[np.float32], *, num_rows: int) -> None:
        expected = (num_rows, self._dimension)
        if vectors.shape != expected or not np.isfinite(vectors).all():
            message = (
                f"Vectors have shape {vectors.shape}; finite numbers of shape {expected} are "
                "allowed. Embed every chunk with the model of this collection."
            )
            raise InvalidInputError(message, field="vectors")


def _upsert(client: Any, seconds: float, *, collection: str, rows: list[dict[str, Any]]) -> None:
    client.upsert(collection, rows, timeout=seconds)


def _hash_of(document: str, document_hashes: Mapping[str, str]) -> str:
    if document not in document_hashes:
        message = f"Document '{document}' has chunks but no hash in document_hashes."
        raise InvalidInputError(message, field="document_hashes")
    return document_hashes[document]
