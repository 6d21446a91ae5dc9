"""python -m tests.integration.ingest_process URI COLLECTION FOLDER

Ingests a folder in a process of its own, to be killed. Prints a line when the run begins.
"""

import asyncio
import sys
from pathlib import Path

from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from ingestion import local_stages
from ingestion.ingest import ingest_folder
from tests.fakes import FakeIngestEmbedder

TENANT = "acme"
CHUNKS_PER_BATCH = 12


def open_store(uri: str, collection: str) -> VectorStore:
    """The store that the process writes."""
    settings = VectorStoreSettings(
        uri=uri, collection=collection, timeout_seconds=30, relevance_weight=1.0
    )
    return VectorStore(settings, FakeIngestEmbedder.dimension)


async def ingest(uri: str, collection: str, folder: Path) -> None:
    """One run in small batches, so that there are many points at which it can end."""
    local_stages.CHUNKS_PER_BATCH = CHUNKS_PER_BATCH
    store = open_store(uri, collection)
    await ingest_folder(folder, TENANT, FakeIngestEmbedder(), store)
    await store.close()


if __name__ == "__main__":
    print("begins", flush=True)
    asyncio.run(ingest(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
