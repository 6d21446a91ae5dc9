"""An ingestion that is killed at random points while a reader asks: never half a state."""

import asyncio
import random
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from followup.backends.milvus_rows import CHUNK_FIELDS
from followup.backends.passage_search import SearchOptions
from followup.backends.vector_store import VectorStore
from tests.fakes import FakeIngestEmbedder
from tests.integration.ingest_process import TENANT, ingest, open_store
from tests.integration.milvus_server import MilvusServer

NUM_DOCUMENTS = 24
ROW_FIELDS = [*CHUNK_FIELDS, "id", "content_hash", "indexed_text", "added_in", "removed_in"]
SEED = 20_261_122
Rows = list[tuple[object, ...]]
State = frozenset[tuple[str, int, str]]


def write_folder(folder: Path, form: int) -> Path:
    """Two thirds of the documents change from form to form, some come and some go."""
    for number in range(NUM_DOCUMENTS):
        version = form if number % 3 else 0
        if number % 12 == form % 12:
            continue
        generator = random.Random(f"{number} {version}")  # noqa: S311 - no secret
        words = [f"w{generator.randrange(10**9)}" for _ in range(300)]
        path = folder / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("common " + " ".join(words))
    return folder


async def all_rows(store: VectorStore) -> Rows:
    rows = await store.documents.rows('tenant != ""', [*ROW_FIELDS, "dense"])
    return sorted((*(row[name] for name in ROW_FIELDS), *map(float, row["dense"])) for row in rows)


async def seen(store: VectorStore) -> State:
    vector = FakeIngestEmbedder().embed(["common"])[0].astype(np.float32)
    found = await store.search(TENANT, "common", vector, SearchOptions(1_000))
    return frozenset((p.chunk.document, p.chunk.position, p.chunk.text) for p in found)


async def run_clean(server: MilvusServer, folders: list[Path]) -> tuple[Rows, list[State]]:
    """Rows at the end, and what a reader sees after each run."""
    collection = f"clean_{uuid.uuid4().hex}"
    store = open_store(server.uri, collection)
    states = []
    for folder in folders:
        await ingest(server.uri, collection, folder)
        states.append(await seen(store))
    rows = await all_rows(store)
    await store.close()
    return rows, states


def start(server: MilvusServer, collection: str, folder: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(  # noqa: S603 - this program
        [
            sys.executable, "-m", "tests.integration.ingest_process",
            server.uri, collection, str(folder),
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == b"begins\n"
    return process


async def check_kills(server: MilvusServer, tmp_path: Path, num_kills: int) -> None:
    old, new = write_folder(tmp_path / "old", 1), write_folder(tmp_path / "new", 2)
    expected, (old_state, new_state) = await run_clean(server, [old, new])
    collection = f"killed_{uuid.uuid4().hex}"
    await ingest(server.uri, collection, old)
    store = open_store(server.uri, collection)
    started = time.monotonic()
    clean = start(server, f"timed_{uuid.uuid4().hex}", old)
    assert await asyncio.to_thread(clean.wait, 60) == 0
    run_seconds = time.monotonic() - started

    states: set[State] = set()
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            states.add(await seen(store))

    reading = asyncio.create_task(read())
    generator = random.Random(SEED)  # noqa: S311 - no secret
    num_killed = 0
    while num_killed < num_kills:
        process = await asyncio.to_thread(start, server, collection, new)
        await asyncio.sleep(generator.uniform(0, 0.6 * run_seconds))
        num_killed += process.poll() is None
        process.kill()
        process.wait()
        if await seen(store) == new_state and num_killed < num_kills:
            await ingest(server.uri, collection, old)  # and on to the next change
    await ingest(server.uri, collection, new)
    done.set()
    await reading
    assert await seen(store) == new_state
    assert states <= {old_state, new_state}
    rows = await all_rows(store)
    assert without_generations(rows) == without_generations(expected)
    await store.close()


def without_generations(rows: Rows) -> Rows:
    """Where a run ended whole before it was killed, more generations have passed."""
    added = ROW_FIELDS.index("added_in")
    return [row[:added] + row[added + 1 :] for row in rows]


async def test_a_run_killed_three_times_ends_as_a_clean_one_and_no_reader_sees_a_half(
    shared_milvus: MilvusServer, tmp_path: Path
) -> None:
    await check_kills(shared_milvus, tmp_path, 3)


@pytest.mark.slow
async def test_a_run_killed_ten_times_ends_as_a_clean_one_and_no_reader_sees_a_half(
    shared_milvus: MilvusServer, tmp_path: Path
) -> None:
    await check_kills(shared_milvus, tmp_path, 10)
