"""The vector store beside other users of its server, which is stopped, frozen and started again."""

import asyncio
import time

import pytest
from pymilvus import MilvusClient

from followup.backends.milvus_rows import passage_indexes, passage_schema
from followup.backends.vector_store import VectorStore
from followup.errors import PartUnavailableError, SettingError
from followup.passage import Passage
from tests.integration.milvus_server import MilvusServer
from tests.integration.shared_milvus import (
    DIMENSION,
    TIMEOUT_SECONDS,
    documents,
    find,
    make_chunk,
    make_store,
    put,
)

RECOVERY_SECONDS = 30


async def test_a_collection_that_another_process_made_in_the_meantime_is_used(
    shared_milvus: MilvusServer,
    store: VectorStore,
    collection: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    answers = iter([False])
    look = MilvusClient.has_collection

    def look_too_early(client: MilvusClient, name: str, **options: float) -> bool:
        return next(answers, None) is not False and look(client, name, **options)

    monkeypatch.setattr(MilvusClient, "has_collection", look_too_early)
    late = make_store(shared_milvus, collection)
    await late.ensure_collection()
    assert next(answers, "asked") == "asked"
    assert documents(await find(late, "acme")) == ["plan.md"]
    await late.close()


async def test_a_collection_that_another_process_is_just_making_is_awaited(
    shared_milvus: MilvusServer, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = MilvusClient(shared_milvus.uri, timeout=TIMEOUT_SECONDS)
    other.create_collection(collection, schema=passage_schema(DIMENSION))
    store = make_store(shared_milvus, collection)
    with monkeypatch.context() as patched:
        patched.setattr("followup.backends.milvus_connection.CREATION_SECONDS", 0.3)
        with pytest.raises(PartUnavailableError, match=r"was broken off. Drop it and ingest again"):
            await store.ensure_collection()
    waiting = asyncio.create_task(store.ensure_collection())
    await asyncio.to_thread(other.create_index, collection, passage_indexes())
    await waiting
    await put(store, "acme", make_chunk("plan.md"))
    assert documents(await find(store, "acme")) == ["plan.md"]
    await store.close()
    other.close()


async def test_a_collection_of_another_dimension_is_refused(
    shared_milvus: MilvusServer, store: VectorStore, collection: str
) -> None:
    other = make_store(shared_milvus, collection, dimension=16)
    with pytest.raises(SettingError, match=r"vectors of 8 numbers, the embedding model makes 16"):
        await other.ensure_collection()
    await other.close()
    await store.check_health()


async def test_a_missing_collection_names_the_command_that_makes_it(
    shared_milvus: MilvusServer, collection: str
) -> None:
    store = make_store(shared_milvus, collection)
    for call in (store.check_health(), find(store, "acme")):
        with pytest.raises(PartUnavailableError, match=r"no collection .* lead-assistant ingest"):
            await call
    await store.close()


async def test_a_server_that_answers_nothing_is_given_up_in_time(
    shared_milvus: MilvusServer, store: VectorStore
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    shared_milvus.freeze()
    try:
        start = time.monotonic()
        with pytest.raises(PartUnavailableError, match="Milvus at") as caught:
            await find(store, "acme")
        assert time.monotonic() - start < TIMEOUT_SECONDS + 1
        assert caught.value.retry_after_seconds is not None
        with pytest.raises(PartUnavailableError, match="Milvus at"):
            await store.check_health()
    finally:
        shared_milvus.thaw()
    assert documents(await until_back(store)) == ["plan.md"]


async def test_a_stopped_server_is_reported_and_used_again_after_its_restart(
    shared_milvus: MilvusServer, store: VectorStore
) -> None:
    await put(store, "acme", make_chunk("plan.md"))
    version = await store.version("acme")
    shared_milvus.stop()
    try:
        for call in (find(store, "acme"), store.check_health(), store.version("acme")):
            with pytest.raises(PartUnavailableError, match="Milvus at") as caught:
                await call
            assert caught.value.retry_after_seconds == 5
    finally:
        shared_milvus.start()
    assert documents(await until_back(store)) == ["plan.md"]
    assert await store.version("acme") == version
    assert await store.document_hashes("acme") == {"plan.md": "1"}


async def until_back(store: VectorStore) -> list[Passage]:
    """The first answer after an outage; gRPC waits between its attempts to connect."""
    give_up_at = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return await find(store, "acme")
        except PartUnavailableError:
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(0.2)
