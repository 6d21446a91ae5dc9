"""What the collection holds of a tenant, read without an embedding model."""

from typing import Any

from followup.backends.milvus_connection import MilvusConnection
from followup.backends.milvus_rows import check_tenant, first_chunks_filter, tenant_filter

# Milvus returns at most this many rows to a query.
ROWS_PER_QUERY = 16_384


class StoredDocuments:
    """Reads document names, hashes and counts. Errors: as `VectorStore`."""

    def __init__(self, connection: MilvusConnection, collection: str) -> None:
        self._connection = connection
        self._collection = collection

    async def dimension(self) -> int | None:
        """Length of the vectors; None where nothing was ever ingested."""
        exists = await self._connection.run(
            lambda client, seconds: client.has_collection(self._collection, timeout=seconds)
        )
        if not exists:
            return None
        described = await self._connection.run(
            lambda client, seconds: client.describe_collection(self._collection, timeout=seconds)
        )
        [dimension] = [
            field["params"]["dim"] for field in described["fields"] if field["name"] == "dense"
        ]
        return int(dimension)

    async def hashes(self, tenant: str) -> dict[str, str]:
        """Content hash by document name, of every document that was written completely."""
        rows = await self._first_chunks(check_tenant(tenant), id_prefix="")
        return {row["document"]: row["content_hash"] for row in rows}

    async def count(self, tenant: str) -> int:
        """Number of the tenant's chunks."""
        [row] = await self._query(tenant_filter(tenant), ["count(*)"])
        return int(row["count(*)"])

    async def _first_chunks(self, tenant: str, id_prefix: str) -> list[Any]:
        """Split by the next digit of the id where a query would not return every row."""
        expression = first_chunks_filter(tenant, id_prefix)
        rows = await self._query(expression, ["document", "content_hash"], limit=ROWS_PER_QUERY)
        if len(rows) < ROWS_PER_QUERY:
            return rows
        parts = [
            await self._first_chunks(tenant, id_prefix + digit) for digit in "0123456789abcdef"
        ]
        return [row for part in parts for row in part]

    async def _query(self, expression: str, fields: list[str], **options: Any) -> list[Any]:
        # Strong: an ingestion reads what it has just written.
        rows = await self._connection.run(
            lambda client, seconds: client.query(
                self._collection,
                filter=expression,
                output_fields=fields,
                consistency_level="Strong",
                timeout=seconds,
                **options,
            )
        )
        return list(rows)
