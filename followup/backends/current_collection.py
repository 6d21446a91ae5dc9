"""The alias that says which embedding model's collection is the one in use."""

from typing import Any

from followup.backends.milvus_connection import MAINTENANCE_TIMEOUT_SECONDS, MilvusConnection


class CurrentCollection:
    """Reads and switches the alias. Errors: as `VectorStore`.

    Searches do not go through it: a service must never compare its model's vectors with another
    model's, so each reads the collection of its own model. The alias is for those that have no
    model, and says whether a model's collection holds what the one before it held.
    """

    def __init__(self, connection: MilvusConnection, alias: str) -> None:
        self._connection = connection
        self._alias = alias

    async def read(self) -> str | None:
        """The collection that the alias stands for; None before the first ingestion."""
        found = await self.collections()
        return next((name for name, aliases in found.items() if self._alias in aliases), None)

    async def collections(self) -> dict[str, tuple[str, ...]]:
        """The aliases of each model's collection, by its name."""
        return await self._connection.run(self._list, timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS)

    async def switch(self, collection: str) -> None:
        """Let the alias stand for this collection from now on."""

        def switch(client: Any, seconds: float) -> None:
            options = {"collection_name": collection, "alias": self._alias, "timeout": seconds}
            # The client logs a failed call as an error, so it is not tried where it must fail.
            (client.alter_alias if current else client.create_alias)(**options)

        current = await self.read()
        if current != collection:
            await self._connection.run(switch, timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS)

    def _list(self, client: Any, seconds: float) -> dict[str, tuple[str, ...]]:
        names = [
            name
            for name in client.list_collections(timeout=seconds)
            if name.startswith(f"{self._alias}_") and not name.endswith("_versions")
        ]
        return {
            name: tuple(client.list_aliases(collection_name=name, timeout=seconds)["aliases"])
            for name in sorted(names)
        }
