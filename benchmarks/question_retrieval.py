"""Questions against knowledge bases, through ingestion and the real store."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cached_vectors import CachedEmbedder
from benchmarks.results import Target
from followup.backends.embedder import mean_vector
from followup.backends.passage_search import SearchOptions
from followup.backends.settings import VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.lead import Lead
from followup.passage import Passage
from followup.query import RetrievalQuery, lead_words, retrieval_query
from followup.request import RetrievalOptions
from ingestion.ingest import ingest_folder

QUESTIONS = Path(__file__).parent / "questions"
EXAMPLES = Path(__file__).parents[1] / "examples"
TOP_K = 5
MAX_VERSIONS = 2
THRESHOLD = RetrievalOptions().retrieval_threshold
_VERSION_FOLDER = re.compile(r"/(?:latest|\d+(?:\.\d+)+)/")
WAYS = {
    "fused": ({"relevance_weight": 1.0}, SearchOptions(TOP_K)),
    "fused + rerank": ({"relevance_weight": 1.0}, SearchOptions(TOP_K, use_reranking=True)),
    "as served": ({}, SearchOptions(TOP_K, use_reranking=True)),
}


def lead_asking(question: str) -> Lead:
    """A lead of kb_gitpod's company whose notes end with this question."""
    notes = f"Watched the product tour. Asked: {question}"
    return Lead(lead_name="Sarah Chen", product_name="Gitpod", interaction_history=notes)


FORMS: dict[str, Callable[[str], RetrievalQuery]] = {
    "question": lambda text: RetrievalQuery(text, text),
    "lead": lambda text: retrieval_query(lead_asking(text)),
}
"""A question by itself, and as serving gets it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the pages that answer it; * in a page's name stands for its version."""

    text: str
    pages: tuple[str, ...]
    split: str

    def is_answered(self, found: Sequence[Passage]) -> bool:
        return any(
            fnmatch(passage.chunk.document, page) for passage in found for page in self.pages
        )


async def measure_questions(
    uri: str, embedder: CachedEmbedder, data: Path
) -> tuple[list[dict[str, Any]], list[Target]]:
    """kb_gitpod: rows of each way and half, and the targets."""
    content = json.loads((QUESTIONS / "gitpod.json").read_text(encoding="utf-8"))
    questions = [
        Asked(item["question"], tuple(item["documents"]), item["split"])
        for item in content["questions"]
    ]
    stores = _stores(uri, "gitpod", embedder)
    await ingest_folder(data / "kb_gitpod", "gitpod", embedder, stores["as served"])
    rows = []
    for form, make_query in FORMS.items():
        for way, (_, options) in WAYS.items():
            found = [
                await _find(stores[way], "gitpod", make_query(item.text), embedder, options)
                for item in questions
            ]
            for split in ("dev", "held_out"):
                pairs = [(q, f) for q, f in zip(questions, found, strict=True) if q.split == split]
                row = {"measurement": "gitpod", "ranking": way, "split": split, "asked": form}
                rows.append(row | _judge(pairs))
    _print(rows, "kb_gitpod")
    for form, make_query in FORMS.items():
        strangers = [
            await _find(
                stores["as served"], "gitpod", make_query(text), embedder, WAYS["as served"][1]
            )
            for text in content["unanswerable"]
        ]
        refused = mean(not any(p.score >= THRESHOLD for p in item.passages) for item in strangers)
        rows.append({"measurement": "gitpod", "asked": form, "unanswerable_refused": refused})
        print(f"unanswerable, as a {form}, with nothing above {THRESHOLD:g}: {refused:.0%}")
    for store in stores.values():
        await store.close()
    return rows, _question_targets(rows)


