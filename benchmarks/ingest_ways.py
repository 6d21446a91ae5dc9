"""The ways to ingest that benchmarks/ingest.py compares, each measured in a process of its own:

python -m benchmarks.ingest_ways WAY FOLDER URI COLLECTION    prints its rows as one line of JSON
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from config.ingestion import IngestionSettings
from followup.backends.embedder import Embedder
from followup.backends.settings import EmbedderSettings, VectorStoreSettings
from followup.backends.token_counter import TokenCounter
from followup.backends.vector_store import VectorStore
from ingestion.chunking import chunk_document, contextual_text
from ingestion.ingest import IngestRun, IngestSummary
from ingestion.local_stages import LocalStages
from ingestion.parser_process import ParserProcess
from ingestion.readers import parse_document
from ingestion.sources import DocumentSource
from ingestion.stages import ChunkStage, content_hasher
from tests.integration.models import embedding_model_path

TENANT = "bench"
SAMPLE_SECONDS = 0.25
WARM = ["A text that warms the model up. " * 20] * 8
OBJECT_STORE_BYTES = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Work:
    """What one process measures."""

    way: str
    folder: Path
    uri: str
    collection: str


def measure(work: Work) -> list[dict[str, Any]]:
    """The rows of one way."""
    ways = {"loop": _loop, "bare": _bare, "local": _local, "ray": _ray}
    return ways[work.way](work)


def _loop(work: Work) -> list[dict[str, Any]]:
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - not in every process

    model = SentenceTransformer(str(embedding_model_path()))
    model.encode(WARM)
    tokenizer = TokenCounter(embedding_model_path())
    settings = IngestionSettings()
    num_chunks = 0
    with _clock() as clock:
        for path in sorted(work.folder.rglob("*.txt")):
            parsed = parse_document(path.name, path.read_bytes(), settings)
            chunks = _chunks(parsed, tokenizer)
            model.encode(chunks)
            num_chunks += len(chunks)
    return [{"way": "loop", "num_chunks": num_chunks, **clock}]


def _bare(work: Work) -> list[dict[str, Any]]:
    embedder = _embedder()
    tokenizer = TokenCounter(embedding_model_path())
    settings = IngestionSettings()
    texts: list[str] = []
    for path in sorted(work.folder.rglob("*.txt")):
        texts += _chunks(parse_document(path.name, path.read_bytes(), settings), tokenizer)
    with _clock() as clock:
        embedder.embed(texts)
    return [{"way": "bare", "num_chunks": len(texts), **clock}]


def _local(work: Work) -> list[dict[str, Any]]:
    embedder = _embedder()
    with _clock() as clock:
        first = asyncio.run(_ingest(work, embedder))
    calls: list[int] = []
    embed = embedder.embed
    embedder.embed = lambda texts: calls.append(len(texts)) or embed(texts)  # type: ignore[method-assign, func-returns-value]
    with _clock() as again:
        second = asyncio.run(_ingest(work, embedder))
    return [
        {"way": "local", **_facts(first), **clock},
        {"way": "again", **_facts(second), "num_embedding_calls": len(calls), **again},
    ]


async def _ingest(work: Work, embedder: Embedder) -> IngestSummary:
    settings = IngestionSettings()
    store = _store(work, embedder.dimension)
    source = DocumentSource.open(str(work.folder))
    hash_content = content_hasher(embedder.fingerprint, settings)
    try:
        await store.ensure_collection()
        run = IngestRun(source, await store.open_draft(TENANT), settings, hash_content)
        await run.scan()
        with ParserProcess(settings, embedding_model_path()) as parser:
            chunker = ChunkStage(source, parser.cut, settings.limits, hash_content)
            return await run.finish(LocalStages(chunker, embedder))
    finally:
        await store.close()


def _ray(work: Work) -> list[dict[str, Any]]:
    os.environ |= {
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # as in the cluster that `up` starts
    }
    import ray  # noqa: PLC0415 - reads its environment when it is imported

    from ingestion.ray_stages import RayStages, StageSpec  # noqa: PLC0415

    settings = IngestionSettings()
    options = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    ray.init(log_to_driver=False, logging_level="warning", _node_ip_address="127.0.0.1", **options)

    async def ingest() -> IngestSummary:
        from followup.backends.model_fingerprint import model_fingerprint  # noqa: PLC0415

        fingerprint = model_fingerprint(_embedder_settings())
        spec = StageSpec(str(work.folder), settings, _embedder_settings(), fingerprint)
        store = _store(work, 384)
        hash_content = content_hasher(fingerprint, settings)
        try:
            await store.ensure_collection()
            source = DocumentSource.open(str(work.folder))
            run = IngestRun(source, await store.open_draft(TENANT), settings, hash_content)
            await run.scan()
            return await run.finish(RayStages(spec))
        finally:
            await store.close()

    try:
        with _clock() as clock:
            summary = asyncio.run(ingest())
    finally:
        ray.shutdown()
    return [{"way": "ray", **_facts(summary), **clock}]


def _facts(summary: IngestSummary) -> dict[str, Any]:
    seconds = summary.seconds
    return {
        "num_chunks": summary.num_chunks,
        "num_added": summary.num_added,
        "num_unchanged": summary.num_unchanged,
        "num_rejects": len(summary.rejects),
        "stage_seconds": {
            stage: round(getattr(seconds, stage), 3)
            for stage in ("scan", "read", "chunk", "embed", "store")
        },
    }


def _store(work: Work, dimension: int) -> VectorStore:
    settings = VectorStoreSettings(uri=work.uri, collection=work.collection, timeout_seconds=60)
    return VectorStore(settings, dimension)


def _embedder_settings() -> EmbedderSettings:
    return EmbedderSettings(model_name="all-MiniLM-L6-v2", model_path=embedding_model_path())


def _embedder() -> Embedder:
    embedder = Embedder(_embedder_settings())
    embedder.embed(WARM)
    return embedder


def _chunks(parsed: Any, tokenizer: TokenCounter) -> list[str]:
    chunks = chunk_document(parsed, tokenizer.count_tokens_batch, tokenizer.max_tokens)
    return [contextual_text(chunk) for chunk in chunks]


@contextmanager
def _clock() -> Iterator[dict[str, float]]:
    """Fills in `seconds`, `processor_seconds` and `peak_mib` at the block's end."""
    found: dict[str, float] = {}
    done = threading.Event()
    peaks = [_memory_mib()]

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            peaks.append(_memory_mib())

    sampler = threading.Thread(target=sample)
    sampler.start()
    start, used = time.perf_counter(), _processor_seconds()
    yield found
    found["seconds"] = time.perf_counter() - start
    found["processor_seconds"] = _processor_seconds() - used
    done.set()
    sampler.join()
    found["peak_mib"] = max(peaks)


def _processor_seconds() -> float:
    """Of this process and its children: unlike the clock it does not count what others do."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            used = process.cpu_times()
        except psutil.Error:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def _memory_mib() -> float:
    """Proportional set size of this process and its children; raylets are children too."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


def main() -> None:
    """Measure the way that the command line names."""
    way, folder, uri, collection = sys.argv[1:]
    print(json.dumps(measure(Work(way, Path(folder), uri, collection))))


if __name__ == "__main__":
    main()
