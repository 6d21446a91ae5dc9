"""What is stored of the tenants' documents, read without loading an embedding model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.settings import Settings
from followup.backends.current_collection import CurrentCollection
from followup.backends.knowledge_version import KnowledgeState, KnowledgeVersions
from followup.backends.milvus_connection import MilvusConnection
from followup.backends.stored_documents import StoredDocuments
from followup.backends.vector_store import collection_name, versions_name


class StoredKnowledge:
    """The collection of the configured embedding model, and the one in use."""

    def __init__(self, settings: Settings, connection: MilvusConnection, model: str) -> None:
        self._connection = connection
        self.collection = collection_name(settings.vector_store, model)
        self.current = CurrentCollection(connection, settings.vector_store.collection)

    async def dimension(self) -> int | None:
        """Length of the vectors; None where nothing was ever ingested with this model."""
        return await StoredDocuments(self._connection, self.collection).dimension()

    async def hashes(self, tenant: str, collection: str = "") -> dict[str, str]:
        """Content hash by name of the tenant's documents; of another collection where named."""
        name = collection or self.collection
        documents = StoredDocuments(self._connection, name)
        if not await documents.exists():
            return {}
        self._connection.include(name, versions_name(name))
        state = await KnowledgeVersions(self._connection, versions_name(name)).read(tenant)
        return await documents.hashes(tenant, state.generation)

    async def current_hashes(self, tenant: str) -> dict[str, str]:
        """As `hashes`, of the collection in use, which may be another model's."""
        current = await self.current.read()
        return await self.hashes(tenant, current) if current else {}

    async def states(self) -> dict[str, KnowledgeState]:
        """What the last publication of each tenant said."""
        if not await StoredDocuments(self._connection, self.collection).exists():
            return {}
        versions = KnowledgeVersions(self._connection, versions_name(self.collection))
        return await versions.read_all()


@asynccontextmanager
async def stored_knowledge(settings: Settings, model: str) -> AsyncIterator[StoredKnowledge]:
    """Reads for as long as the block lasts; `model` is the embedding model's fingerprint."""
    collection = collection_name(settings.vector_store, model)
    connection = MilvusConnection(settings.vector_store, [collection, versions_name(collection)])
    try:
        yield StoredKnowledge(settings, connection, model)
    finally:
        await connection.close()