async def measure_leads(
    uri: str, embedder: CachedEmbedder, data: Path
) -> tuple[list[dict[str, Any]], list[Target]]:
    """The example leads and some with long histories: two queries of each, in turns."""
    del data
    judged = json.loads((QUESTIONS / "leads.json").read_text(encoding="utf-8"))
    leads = {
        row.pop("id"): row
        for row in map(json.loads, (EXAMPLES / "leads.jsonl").read_text().splitlines())
    }
    stores = _stores(uri, "leads", embedder)
    store, options = stores["as served"], WAYS["as served"][1]
    await ingest_folder(EXAMPLES / "knowledge_base", "leads", embedder, store)
    rows: list[dict[str, Any]] = []
    for name, make_query in (("newest words", _newest_words), ("last question", retrieval_query)):
        pairs = []
        for item in judged:
            lead = Lead.model_validate(item.get("lead") or leads[item["id"]])
            query = make_query(lead)
            question = Asked(query.words, tuple(item["documents"]), "all")
            pairs.append((question, await _find(store, "leads", query, embedder, options)))
        row = {"measurement": "leads", "ranking": name, "split": "all", "asked": "lead"}
        rows.append(row | _judge(pairs))
    for store in stores.values():
        await store.close()
    _print(rows, "leads")
    value = float(rows[-1]["recall_at_1"])
    gain = value - float(rows[0]["recall_at_1"])
    return rows, [
        Target("leads: the first passage answers", value, 0.8, ""),
        Target("leads: gain over the newest words", gain, 0.0, ""),
    ]


def _newest_words(lead: Lead) -> RetrievalQuery:
    return RetrievalQuery(lead_words(lead), lead_words(lead))


@dataclass(frozen=True, slots=True)
class Found:
    """What a search returned, and how long it took."""

    passages: list[Passage]
    milliseconds: float


async def _find(
    store: VectorStore,
    tenant: str,
    query: RetrievalQuery,
    embedder: CachedEmbedder,
    options: SearchOptions,
) -> Found:
    vector = mean_vector(embedder.embed(query.embedded))
    start = time.perf_counter()
    passages = await store.search(tenant, query.words, vector, options)
    return Found(passages, (time.perf_counter() - start) * 1_000)


def _judge(pairs: Sequence[tuple[Asked, Found]]) -> dict[str, float]:
    answers = [
        next((p for p in found.passages if asked.is_answered([p])), None) for asked, found in pairs
    ]
    return {
        "num_questions": len(pairs),
        "recall_at_1": mean(asked.is_answered(found.passages[:1]) for asked, found in pairs),
        "recall_at_3": mean(asked.is_answered(found.passages[:3]) for asked, found in pairs),
        "recall_at_5": mean(answer is not None for answer in answers),
        "recall_at_5_above_threshold": mean(
            answer is not None and answer.score >= THRESHOLD for answer in answers
        ),
        "max_versions_of_a_page": max(_num_versions(found.passages) for _, found in pairs),
        "median_ms": median(found.milliseconds for _, found in pairs),
    }


def _num_versions(passages: Sequence[Passage]) -> int:
    """Largest number of versions in which one page is among the passages."""
    documents = {passage.chunk.document for passage in passages}
    pages = Counter(_VERSION_FOLDER.sub("/*/", document) for document in documents)
    return max(pages.values(), default=0)


def _stores(uri: str, collection: str, embedder: CachedEmbedder) -> dict[str, VectorStore]:
    return {
        way: VectorStore(
            VectorStoreSettings(uri=uri, collection=collection, timeout_seconds=60, **settings),
            embedder.dimension,
        )
        for way, (settings, _) in WAYS.items()
    }


def _print(rows: Sequence[dict[str, Any]], title: str) -> None:
    names = ("ranking", "split", "asked")
    measures = [name for name in rows[0] if name not in {"measurement", *names}]
    table = Table("ranking", "questions", "asked as", *measures, title=title)
    for row in rows:
        table.add_row(
            *(row[name] for name in names), *(f"{row[measure]:.3g}" for measure in measures)
        )
    Console(width=160).print(table)


def _question_targets(rows: Sequence[dict[str, Any]]) -> list[Target]:
    """The goal is of the whole set; that each half meets it shows that no choice was for one."""
    served = [row for row in rows if row.get("ranking") == "as served"]
    targets = [
        Target(
            f"kb_gitpod, {row['split']}, as a {row['asked']}: recall@5", row["recall_at_5"], 0.9, ""
        )
        for row in served
    ]
    for form in FORMS:
        halves = [row for row in served if row["asked"] == form]
        num_questions = sum(row["num_questions"] for row in halves)
        num_found = sum(row["recall_at_5"] * row["num_questions"] for row in halves)
        name = f"kb_gitpod, {num_questions} questions, as a {form}: recall@5"
        targets.append(Target(name, num_found / num_questions, 0.9, ""))
    versions = max(row["max_versions_of_a_page"] for row in served)
    targets.append(
        Target("kb_gitpod: versions of one page in the top 5", versions, MAX_VERSIONS, "", False)
    )
    return targets
