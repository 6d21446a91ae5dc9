"""Fit what turns raw retrieval scores into a relevance between 0 and 1.

    python -m training.fit_relevance DATA_FOLDER --model EMBEDDING_MODEL_FOLDER

DATA_FOLDER (or the variable BENCH_DATA) has the subfolders scifact/ in BEIR form, for claims, and
dialogs_dstc11/, for questions. Of SciFact only the train judgements are read, so that the test
claims stay unseen. Prints AUC and Brier score on a third of each set's queries that the fit did not
see, and writes followup/backends/relevance.json, fitted on all.
"""

import argparse
import os
from collections.abc import Sequence
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
from followup.backends.whole_file import write_whole
from training.dialogs import JudgedQuestions, read_dialogs
from training.scifact import HELD_OUT_EVERY, JudgedClaims, read_scifact

NUM_HARD_NEGATIVES = 50
NUM_RANDOM_NEGATIVES = 50
NEARLY_UNREGULARISED = 1e6
SET_WEIGHT = 10_000.0
OUTPUT = Path(followup.backends.__path__[0]) / "relevance.json"


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
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder that holds scifact/, or set BENCH_DATA")
    data = Path(arguments.data)
    embedder = Embedder(
        EmbedderSettings(model_name=arguments.model.name, model_path=arguments.model)
    )
    claims = collect_examples(read_scifact(data / "scifact"), embedder)
    questions = collect_questions(read_dialogs(data / "dialogs_dstc11"), embedder)
    quality = measure_held_out([claims, questions])
    model = to_relevance_model(fit([claims, questions]), quality, arguments.model.name)
    write_whole(OUTPUT, f"{model.model_dump_json(indent=2)}\n".encode())
    print(f"held out: AUC {quality.auc:.4f}, Brier {quality.brier:.4f} at even odds")
    print(f"wrote {OUTPUT}: {model.model_dump_json()}")


def collect_examples(judged: JudgedClaims, embedder: Embedder) -> Examples:
    """Each claim's relevant documents against its nearest others and against random ones."""
    names = list(judged.documents)
    documents = [f"{title}\n{text}" for title, text in judged.documents.values()]
    cosines = embedder.embed(list(judged.claims.values())) @ embedder.embed(documents).T
    term_sets = [frozenset(index_terms(text)) for text in documents]
    generator = np.random.default_rng(0)
    features: list[tuple[float, float]] = []
    labels: list[bool] = []
    queries: list[int] = []
    for number, (query, text) in enumerate(judged.claims.items()):
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


def collect_questions(judged: JudgedQuestions, embedder: Embedder) -> Examples:
    """Each question against the passages that it was judged with."""
    rows = {key: row for row, key in enumerate(judged.passages)}
    texts = [f"{title}\n{text}" for title, text in judged.passages.values()]
    term_sets = [frozenset(index_terms(text)) for text in texts]
    vectors = embedder.embed(texts)
    asked = embedder.embed([question.text for question in judged.questions])
    features: list[tuple[float, float]] = []
    labels: list[bool] = []
    queries: list[int] = []
    for number, question in enumerate(judged.questions):
        terms = index_terms(question.text)
        for key, is_relevant in zip(question.passages, question.is_relevant, strict=True):
            row = rows[key]
            coverage = query_coverage(terms, term_sets[row])
            features.append((float(vectors[row] @ asked[number]), coverage))
            labels.append(is_relevant)
            queries.append(number)
    return Examples(np.array(features), np.array(labels), np.array(queries))


def measure_held_out(sets: Sequence[Examples]) -> HeldOutQuality:
    """Fit on two thirds of the queries of each set, measure on the rest."""
    fitted = fit([part.part(part.queries % HELD_OUT_EVERY != 0) for part in sets])
    unseen = [part.part(part.queries % HELD_OUT_EVERY == 0) for part in sets]
    labels = np.concatenate([part.labels for part in unseen])
    probabilities = fitted.predict_proba(np.concatenate([part.features for part in unseen]))[:, 1]
    odds = np.concatenate([even_odds(part.labels) for part in unseen])
    return HeldOutQuality(
        auc=float(roc_auc_score(labels, probabilities, sample_weight=odds)),
        brier=float(brier_score_loss(labels, probabilities, sample_weight=odds)),
    )


def fit(sets: Sequence[Examples]) -> LogisticRegression:
    """Each set counts the same, and so do relevant and irrelevant passages in it."""
    model = LogisticRegression(C=NEARLY_UNREGULARISED)
    return model.fit(
        np.concatenate([part.features for part in sets]),
        np.concatenate([part.labels for part in sets]),
        sample_weight=np.concatenate([even_odds(part.labels) for part in sets]),
    )


def even_odds(labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights that make both classes, and all sets, count the same."""
    weights: NDArray[np.float64] = np.where(
        labels, SET_WEIGHT / labels.sum(), SET_WEIGHT / (~labels).sum()
    )
    return weights


def to_relevance_model(
    fitted: LogisticRegression, quality: HeldOutQuality, embedding_model: str
) -> RelevanceModel:
    cosine, coverage = (round(float(weight), 4) for weight in fitted.coef_[0])
    return RelevanceModel(
        source="python -m training.fit_relevance",
        fitted_on=(
            "Half SciFact's train claims: cited abstracts against the "
            f"{NUM_HARD_NEGATIVES} nearest by cosine, the {NUM_HARD_NEGATIVES} with most of the "
            f"claim's words, and {NUM_RANDOM_NEGATIVES} random ones; half DSTC11's questions to "
            "hotels and restaurants: the passages named against the place's others and random ones"
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


if __name__ == "__main__":
    main()
