"""Time that the validator adds to a reply: messages of 120 words, 5 passages of real chunks."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.altered_messages.documents import NUM_PASSAGES
from benchmarks.altered_messages.messages import ExamMessage
from benchmarks.altered_messages.sets import load_knowledge_base, write_messages
from benchmarks.altered_replies import accused_by_figures
from benchmarks.results import Target
from config.settings import Settings
from followup.alignment import SentenceAligner
from followup.fusion import Candidate
from followup.situation import detect_situation
from followup.statements import StatementChecker
from followup.validation import ValidationTask, validate
from ingestion.chunking import CountTokens

NUM_WORDS = 120
NUM_MESSAGES = 200
MAX_P95_MS = 15.0
MAX_P95_WITH_EMBEDDINGS_MS = 60.0
FUSION_WEIGHT = 0.6


def measure_validation_latency(
    facts_files: Sequence[Path],
    settings: Settings,
    seed: int,
    count_tokens: CountTokens,
    aligner: SentenceAligner,
) -> tuple[list[dict[str, Any]], list[Target]]:
    """Milliseconds for one candidate, without and with word vectors and by figures, in turns."""
    bases = [load_knowledge_base(path, count_tokens) for path in facts_files]
    messages = write_messages(bases, NUM_MESSAGES, seed)
    texts = [_of_120_words(message, messages) for message in messages]
    tasks = [_task(message, text, settings) for message, text in zip(messages, texts, strict=True)]
    with_vectors = StatementChecker(aligner)
    plain: list[float] = []
    aligned: list[float] = []
    figures: list[float] = []
    for message, task in zip(messages, tasks, strict=True):
        plain.append(_milliseconds(partial(validate, task, settings.compliance)))
        aligned.append(_milliseconds(partial(validate, task, settings.compliance, with_vectors)))
        figures.append(_milliseconds(partial(accused_by_figures, message)))
    rows = [
        _row("validate, without embeddings", plain),
        _row("validate, with embeddings", aligned),
        _row("alternative: comparison of figures", figures),
    ]
    goals = (
        ("validator p95 without embeddings", rows[0], MAX_P95_MS),
        ("validator p95 with embeddings", rows[1], MAX_P95_WITH_EMBEDDINGS_MS),
    )
    return rows, [
        Target(name, row["p95_ms"], goal, "ms", at_least=False) for name, row, goal in goals
    ]


def _of_120_words(message: ExamMessage, others: Sequence[ExamMessage]) -> str:
    """The message, then sentences of others over the same documents, cut at 120 words.

    What comes from the others may lack its source here, so the repair is timed as well.
    """
    text = message.text
    for other in others:
        if len(text.split()) >= NUM_WORDS:
            break
        if other is not message and other.knowledge_base == message.knowledge_base:
            text += " " + other.text.split("\n\n", 1)[1]
    words = text.split(" ")
    while len(" ".join(words).split()) > NUM_WORDS:
        words.pop()
    return " ".join(words)


def _task(message: ExamMessage, text: str, settings: Settings) -> ValidationTask:
    return ValidationTask(
        lead=message.lead,
        situation=detect_situation(message.lead, settings.compliance),
        passages=message.passages,
        candidates=(Candidate(name="rag", text=text, truncated=False, mean_log_prob=-1.0),),
        fusion_weight=FUSION_WEIGHT,
    )


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1_000


def _row(what: str, milliseconds: Sequence[float]) -> dict[str, Any]:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {
        "measurement": "latency",
        "what": what,
        "messages": len(milliseconds),
        "words": NUM_WORDS,
        "passages": NUM_PASSAGES,
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "max_ms": round(max(milliseconds), 3),
    }
