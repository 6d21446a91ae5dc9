"""Fit what turns raw retrieval scores into a relevance between 0 and 1.

    python -m training.fit_relevance DATA_FOLDER --model EMBEDDING_MODEL_FOLDER

DATA_FOLDER (or the variable BENCH_DATA) has a subfolder scifact/ in BEIR form. Only its train
judgements are read, so that the test claims stay unseen. Prints AUC and Brier score on a third of
the queries that the fit did not see, and writes followup/backends/relevance.json, fitted on all.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # no types
from sklearn.metrics import brier_score_loss, roc_auc_score  # type: ignore[import-untyped]

import followup.backends
from followup.backends.embedder import Embedder
from followup.backends.relevance import RelevanceModel
from followup.backends.settings import EmbedderSettings
from followup.backends.terms import index_terms, query_coverage

NUM_HARD_NEGATIVES = 50
NUM_RANDOM_NEGATIVES = 50
HELD_OUT_EVERY = 3
NEARLY_UNREGULARISED = 1e6
OUTPUT = Path(followup.backends.__path__[0]) / "relevance.json"


@dataclass(frozen=True)
class JudgedTexts:
    """A corpus and the queries that have relevant documents in it."""

    documents: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, set[str]]


@dataclass(frozen=True)
class Examples:
    """Query-document pairs: features of shape (n, 2), labels and query numbers of shape (n,)."""

    features: NDArray[np.float64]
    labels: NDArray[np.bool_]
    queries: NDArray[np.int64]

    def part(self, rows: NDArray[np.bool_]) -> "Examples":
        return Examples(self.features[rows], self.labels[rows], self.queries[rows])


@dataclass(frozen=True)
class HeldOutQuality:
    """How well unseen queries were separated."""

    auc: float
    brier: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("BENCH_DATA"))
    parser.add_argument("--model", type=Path, required=True, help="embedding model folder")
    parser.add_argument("--queries", type=int, default=None, help="use only the first so many")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder that holds scifact/, or set BENCH_DATA")
    judged = read_scifact(Path(arguments.data) / "scifact", arguments.queries)
    embedder = Embedder(
        EmbedderSettings(model_name=arguments.model.name, model_path=arguments.model)
    )
    examples = collect_examples(judged, embedder)
    quality = measure_held_out(examples)
    model = to_relevance_model(
        fit(examples), quality, arguments.model.name, num_queries=len(judged.queries)
    )
    OUTPUT.write_text(model.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(f"held out: AUC {quality.auc:.4f}, Brier {quality.brier:.4f} at even odds")
    print(f"wrote {OUTPUT}: {model.model_dump_json()}")


def read_scifact(folder: Path, max_queries: int | None) -> JudgedTexts:
    """The corpus, and the train claims that have a relevant document."""
    relevant: dict[str, set[str]] = {}
    for line in (folder / "qrels_train.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        if int(grade) > 0:
            relevant.setdefault(query, set()).add(document)
    documents = {
        row["_id"]: f"{row['title']}\n{row['text']}" for row in _rows(folder / "corpus.jsonl")
    }
    texts = {row["_id"]: row["text"] for row in _rows(folder / "queries.jsonl")}
    chosen = sorted(relevant, key=int)[:max_queries]
    return JudgedTexts(
        documents=documents,
        queries={query: texts[query] for query in chosen},
        relevant={query: relevant[query] for query in chosen},
    )


def collect_examples(judged: JudgedTexts, embedder: Embedder) -> Examples:
    """Each query's relevant documents against its nearest others and against random ones."""
    names = list(judged.documents)
    cosines = (
        embedder.embed(list(judged.queries.values()))
        @ embedder.embed(list(judged.documents.values())).T
    )
    term_sets = [frozenset(index_terms(text)) for text in judged.documents.values()]
    generator = np.random.default_rng(0)
    features: list[tuple[float, float]] = []
    labels: list[bool] = []
    queries: list[int] = []
    for number, (query, text) in enumerate(judged.queries.items()):
        terms = index_terms(text)
        coverages = np.array([query_coverage(terms, document) for document in term_sets])
        hard = _best(cosines[number]) | _best(coverages)
        some = set(generator.choice(len(names), NUM_RANDOM_NEGATIVES, replace=False).tolist())
        right = {row for row, name in enumerate(names) if name in judged.relevant[query]}
        for row in sorted(hard | some | right):
            features.append((float(cosines[number, row]), float(coverages[row])))
            labels.append(row in right)
            queries.append(number)
    return Examples(np.array(features), np.array(labels), np.array(queries))


def measure_held_out(examples: Examples) -> HeldOutQuality:
    """Fit on two thirds of the queries, measure on the rest."""
    held_out = examples.queries % HELD_OUT_EVERY == 0
    unseen = examples.part(held_out)
    fitted = fit(examples.part(~held_out))
    probabilities = fitted.predict_proba(unseen.features)[:, 1]
    odds = np.where(unseen.labels, 1 / unseen.labels.sum(), 1 / (~unseen.labels).sum())
    return HeldOutQuality(
        auc=float(roc_auc_score(unseen.labels, probabilities)),
        brier=float(brier_score_loss(unseen.labels, probabilities, sample_weight=odds)),
    )


def fit(examples: Examples) -> LogisticRegression:
    """Both classes weigh the same, which makes the prior odds even."""
    model = LogisticRegression(C=NEARLY_UNREGULARISED, class_weight="balanced")
    return model.fit(examples.features, examples.labels)


def to_relevance_model(
    fitted: LogisticRegression, quality: HeldOutQuality, embedding_model: str, num_queries: int
) -> RelevanceModel:
    cosine, coverage = (round(float(weight), 4) for weight in fitted.coef_[0])
    return RelevanceModel(
        source="python -m training.fit_relevance",
        fitted_on=(
            f"SciFact, {num_queries} train claims: cited abstracts against the "
            f"{NUM_HARD_NEGATIVES} nearest by cosine, the {NUM_HARD_NEGATIVES} with most of the "
            f"claim's words, and {NUM_RANDOM_NEGATIVES} random ones"
        ),
        embedding_model=embedding_model,
        cosine=cosine,
        coverage=coverage,
        intercept=round(float(fitted.intercept_[0]), 4),
        held_out_auc=round(quality.auc, 4),
        held_out_brier=round(quality.brier, 4),
    )


def _best(scores: NDArray[np.floating]) -> set[int]:
    return set(np.argsort(-scores, kind="stable")[:NUM_HARD_NEGATIVES].tolist())


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    main()
