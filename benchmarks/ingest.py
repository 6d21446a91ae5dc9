"""Ingestion: python -m benchmarks.ingest [--sizes 200,2000,20000] [--ray-sizes 200,2000]
(make bench-ingest)

`--append` keeps what the results file holds of other ways and sizes, so that a long measurement can
be made in parts.

Documents are SciFact's abstracts, taken several times with other words so that none repeats. Each
measurement is a process of its own with its models loaded before the clock starts:

loop    parse, cut, encode file by file with sentence-transformers in its defaults; no writing
bare    the embedder alone over all the texts at once
local   the product in one process: parsed apart, embedded, written to Milvus Lite, published
again   the same folder once more, and what that cost
ray     the product on Ray Data, actors started within the time

Peak memory is the proportional set size of the process and its children, sampled; Milvus Lite's
server stands apart. Needs BENCH_DATA, the folder that holds scifact/.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.results import RESULTS, Target, write_results
from config.ingestion import IngestionSettings
from followup.backends.embedder import Embedder
from followup.backends.settings import EmbedderSettings, VectorStoreSettings
from followup.backends.token_counter import TokenCounter
from followup.backends.vector_store import VectorStore
from ingestion.chunking import contextual_text
from ingestion.ingest import IngestRun, IngestSummary
from ingestion.local_stages import LocalStages
from ingestion.parser_process import ParserProcess
from ingestion.readers import parse_document
from ingestion.sources import DocumentSource
from ingestion.stages import ChunkStage, content_hasher
from tests.integration.milvus_server import milvus_server
from tests.integration.models import embedding_model_path

COMMAND = "python -m benchmarks.ingest"
TENANT = "bench"
SAMPLE_SECONDS = 0.25
TURNS = 3
MAX_BARE = 5_000
"""The bare embedder holds all texts at once; its rate does not depend on their number."""
MAX_SECONDS = 3_600
WARM = ["A text that warms the model up. " * 20] * 8
OBJECT_STORE_BYTES = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Work:
    """What one process measures."""

    way: str
    folder: Path
    uri: str
    collection: str


def main() -> int:
    """Measure each way; exit code 1 when a target is missed, 2 when the data are not there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="200,2000,20000")
    parser.add_argument("--loop-sizes", default="200")
    parser.add_argument("--ray-sizes", default="200,2000")
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--work", nargs=4, metavar=("WAY", "FOLDER", "URI", "COLLECTION"))
    arguments = parser.parse_args()
    if arguments.work:
        way, folder, uri, collection = arguments.work
        print(json.dumps(measure(Work(way, Path(folder), uri, collection))))
        return 0
    data = Path(os.environ.get("BENCH_DATA", "")) / "scifact" / "corpus.jsonl"
    if "BENCH_DATA" not in os.environ or not data.is_file():
        print("Set BENCH_DATA to the folder that holds scifact/.", file=sys.stderr)
        return 2
    plan = list(_plan(*map(_sizes, (arguments.sizes, arguments.loop_sizes, arguments.ray_sizes))))
    rows = _earlier(plan) if arguments.append else []
    with tempfile.TemporaryDirectory() as folder, milvus_server(Path(folder)) as server:
        for turn, (way, size) in enumerate(plan):
            documents = Path(folder) / f"documents-{size}"
            make_documents(data, documents, size)
            rows += run_apart(Work(way, documents, server.uri, f"{way}_{turn}"), size)
            _print(rows[-1:])
    _print(rows)
    targets = _targets(rows)
    write_results("ingest", COMMAND, rows, targets)
    return 0 if all(target.met for target in targets) else 1


def _sizes(listed: str) -> list[int]:
    return [int(size) for size in listed.split(",") if size]


def _plan(
    sizes: Sequence[int], loop_sizes: Sequence[int], ray_sizes: Sequence[int]
) -> Iterator[tuple[str, int]]:
    """Loop, bare and local in turns where there is a loop, so that a busy moment is not one's."""
    for size in sizes:
        if size in loop_sizes:
            yield from (("loop", size), ("bare", size), ("local", size)) * TURNS
        elif size <= MAX_BARE:
            yield from (("bare", size), ("local", size))
        else:
            yield "local", size
    for size in ray_sizes:
        yield "ray", size


