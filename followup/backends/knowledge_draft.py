"""The next state of a tenant's knowledge base, written beside the one that readers see.

New rows say from which generation on they are seen, outdated ones until which; both become true in
one step, when the tenant's row of `KnowledgeVersions` names the next generation. Before that step a
reader sees the whole old state, after it the whole new one. A draft that was broken off lies there
unseen, and the next one goes on with the documents that were written completely.

Why no row that is seen is ever written in place: Milvus Lite 3.2 hides the rows of its memory table
while it flushes them. A draft is flushed before it is published, so what is seen lies in segments.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from followup.backends.knowledge_version import KnowledgeState, KnowledgeVersions
from followup.backends.milvus_connection import MAINTENANCE_TIMEOUT_SECONDS, MilvusConnection
from followup.backends.milvus_rows import (
    NOT_REMOVED,
    check_vectors,
    documents_condition,
    passage_schema,
    tenant_filter,
    to_row,
    visible_filter,
)
from followup.backends.stored_documents import StoredDocuments
from followup.errors import InvalidInputError
from followup.passage import Chunk

ROWS_PER_WRITE = 500
DOCUMENTS_PER_FILTER = 500
MAX_GATHERED_ROWS = 5_000
"""Milvus Lite: of a tenant with more, a small change stays in a segment of its own."""
_WRITTEN_FIELDS = [field.name for field in passage_schema(1).fields if field.name != "sparse"]


class KnowledgeDraft:
    """A tenant's next state. One draft of a tenant is open at a time. Errors: as `VectorStore`."""

    def __init__(
        self,
        tenant: str,
        connection: MilvusConnection,
        collection: str,
        versions: KnowledgeVersions,
        state: KnowledgeState,
        *,
        dimension: int,
    ) -> None:
        self._tenant = tenant
        self._dimension = dimension
        self._connection = connection
        self._collection = collection
        self._versions = versions
        self._state = state
        self._next = state.generation + 1
        self._stored = StoredDocuments(connection, collection)
        self._seen: dict[str, str] = {}
        self._drafted: dict[str, str] = {}
        self._marked: set[str] = set()

    async def recover(self) -> None:
        """Look at what is there; finish or take back what a broken run left half done."""
        await self._purge(self._state.generation)
        self._seen = await self._stored.hashes(self._tenant, self._state.generation)
        rows = await self._stored.rows(self._added(), ["document", "position", "content_hash"])
        self._drafted = {r["document"]: r["content_hash"] for r in rows if r["position"] == 0}
        await self._drop({row["document"] for row in rows} - self._drafted.keys())
        rows = await self._stored.rows(self._marked_rows(), ["document"])
        self._marked = {row["document"] for row in rows}

    def hashes(self) -> dict[str, str]:
        """Content hash by name of every document that need not be written again."""
        return self._seen | self._drafted

    async def write(
        self,
        chunks: Sequence[Chunk],
        vectors: NDArray[np.float32],
        document_hashes: Mapping[str, str],
    ) -> None:
        """Take in whole documents: `chunks` holds every chunk of each document it mentions.

        A document's first chunk is written last of all, so one that has it is complete. `vectors`
        is float32, shape (len(chunks), dimension); `document_hashes` has each document's hash.
        """
        check_vectors(vectors, num_rows=len(chunks), dimension=self._dimension)
        names = {chunk.document for chunk in chunks}
        if missing := names - document_hashes.keys():
            message = f"Document '{min(missing)}' has chunks but no hash in document_hashes."
            raise InvalidInputError(message, field="document_hashes")
        await self._drop(names & self._drafted.keys())
        # The form that readers see may not be written over: its rows would change under them.
        back = {name for name in names if self._seen.get(name) == document_hashes[name]}
        rows = [
            to_row(self._tenant, chunk, vector, document_hashes[chunk.document], self._next)
            for chunk, vector in zip(chunks, vectors, strict=True)
            if chunk.document not in back
        ]
        await self._upsert([row for row in rows if row["position"] > 0])
        await self._mark((names - back) & self._seen.keys())
        await self._upsert([row for row in rows if row["position"] == 0])
        self._drafted |= {name: document_hashes[name] for name in names - back}

    async def discard(self) -> None:
        """Take back what was written and not published."""
        await self._drop(set(self._drafted))
        await self._unmark(set(self._marked))

    async def publish(self, documents: Set[str]) -> bool:
        """Make readers see exactly these documents; False where they do already.

        Those written since are seen in their new form, the others as before.
        """
        await self._drop(self._drafted.keys() - documents)
        outdated = (self._seen.keys() - documents) | (self._seen.keys() & self._drafted.keys())
        await self._unmark(self._marked - outdated)
        if not outdated and not self._drafted:
            return False
        await self._mark(outdated)
        await self._gather()
        # Milvus Standalone allows one flush per collection in ten seconds; the call waits for it.
        await self._connection.run(
            lambda client, seconds: client.flush(self._collection, timeout=seconds),
            timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS,
        )
        # A strong read first: whoever sees the new state also sees its chunks.
        num_chunks = await self._stored.count(visible_filter(self._tenant, self._next))
        num_documents = len(self.hashes().keys() & documents)
        await self._versions.switch(self._tenant, self._state.following(num_documents, num_chunks))
        await self._purge(self._next)
        return True

    async def _purge(self, generation: int) -> None:
        """Delete what no reader of this generation sees any more."""
        expression = f"{tenant_filter(self._tenant)} and removed_in <= {generation}"
        if await self._stored.count(expression):
            await self._delete(expression)

    async def _mark(self, documents: Iterable[str]) -> None:
        """Let the seen form of these documents end with this generation."""
        names = set(documents)
        await self._set_removed_in(names, self._unmarked_rows(), self._next)
        self._marked |= names

    async def _unmark(self, documents: Iterable[str]) -> None:
        names = set(documents)
        await self._set_removed_in(names, self._marked_rows(), NOT_REMOVED)
        self._marked -= names

    async def _set_removed_in(self, documents: Set[str], expression: str, value: int) -> None:
        for names in _batches(documents, DOCUMENTS_PER_FILTER):
            condition = f"{expression} and {documents_condition(names)}"
            # A row that is written no longer meets the condition.
            while rows := await self._written(condition, limit=ROWS_PER_WRITE):
                await self._upsert([row | {"removed_in": value} for row in rows])

    async def _gather(self) -> None:
        """Write the rows that stay once more, as they are, on Milvus Lite.

        It weighs words by how often they occur in a segment: in one that holds little but a changed
        page every word is common, and the page would rank far below the others. So a small tenant's
        passages go into one segment together.
        """
        if not await self._connection.is_lite():
            return
        rows = await self._stored.rows(self._unmarked_rows(), ["id"])
        if len(rows) > MAX_GATHERED_ROWS:
            return
        for ids in _batches((row["id"] for row in rows), ROWS_PER_WRITE):
            literals = ", ".join(f'"{key}"' for key in ids)
            await self._upsert(await self._written(f"id in [{literals}]"))

    async def _written(self, expression: str, **options: int) -> list[dict[str, Any]]:
        """Rows with every field that is written, as they are written."""
        found = await self._stored.query(expression, _WRITTEN_FIELDS, **options)
        return [{name: row[name] for name in _WRITTEN_FIELDS} for row in found]

    async def _drop(self, documents: Iterable[str]) -> None:
        """Delete what the draft holds of these documents."""
        names = set(documents)
        for batch in _batches(names, DOCUMENTS_PER_FILTER):
            await self._delete(f"{self._added()} and {documents_condition(batch)}")
        for name in names:
            self._drafted.pop(name, None)

    def _added(self) -> str:
        return f"{tenant_filter(self._tenant)} and added_in == {self._next}"

    def _marked_rows(self) -> str:
        return f"{tenant_filter(self._tenant)} and removed_in == {self._next}"

    def _unmarked_rows(self) -> str:
        seen = f"added_in <= {self._state.generation} and removed_in == {NOT_REMOVED}"
        return f"{tenant_filter(self._tenant)} and {seen}"

    async def _upsert(self, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), ROWS_PER_WRITE):
            batch = rows[start : start + ROWS_PER_WRITE]
            await self._connection.run(
                partial(_upsert, collection=self._collection, rows=batch),
                timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS,
            )

    async def _delete(self, expression: str) -> None:
        await self._connection.run(
            lambda client, seconds: client.delete(
                self._collection, filter=expression, timeout=seconds
            ),
            timeout_seconds=MAINTENANCE_TIMEOUT_SECONDS,
        )


def _upsert(client: Any, seconds: float, *, collection: str, rows: list[dict[str, Any]]) -> None:
    client.upsert(collection, rows, timeout=seconds)


def _batches(names: Iterable[str], size: int) -> Iterator[list[str]]:
    waiting = iter(sorted(names))
    while batch := list(islice(waiting, size)):
        yield batch
