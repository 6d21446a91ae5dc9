"""python -m benchmarks.reading

Reading and cutting documents on one core, what a process for the parser costs, and which
instruction-like text is found. Needs BENCH_DATA, with kb_gitpod and prompt_injection in it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from benchmarks.data import require_data
from benchmarks.results import Target, write_results
from config.ingestion import IngestionSettings
from config.settings import load_settings
from ingestion.chunking import chunk_document
from ingestion.document import Document
from ingestion.instructions import find_instructions
from ingestion.parser_process import ParserProcess
from ingestion.readers import parse_document
from ingestion.rejects import Reject

COMMAND = "python -m benchmarks.reading"
PASSES = 3
MAX_TOKENS = 256
MIN_DOCUMENTS_PER_SECOND = 80
MAX_OVERHEAD_MS = 2
MIN_PRECISION = 0.95
# These ask what any visitor of a page may ask. Nothing in the words says that a model is meant.
PLAIN_REQUESTS = {"Information Retrieval", "Learning and Tutoring", "Programming Help"}


def main() -> None:
    """Measure, print and write the results."""
    data = require_data("kb_gitpod", "prompt_injection")
    files = {
        path.relative_to(data).as_posix(): path.read_bytes()
        for path in sorted((data / "kb_gitpod").rglob("*.md"))
    }
    speed = measure_speed(files)
    screening = measure_screening(data / "prompt_injection" / "bipia", files)
    targets = [
        Target(
            "parse and chunk kb_gitpod, one core",
            speed["documents_per_second"],
            MIN_DOCUMENTS_PER_SECOND,
            "documents/s",
        ),
        Target(
            "what the parser's process adds",
            speed["process_overhead_ms"],
            MAX_OVERHEAD_MS,
            "ms/document",
            at_least=False,
        ),
        Target("precision of the flags", screening["precision"], MIN_PRECISION, "share"),
        Target(
            "recall on attacks that steer an answer", screening["recall_steering"], 0.8, "share"
        ),
        Target("recall on all attacks", screening["recall"], 0.8, "share"),
    ]
    write_results("reading", COMMAND, [speed, screening], targets)


def measure_speed(files: dict[str, bytes]) -> dict[str, Any]:
    """Processor seconds of the fastest pass of each stage, and of the same through ParserProcess.

    Processor time, because the clock on a shared machine counts what others do.
    """
    settings = IngestionSettings()
    count_tokens = _token_counter()
    parse = partial(parse_document, settings=settings)
    parse("warm.md", b"# Warm")
    documents: list[Document] = []
    parse_seconds, chunk_seconds = [], []
    num_chunks = 0
    for _ in range(PASSES):
        start = time.process_time()
        parsed = [parse(name, content) for name, content in files.items()]
        parse_seconds.append(time.process_time() - start)
        documents = [document for document in parsed if isinstance(document, Document)]
        start = time.process_time()
        num_chunks = sum(
            len(chunk_document(document, count_tokens, MAX_TOKENS)) for document in documents
        )
        chunk_seconds.append(time.process_time() - start)
    start_seconds = min(_process_seconds(settings, {}) for _ in range(PASSES))
    whole_seconds = min(_process_seconds(settings, files) for _ in range(PASSES))
    added = whole_seconds - start_seconds - min(parse_seconds)
    return {
        "measurement": "speed",
        "num_documents": len(documents),
        "num_chunks": num_chunks,
        "parse_seconds": parse_seconds,
        "chunk_seconds": chunk_seconds,
        "process_start_seconds": start_seconds,
        "parse_in_process_seconds": whole_seconds,
        "documents_per_second": len(documents) / (min(parse_seconds) + min(chunk_seconds)),
        "process_overhead_ms": 1_000 * added / len(documents),
    }


def _process_seconds(settings: IngestionSettings, files: dict[str, bytes]) -> float:
    """Processor seconds, in both processes, of a ParserProcess for its whole life."""
    before = _processor_seconds()
    with ParserProcess(settings) as process:
        process.parse("warm.md", b"# Warm")
        for name, content in files.items():
            process.parse(name, content)
    return _processor_seconds() - before


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def measure_screening(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """Attacks found by type, and clean e-mails and documents that are flagged.

    The patterns are written, not fitted; whoever wrote them had read these attacks, so the figures
    say what kinds are found, not how well unseen ones are.
    """
    attacks = json.loads((folder / "text_attack_train.json").read_text(encoding="utf-8"))
    found = {kind: [_is_flagged(text) for text in texts] for kind, texts in attacks.items()}
    emails = [
        json.loads(line)["context"]
        for line in (folder / "email_train.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    false_emails = [text for text in emails if _is_flagged(text)]
    false_documents = list(_flagged_documents(files))
    caught = sum(sum(flags) for flags in found.values())
    steering = [
        flag for kind, flags in found.items() if kind not in PLAIN_REQUESTS for flag in flags
    ]
    false_alarms = len(false_emails) + len(false_documents)
    return {
        "measurement": "screening",
        "found_by_attack_type": {
            kind: f"{sum(flags)}/{len(flags)}" for kind, flags in found.items()
        },
        "recall": caught / sum(len(flags) for flags in found.values()),
        "recall_steering": sum(steering) / len(steering),
        "num_clean_emails": len(emails),
        "num_clean_documents": len(files),
        "flagged_clean_emails": false_emails,
        "flagged_clean_documents": false_documents,
        "precision": caught / (caught + false_alarms),
    }


def _token_counter() -> Callable[..., list[int]]:
    tokenizer = Tokenizer.from_file(str(load_settings().embedder.model_path / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [len(found.ids) for found in tokenizer.encode_batch_fast(list(texts))]


def _is_flagged(text: str) -> bool:
    return next(find_instructions(text), None) is not None


def _flagged_documents(files: dict[str, bytes]) -> Iterator[str]:
    """Clean documents in which an instruction was found, by name."""
    for name, content in files.items():
        parsed = parse_document(name, content, IngestionSettings())
        if isinstance(parsed, Reject) or any(
            flag.kind in {"model_instruction", "answer_directive", "task_request"}
            for flag in parsed.flags
        ):
            yield name


if __name__ == "__main__":
    main()