def _earlier(plan: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Rows of the results file that are not measured again."""
    again = {("again", size) for way, size in plan if way == "local"}
    path = RESULTS / "ingest.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["measurements"] if path.exists() else []
    return [row for row in rows if (row["way"], row["num_documents"]) not in {*plan, *again}]


def make_documents(corpus: Path, folder: Path, size: int) -> None:
    """Write `size` abstracts as text files; from the second round on with words of the round."""
    if folder.exists():
        return
    rows = [json.loads(line) for line in corpus.read_text(encoding="utf-8").splitlines()]
    for number in range(size):
        row = rows[number % len(rows)]
        round_number = number // len(rows)
        mark = f". In cohort {round_number}, " if round_number else ". "
        text = row["text"].replace(". ", mark)
        path = folder / f"part{number % 50}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{row['title']} ({number})\n\n{text}\n", encoding="utf-8")


def run_apart(work: Work, size: int) -> list[dict[str, Any]]:
    """Measure in a process of its own; its rows."""
    command = [
        sys.executable, "-m", "benchmarks.ingest", "--work",
        work.way, str(work.folder), work.uri, work.collection,
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - this program
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=MAX_SECONDS
    )
    return [{"num_documents": size, **row} for row in json.loads(done.stdout.splitlines()[-1])]


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
        with ParserProcess(settings) as parser:
            tokenizer = TokenCounter(embedding_model_path())
            chunker = ChunkStage(source, parser.parse, tokenizer, settings, hash_content)
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
    from ingestion.chunking import chunk_document  # noqa: PLC0415 - beside its only use

    chunks = chunk_document(parsed, tokenizer.count_tokens_batch, tokenizer.max_tokens)
    return [contextual_text(chunk) for chunk in chunks]


@contextmanager
def _clock() -> Iterator[dict[str, float]]:
    """Fills in `seconds` and `peak_mib` at the block's end."""
    found: dict[str, float] = {}
    done = threading.Event()
    peaks = [_memory_mib()]

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            peaks.append(_memory_mib())

    sampler = threading.Thread(target=sample)
    sampler.start()
    start = time.perf_counter()
    yield found
    found["seconds"] = time.perf_counter() - start
    done.set()
    sampler.join()
    found["peak_mib"] = max(peaks)


def _memory_mib() -> float:
    """Proportional set size of this process and its children; raylets are children too."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


def _print(rows: Sequence[dict[str, Any]]) -> None:
    table = Table("way", "documents", "chunks", "seconds", "documents/s", "chunks/s", "peak MiB")
    for row in rows:
        table.add_row(
            row["way"],
            str(row["num_documents"]),
            str(row["num_chunks"]),
            f"{row['seconds']:.2f}",
            f"{row['num_documents'] / row['seconds']:.1f}",
            f"{row['num_chunks'] / row['seconds']:.1f}",
            f"{row['peak_mib']:.0f}",
        )
    Console(stderr=True).print(table)


def _targets(rows: Sequence[dict[str, Any]]) -> list[Target]:
    def rates(way: str) -> dict[int, float]:
        """Chunks a second of the fastest turn, by number of documents."""
        found: dict[int, float] = {}
        for row in rows:
            if row["way"] == way:
                rate = row["num_chunks"] / row["seconds"]
                found[row["num_documents"]] = max(rate, found.get(row["num_documents"], 0.0))
        return found

    local, bare, loop = rates("local"), rates("bare"), rates("loop")
    first = {row["num_documents"]: row for row in rows if row["way"] == "local"}
    again = {row["num_documents"]: row for row in rows if row["way"] == "again"}
    peaks = [row["peak_mib"] for row in first.values()]
    targets = [
        Target(f"{size} documents: times the plain loop", local[size] / rate, 2.2, "x")
        for size, rate in loop.items()
    ]
    targets += [
        Target(f"{size} documents: share of the bare embedder's rate", local[size] / rate, 0.85, "")
        for size, rate in bare.items()
    ]
    flat = f"peak memory, most over least of {min(first)} to {max(first)} documents"
    targets.append(Target(flat, max(peaks) / min(peaks), 1.25, "x", at_least=False))
    targets += [
        Target(
            f"{size} documents again, unchanged: times faster",
            first[size]["seconds"] / again[size]["seconds"],
            50,
            "x",
        )
        for size in first
    ]
    calls = sum(row["num_embedding_calls"] for row in again.values())
    targets.append(Target("embedding calls of second runs", calls, 0, "", at_least=False))
    return targets


if __name__ == "__main__":
    sys.exit(main())
