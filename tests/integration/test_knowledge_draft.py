"""Drafts of a knowledge base on a real Milvus Lite: unseen until published, whole afterwards."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from followup.backends.knowledge_draft import KnowledgeDraft
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.errors import PartUnavailableError
from followup.passage import Chunk
from tests.integration.milvus_server import MilvusServer

DIMENSION = 4
TENANT = "acme"
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]
OLD = {"plan.md": ("1", 4), "kept.md": ("1", 2), "gone.md": ("1", 3)}
NEW = {"plan.md": ("2", 2), "kept.md": ("1", 2), "late.md": ("1", 3)}


@pytest.fixture
async def make_store(
    shared_milvus: MilvusServer,
) -> AsyncIterator[Callable[[], Awaitable[VectorStore]]]:
    stores: list[VectorStore] = []

    async def make() -> VectorStore:
        settings = VectorStoreSettings(
            uri=shared_milvus.uri,
            collection=f"test_{uuid.uuid4().hex}",
            timeout_seconds=20,
            relevance_weight=1.0,
        )
        store = VectorStore(settings, DIMENSION)
        await store.ensure_collection()
        stores.append(store)
        return store

    yield make
    for store in stores:
        await store.close()


def random_words(*seed: object) -> str:
    """Words that no other chunk has, so that none counts as near-equal."""
    return uuid.uuid5(uuid.NAMESPACE_OID, repr(seed)).hex[:12]


def chunks_of(name: str, version: str, num_chunks: int) -> list[Chunk]:
    return [
        Chunk(
            chunk_id=f"{name}#{position}#{version}",
            document=name,
            title=name,
            source_type="faq",
            position=position,
            text=f"form {version} of {name}, {position}: {random_words(name, version, position)}",
        )
        for position in range(num_chunks)
    ]


async def write(draft: KnowledgeDraft, documents: dict[str, tuple[str, int]]) -> None:
    """What ingestion does: documents that are stored as they are are left alone."""
    stored = draft.hashes()
    for name, (version, num_chunks) in documents.items():
        if stored.get(name) != version:
            chunks = chunks_of(name, version, num_chunks)
            await draft.write(chunks, np.tile(QUERY, (num_chunks, 1)), {name: version})


async def take_in(store: VectorStore, documents: dict[str, tuple[str, int]]) -> None:
    draft = await store.open_draft(TENANT)
    await write(draft, documents)
    await draft.publish(documents.keys())


async def seen(store: VectorStore) -> dict[tuple[str, str], int]:
    """Number of chunks by document and form, as a reader sees them."""
    found = await store.search(TENANT, "form part", QUERY, SearchOptions(50))
    counts: dict[tuple[str, str], int] = {}
    for passage in found:
        key = (passage.chunk.document, passage.chunk.text.split()[1])
        counts[key] = counts.get(key, 0) + 1
    return counts


def whole(documents: dict[str, tuple[str, int]]) -> dict[tuple[str, str], int]:
    return {(name, version): number for name, (version, number) in documents.items()}


async def all_rows(store: VectorStore) -> list[tuple[object, ...]]:
    """Every row, every field, the unseen ones too."""
    fields = ["id", "document", "position", "text", "content_hash", "added_in", "removed_in"]
    rows = await store.documents.rows('tenant != ""', [*fields, "indexed_text", "dense"])
    return sorted(
        (*(row[f] for f in fields), row["indexed_text"], tuple(map(float, row["dense"])))
        for row in rows
    )


async def test_a_draft_is_unseen_until_it_is_published_and_whole_then(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> None:
    store = await make_store()
    await take_in(store, OLD)
    before = await store.version(TENANT)
    draft = await store.open_draft(TENANT)
    await write(draft, NEW)
    assert await seen(store) == whole(OLD)
    assert await store.version(TENANT) == before
    assert await draft.publish(NEW.keys())
    assert await seen(store) == whole(NEW)
    state = await store.state(TENANT)
    assert (state.generation, state.num_documents, state.num_chunks) == (2, 3, 7)
    assert len(await all_rows(store)) == 7, "what nobody sees any more is deleted"


async def test_publishing_what_is_there_changes_nothing(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> None:
    store = await make_store()
    await take_in(store, OLD)
    before = (await store.version(TENANT), await all_rows(store))
    draft = await store.open_draft(TENANT)
    assert draft.hashes() == {name: version for name, (version, _) in OLD.items()}
    assert not await draft.publish(OLD.keys())
    assert (await store.version(TENANT), await all_rows(store)) == before


class Stop:
    """Ends the run at its n-th call to Milvus, before or after the call is made."""

    def __init__(self, store: VectorStore, num_calls: int, *, after: bool) -> None:
        self._run = store.connection.run
        self._left = num_calls
        self._after = after

    async def run(self, call: Callable[..., object], **options: float) -> object:
        self._left -= 1
        message = "the process ends here"
        if self._left == 0 and not self._after:
            raise PartUnavailableError(message)
        result = await self._run(call, **options)
        if self._left == 0:
            raise PartUnavailableError(message)
        return result


async def end_at(
    make_store: Callable[[], Awaitable[VectorStore]], num_calls: int, *, after: bool
) -> tuple[list[tuple[object, ...]], bool]:
    """All rows after a run that ends at this call and is made again; whether it did end there."""
    store = await make_store()
    await take_in(store, OLD)
    is_ended = False
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store.connection, "run", Stop(store, num_calls, after=after).run)
        try:
            await take_in(store, NEW)
        except PartUnavailableError:
            is_ended = True
    assert await seen(store) in (whole(OLD), whole(NEW))
    await take_in(store, NEW)
    assert await seen(store) == whole(NEW)
    rows = await all_rows(store)
    await store.drop()
    return rows, is_ended


async def after_clean_runs(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> list[tuple[object, ...]]:
    store = await make_store()
    await take_in(store, OLD)
    await take_in(store, NEW)
    return await all_rows(store)


@pytest.mark.parametrize("num_calls", [8, 14], ids=lambda number: f"at call {number}")
async def test_a_run_that_ends_and_is_made_again_ends_as_one_clean_run(
    make_store: Callable[[], Awaitable[VectorStore]], num_calls: int
) -> None:
    rows, is_ended = await end_at(make_store, num_calls, after=True)
    assert is_ended
    assert rows == await after_clean_runs(make_store)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
async def test_so_does_a_run_that_ends_at_any_call(
    make_store: Callable[[], Awaitable[VectorStore]], *, after: bool
) -> None:
    expected = await after_clean_runs(make_store)
    num_calls, is_ended = 0, True
    while is_ended:
        num_calls += 1
        rows, is_ended = await end_at(make_store, num_calls, after=after)
        assert rows == expected, num_calls
    assert num_calls > 10


async def test_a_broken_run_for_other_documents_leaves_no_trace(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> None:
    store = await make_store()
    await take_in(store, OLD)
    before = await all_rows(store)
    await write(await store.open_draft(TENANT), NEW)
    draft = await store.open_draft(TENANT)
    # The folder is as it was: what the broken run wrote differs, so it is offered again.
    await write(draft, OLD)
    assert not await draft.publish(OLD.keys())
    assert await all_rows(store) == before


async def test_a_word_counts_the_same_in_changed_and_unchanged_documents(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> None:
    """Milvus Lite weighs words per segment, and every draft is flushed into new ones."""
    store = await make_store()
    await take_in(store, OLD)
    await take_in(store, NEW)
    found = await store.search(TENANT, "form", QUERY, SearchOptions(50))
    assert len(found) == 7
    assert len({round(passage.bm25_score or 0, 4) for passage in found}) == 1


async def test_a_reader_never_sees_half_a_state(
    make_store: Callable[[], Awaitable[VectorStore]],
) -> None:
    store = await make_store()
    await take_in(store, OLD)
    states: list[dict[tuple[str, str], int]] = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            states.append(await seen(store))

    reading = asyncio.create_task(read())
    for _ in range(6):
        await take_in(store, NEW)
        await take_in(store, OLD)
    done.set()
    await reading
    assert [state for state in states if state not in (whole(OLD), whole(NEW))] == []
    assert whole(OLD) in states
    assert whole(NEW) in states
