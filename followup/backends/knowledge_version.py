"""A name for each state of a tenant's knowledge base, read with every request."""

import uuid

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from followup.backends.milvus_connection import MilvusConnection
from followup.backends.milvus_rows import KEY_CHARACTERS, tenant_filter

EMPTY_VERSION = "empty"


class KnowledgeVersions:
    """One row per tenant in a collection of its own: one small read, however many documents.

    A version is drawn at random and never used again, so a cached reply can only be found as long
    as nothing changed. `change` is called before a change starts and after it ended: what a request
    reads in between is cached under a name that nobody asks for afterwards, and a change that is
    broken off has a name of its own too.
    """

    def __init__(self, connection: MilvusConnection, collection: str) -> None:
        self._connection = connection
        self._collection = collection

    async def ensure_collection(self) -> None:
        await self._connection.ensure_collection(self._collection, _schema(), _indexes())

    async def read(self, tenant: str) -> str:
        """The tenant's version; "empty" where nothing was ever written."""
        expression = tenant_filter(tenant)
        rows = await self._connection.run(
            lambda client, seconds: client.query(
                self._collection, filter=expression, output_fields=["version"], timeout=seconds
            )
        )
        return str(rows[0]["version"]) if rows else EMPTY_VERSION

    async def change(self, tenant: str) -> None:
        row = {"tenant": tenant, "version": uuid.uuid4().hex, "unused": [0.0, 0.0]}
        await self._connection.run(
            lambda client, seconds: client.upsert(self._collection, [row], timeout=seconds)
        )


def _schema() -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("tenant", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("version", DataType.VARCHAR, max_length=KEY_CHARACTERS)
    # Milvus wants a vector in every collection.
    schema.add_field("unused", DataType.FLOAT_VECTOR, dim=2)
    return schema


def _indexes() -> IndexParams:
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("unused", index_type="FLAT", metric_type="L2")
    return indexes
