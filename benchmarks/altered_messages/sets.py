"""Sets of messages over one or more knowledge bases."""

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.altered_messages.documents import read_chunks
from benchmarks.altered_messages.facts import (
    FOLDER,
    Facts,
    FactsError,
    KnowledgeBase,
    join_with_chunks,
    load_facts,
)
from benchmarks.altered_messages.frames import load_phrases
from benchmarks.altered_messages.messages import ExamMessage, MessageWriter
from ingestion.chunking import CountTokens

ROOT = FOLDER.parents[1]
FACTS_FILES = tuple(
    FOLDER / "facts" / f"{name}.yaml"
    for name in (
        "ai_billing",
        "gitpod",
        "tracewell_fleet",
        "dovetail_diary",
        "larkfield_solar",
        "tamberley_coffee",
    )
)


def load_knowledge_base(facts_file: Path, count_tokens: CountTokens) -> KnowledgeBase:
    """Facts with the chunks of their documents. Errors: FactsError with what is missing."""
    facts = load_facts(facts_file)
    return join_with_chunks(facts, read_chunks(_folder_of(facts), count_tokens))


def write_messages(
    knowledge_bases: Sequence[KnowledgeBase], num_messages: int, seed: int
) -> list[ExamMessage]:
    """`num_messages` in all, the same number over each knowledge base."""
    phrases = load_phrases()
    share, rest = divmod(num_messages, len(knowledge_bases))
    return [
        message
        for index, base in enumerate(knowledge_bases)
        for message in MessageWriter(base, phrases, seed).write(share + (index < rest))
    ]


def _folder_of(facts: Facts) -> Path:
    bench_data = os.environ.get("BENCH_DATA", "")
    tried = [ROOT / facts.folder, *([Path(bench_data) / facts.folder] if bench_data else [])]
    for folder in tried:
        if folder.is_dir():
            return folder
    message = (
        f"The folder '{facts.folder}' of '{facts.name}' is not in {[str(path) for path in tried]}. "
        "Set BENCH_DATA to the folder that holds it."
    )
    raise FactsError(message)
