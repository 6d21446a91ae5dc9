"""Which state of a tenant's knowledge base readers see: one row per tenant, read with each request.

Upserting that row is the switch from one whole state to the next. It carries a generation, which
says what rows of the passages are visible, and a version, which caches are keyed by.
"""

import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from followup.backends.milvus_connection import MilvusConnection
from followup.backends.milvus_rows import KEY_CHARACTERS, tenant_filter

EMPTY_VERSION = "empty"
MAX_TIME_CHARACTERS = 40
# Milvus returns at most this many rows to a query.
MAX_TENANTS = 16_384


@dataclass(frozen=True, slots=True)
class KnowledgeState:
    """A published state. `version` is drawn at random and never used again."""

    version: str = EMPTY_VERSION
    generation: int = 0
    num_documents: int = 0
    num_chunks: int = 0
    published_at: str = ""
    """UTC, ISO 8601."""

    def following(self, num_documents: int, num_chunks: int) -> "KnowledgeState":
        """The next state, with what it holds."""
        return KnowledgeState(
            version=uuid.uuid4().hex,
            generation=self.generation + 1,
            num_documents=num_documents,
            num_chunks=num_chunks,
            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


class KnowledgeVersions:
    """The tenants' states, in a collection of their own. Errors: as `VectorStore`.

    A version is never used again, so a cached reply is found only as long as nothing changed: what
    a request reads while the state is switched is cached under a name that nobody asks for later.
    """

    def __init__(self, connection: MilvusConnection, collection: str) -> None:
        self._connection = connection
        self.collection = collection

    async def ensure_collection(self) -> None:
        await self._connection.ensure_collection(self.collection, _schema(), _indexes())

    async def read(self, tenant: str) -> KnowledgeState:
        """The tenant's state; the empty one where nothing was ever published."""
        return (await self._query(tenant_filter(tenant))).get(tenant, KnowledgeState())

    async def read_all(self) -> dict[str, KnowledgeState]:
        """The state of every tenant, in the order of their names."""
        found = await self._query('tenant != ""', limit=MAX_TENANTS)
        return dict(sorted(found.items()))

    async def switch(self, tenant: str, state: KnowledgeState) -> None:
        """Make this the state that readers see."""
        row = {"tenant": tenant, "unused": [0.0, 0.0]}
        row |= {name: getattr(state, name) for name in _FIELDS}
        await self._connection.run(
            lambda client, seconds: client.upsert(self.collection, [row], timeout=seconds)
        )

    async def _query(self, expression: str, **options: Any) -> dict[str, KnowledgeState]:
        rows = await self._connection.run(
            lambda client, seconds: client.query(
                self.collection,
                filter=expression,
                output_fields=["tenant", *_FIELDS],
                # A reader compares the state before its search with the one after it.
                consistency_level="Strong",
                timeout=seconds,
                **options,
            )
        )
        return {
            row["tenant"]: KnowledgeState(**{name: row[name] for name in _FIELDS}) for row in rows
        }


_FIELDS = [field.name for field in fields(KnowledgeState)]


def _schema() -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("tenant", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("version", DataType.VARCHAR, max_length=KEY_CHARACTERS)
    schema.add_field("published_at", DataType.VARCHAR, max_length=MAX_TIME_CHARACTERS)
    for name in ("generation", "num_documents", "num_chunks"):
        schema.add_field(name, DataType.INT64)
    # Milvus wants a vector in every collection.
    schema.add_field("unused", DataType.FLOAT_VECTOR, dim=2)
    return schema


def _indexes() -> IndexParams:
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("unused", index_type="FLAT", metric_type="L2")
    return indexes
