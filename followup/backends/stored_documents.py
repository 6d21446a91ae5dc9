"""Reads what the collection holds of a tenant, without an embedding model."""

from typing import Any

from followup.backends.milvus_connection import MAINTENANCE_TIMEOUT_SECONDS, MilvusConnection
from followup.backends.milvus_rows import visible_filter

# Milvus returns at most this many rows to a query.
ROWS_PER_QUERY = 16_384
_HEX_DIGITS = "0123456789abcdef"


class StoredDocuments:
    """Reads rows, names and counts. Errors: as `VectorStore`."""

    def __init__(self, connection: MilvusConnection, collection: str) -> None:
        self._connection = connection
        self._collection = collection

    async def exists(self) -> bool:
        """Whether the collection is there."""
        return await self._connection.run(
            lambda client, seconds: bool(client.has_collection(self._collection, timeout=seconds))
        )

    async def dimension(self) -> int | None:
        """Length of the vectors; None where nothing was ever ingested."""
        if not await self.exists():
            return None
        described = await self._connection.run(
            lambda client, seconds: client.describe_collection(self._collection, timeout=seconds)
        )
        [dimension] = [
            field["params"]["dim"] for field in described["fields"] if field["name"] == "dense"
        ]
        return int(dimension)

    async def hashes(self, tenant: str, generation: int) -> dict[str, str]:
        """Content hash by document name, of every document that readers of a generation see."""
        expression = f"{visible_filter(tenant, generation)} and position == 0"
        rows = await self.rows(expression, ["document", "content_hash"])
        return {row["document"]: row["content_hash"] for row in rows}

    async def count(self, expression: str) -> int:
        """Number of rows."""
        [row] = await self.query(expression, ["count(*)"])
        return int(row["count(*)"])

    async def rows(self, expression: str, fields: list[str], id_prefix: str = "") -> list[Any]:
        """Every row; split by the next digit of the id where a query would not return them all."""
        whole = f'{expression} and id like "{id_prefix}%"' if id_prefix else expression
        rows = await self.query(whole, fields, limit=ROWS_PER_QUERY)
        if len(rows) < ROWS_PER_QUERY:
            return rows
        parts = [await self.rows(expression, fields, id_prefix + digit) for digit in _HEX_DIGITS]
        return [row for part in parts for row in part]

    async def query(self, expression: str, fields: list[str], **options: Any) -> list[Any]:
        """At most `limit` rows, in no order."""
        # Strong: an ingestion reads what it has just written.
        rows = await self._connection.run(
            lambda client, seconds: client.query(
                self._collection,
                filter=expression,
                output_fields=fields,
                consistency_level="Strong",
                timeout=seconds,
                **options,
            ),
            # A large collection may have to be loaded first, and Milvus Lite reads every row of it.
            timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS,
        )
        return list(rows)
