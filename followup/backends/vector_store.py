"""The passages of all tenants in Milvus: Milvus Lite's server or Milvus, by the same calls.

Ingestion writes a `KnowledgeDraft` and publishes it; serving calls `version` and `search`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from followup.backends.current_collection import CurrentCollection
from followup.backends.knowledge_draft import KnowledgeDraft
from followup.backends.knowledge_version import KnowledgeState, KnowledgeVersions
from followup.backends.milvus_connection import MilvusConnection
from followup.backends.milvus_rows import (
    check_vectors,
    passage_indexes,
    passage_schema,
    visible_filter,
)
from followup.backends.passage_search import PassageSearch, SearchOptions
from followup.backends.reranking import Reranker, build_reranker
from followup.backends.settings import RerankerSettings, VectorStoreSettings
from followup.backends.stored_documents import StoredDocuments
from followup.errors import SettingError
from followup.passage import Chunk, Passage


def collection_name(settings: VectorStoreSettings, model: str) -> str:
    """The collection of an embedding model's vectors; the setting itself where none is named.

    Every model has its own, so that a service goes on with the old vectors until it is started with
    the new model, and never compares vectors of two.
    """
    return f"{settings.collection}_{model}" if model else settings.collection


def versions_name(collection: str) -> str:
    """The collection that holds the tenants' states of another one."""
    return f"{collection}_versions"


class VectorStore:
    """Passages of every tenant; each call names the tenant and sees nothing of the others.

    Every method that reaches Milvus raises PartUnavailableError, with `retry_after_seconds`, when
    it does not answer within `settings.timeout_seconds` (maintenance: longer), and
    InvalidInputError when the tenant, a source type or a size is not allowed.
    """

    connection: MilvusConnection
    documents: StoredDocuments
    """Raw reads, for verification."""

    def __init__(
        self,
        settings: VectorStoreSettings,
        dimension: int,
        reranker: Reranker | None = None,
        *,
        model: str = "",
    ) -> None:
        """`reranker` serves the searches that ask for one; without it, the built-in one does.
        `model` is the fingerprint of the embedding model, see `collection_name`."""
        reranker = reranker or build_reranker(RerankerSettings())
        self._dimension = dimension
        self._has_model = bool(model)
        self._alias = settings.collection
        self._passages = collection_name(settings, model)
        versions = versions_name(self._passages)
        self.connection = MilvusConnection(settings, [self._passages, versions])
        self._versions = KnowledgeVersions(self.connection, versions)
        self._search = PassageSearch(
            self.connection, self._passages, self._versions, settings, reranker
        )
        self.documents = StoredDocuments(self.connection, self._passages)

    async def ensure_collection(self) -> None:
        """Create what is missing; see `MilvusConnection.ensure_collection` on several processes.

        Raises:
            SettingError: the collection was made for vectors of another dimension.
        """
        await self.connection.ensure_collection(
            self._passages, passage_schema(self._dimension), passage_indexes()
        )
        await self._versions.ensure_collection()
        stored = await self.documents.dimension()
        if stored != self._dimension:
            message = (
                f"Collection '{self._passages}' holds vectors of {stored} numbers, the embedding "
                f"model makes {self._dimension}. Set another collection name and ingest again."
            )
            raise SettingError(message, field="collection")

    async def open_draft(self, tenant: str) -> KnowledgeDraft:
        """The tenant's next state, to be written and published; the collection must be there.

        What a broken run left is found again: see `KnowledgeDraft.hashes`.
        """
        state = await self._versions.read(tenant)
        draft = KnowledgeDraft(
            tenant,
            self.connection,
            self._passages,
            self._versions,
            state,
            dimension=self._dimension,
        )
        await draft.recover()
        return draft

    async def upsert(
        self,
        tenant: str,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        """Replace whole documents and publish; the tenant's others stay. See `KnowledgeDraft`."""
        draft = await self.open_draft(tenant)
        await draft.discard()
        await draft.write(chunks, vectors, document_hashes)
        await draft.publish(draft.hashes().keys())

    async def delete_documents(self, tenant: str, documents: Iterable[str]) -> None:
        """Delete these documents and publish; names that are not there are no error."""
        draft = await self.open_draft(tenant)
        # What a broken run wrote is not what was asked to be published.
        await draft.discard()
        await draft.publish(draft.hashes().keys() - set(documents))

    async def make_current(self) -> list[str]:
        """Let the alias stand for this model's collection, once every tenant of the one before is
        in it; the tenants that are still missing."""
        if not self._has_model:
            return []
        current = CurrentCollection(self.connection, self._alias)
        before = await current.read()
        missing: set[str] = set()
        if before is not None and before != self._passages:
            self.connection.include(before, versions_name(before))
            old = KnowledgeVersions(self.connection, versions_name(before))
            holding = {name for name, s in (await old.read_all()).items() if s.num_documents}
            missing = holding - (await self._versions.read_all()).keys()
        if not missing:
            await current.switch(self._passages)
        return sorted(missing)

    async def document_hashes(self, tenant: str) -> dict[str, str]:
        """Content hash by document name, as readers see them now."""
        return await self.documents.hashes(tenant, (await self._versions.read(tenant)).generation)

    async def count(self, tenant: str) -> int:
        """Number of the tenant's chunks that readers see now."""
        generation = (await self._versions.read(tenant)).generation
        return await self.documents.count(visible_filter(tenant, generation))

    async def version(self, tenant: str) -> str:
        """A name of the tenant's present knowledge base, never used again; one small read."""
        return (await self.state(tenant)).version

    async def state(self, tenant: str) -> KnowledgeState:
        """What the tenant's last publication said of itself."""
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
        check_vectors(query_vector[np.newaxis, :], num_rows=1, dimension=self._dimension)
        return await self._search.search(tenant, query_text, query_vector, options)

    async def drop(self) -> None:
        """Delete the collection with the documents of all tenants."""
        await self.connection.drop_collections([self._passages, self._versions.collection])

    async def check_health(self) -> None:
        """Return when Milvus answers and has the collection."""
        found = await self.connection.run(
            lambda client, seconds: client.has_collection(self._passages, timeout=seconds)
        )
        if not found:
            raise self.connection.missing_collection()

    async def close(self) -> None:
        """Close the connection; calls in flight fail."""
        await self.connection.close()
