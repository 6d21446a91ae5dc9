"""One real Milvus Lite server for many modules, and passages in it."""

import uuid
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from followup.backends.passage_search import SearchOptions
from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.passage import Chunk, Passage
from tests.integration.milvus_server import MilvusServer, milvus_server

DIMENSION = 8
TIMEOUT_SECONDS = 3.0
QUERY = np.eye(DIMENSION, dtype=np.float32)[0]


@pytest.fixture(scope="session")
def shared_milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with milvus_server(tmp_path_factory.mktemp("milvus")) as server:
        yield server


def make_store(
    server: MilvusServer, collection: str, dimension: int = DIMENSION, num_candidates: int = 50
) -> VectorStore:
    settings = VectorStoreSettings(
        uri=server.uri,
        collection=collection,
        timeout_seconds=TIMEOUT_SECONDS,
        num_candidates=num_candidates,
        relevance_weight=1.0,
    )
    return VectorStore(settings, dimension)


@pytest.fixture
def collection() -> str:
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
async def store(shared_milvus: MilvusServer, collection: str) -> AsyncIterator[VectorStore]:
    store = make_store(shared_milvus, collection)
    await store.ensure_collection()
    yield store
    await store.close()


def make_chunk(document: str, position: int = 0, text: str = "", source_type: str = "faq") -> Chunk:
    return Chunk(
        chunk_id=f"{document}#{position}",
        document=document,
        title="Title",
        source_type=source_type,
        position=position,
        text=text or f"words of {document}, part {position}",
    )


def vectors_with(*cosines: float) -> NDArray[np.float32]:
    """Unit vectors with these cosines to QUERY."""
    rows = np.zeros((len(cosines), DIMENSION), dtype=np.float32)
    rows[:, 0] = cosines
    rows[:, 1] = np.sqrt(1 - rows[:, 0] ** 2)
    return rows


async def put(
    store: VectorStore, tenant: str, *chunks: Chunk, cosine: float = 0.5, version: str = "1"
) -> None:
    vectors = vectors_with(*[cosine] * len(chunks))
    await store.upsert(tenant, chunks, vectors, {chunk.document: version for chunk in chunks})


async def find(store: VectorStore, tenant: str, text: str = "words") -> list[Passage]:
    return await store.search(tenant, text, QUERY, SearchOptions(50))


def documents(passages: list[Passage]) -> list[str]:
    return [passage.chunk.document for passage in passages]
