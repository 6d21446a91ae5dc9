"""Fit the probability that a source supports a plain statement.

    python -m training.fit_statements DATA_FOLDER --model EMBEDDING_MODEL_FOLDER

DATA_FOLDER (or the variable BENCH_DATA) has a subfolder begin_dev/: replies of four dialogue models
that people judged against the text they were given (BEGIN, Dziri et al., TACL 2022). A reply counts
as supported where it was judged fully attributable; generic ones do not. Prints what is measured on
folds that the fit did not see, and writes followup/support_model.json, fitted on all.
"""

import argparse
import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]  # no types
from sklearn.metrics import (  # type: ignore[import-untyped]
    balanced_accuracy_score,
    brier_score_loss,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

import followup
from followup.alignment import ALIGNMENT_FEATURES, SentenceAligner, alignment_features
from followup.backends.alignment import EmbeddingAligner
from followup.backends.embedder import Embedder
from followup.backends.settings import EmbedderSettings
from followup.backends.whole_file import write_whole
from followup.overlap import FEATURES, overlap_features, read_text
from followup.support_model import Classifier, HeldOutQuality, ReliabilityBin, SupportModel

SUBSETS = ("cmu", "tc", "wow")
SUPPORTED_LABEL = "Fully attributable"
NUM_FOLDS = 5
NUM_BINS = 10
NUM_BATCHES = 20
INVERSE_REGULARISATION = 0.1
KEPT_SHARE = 0.97
EVEN_ODDS = 0.5
OUTPUT = Path(followup.__path__[0]) / "support_model.json"


@dataclass(frozen=True)
class JudgedReplies:
    """Replies, the text each was given, and its judgement, (n,); `groups` number the texts."""

    replies: tuple[str, ...]
    sources: tuple[str, ...]
    supported: NDArray[np.bool_]
    subsets: NDArray[np.str_]
    groups: NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("BENCH_DATA"))
    parser.add_argument("--model", type=Path, required=True, help="embedding model folder")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder that holds begin_dev/, or set BENCH_DATA")
    judged = read_begin(Path(arguments.data) / "begin_dev")
    embedder = Embedder(
        EmbedderSettings(model_name=arguments.model.name, model_path=arguments.model)
    )
    words = measure_overlap(judged)
    both = np.hstack([words, measure_alignment(judged, EmbeddingAligner(embedder))])
    model = SupportModel(
        source="python -m training.fit_statements",
        fitted_on=(
            f"BEGIN development data, {len(judged.replies)} replies: those judged fully "
            "attributable against all others; each class weighs half"
        ),
        embedding_model=arguments.model.name,
        threshold_keeps=KEPT_SHARE,
        without_embeddings=fit_classifier(FEATURES, words, judged),
        with_embeddings=fit_classifier((*FEATURES, *ALIGNMENT_FEATURES), both, judged),
    )
    write_whole(OUTPUT, f"{model.model_dump_json(indent=2)}\n".encode())
    for name in ("without_embeddings", "with_embeddings"):
        held_out = getattr(model, name).held_out
        print(
            f"{name}: AUC {held_out.auc:.4f}, balanced accuracy {held_out.balanced_accuracy:.4f}, "
            f"Brier {held_out.brier:.4f}"
        )
    print(f"wrote {OUTPUT}")


def read_begin(folder: Path) -> JudgedReplies:
    """All subsets of the development data, in order."""
    rows = [row for subset in SUBSETS for row in _rows(folder / f"begin_dev_{subset}.tsv")]
    sources = tuple(row["knowledge"] for row in rows)
    return JudgedReplies(
        replies=tuple(row["response"] for row in rows),
        sources=sources,
        supported=np.array([row["begin_label"] == SUPPORTED_LABEL for row in rows]),
        subsets=np.array([row["data_source"] for row in rows]),
        groups=np.unique(sources, return_inverse=True)[1],
    )


def measure_overlap(judged: JudgedReplies) -> NDArray[np.float64]:
    """The features without embeddings, shape (n, number of FEATURES)."""
    pairs = zip(judged.replies, judged.sources, strict=True)
    return np.array([overlap_features(read_text(r), read_text(s)) for r, s in pairs])


def measure_alignment(judged: JudgedReplies, aligner: SentenceAligner) -> NDArray[np.float64]:
    """The features of the alignment, shape (n, number of ALIGNMENT_FEATURES)."""
    features = np.zeros((len(judged.replies), len(ALIGNMENT_FEATURES)))
    for groups in np.array_split(np.unique(judged.groups), NUM_BATCHES):
        rows = np.flatnonzero(np.isin(judged.groups, groups))
        sources = list(dict.fromkeys(judged.sources[row] for row in rows))
        aligned = aligner.align([judged.replies[row] for row in rows], sources)
        for row, of_reply in zip(rows, aligned, strict=True):
            own = of_reply[sources.index(judged.sources[row])]
            features[row] = alignment_features(own)
    return features


def fit_classifier(
    names: Sequence[str], features: NDArray[np.float64], judged: JudgedReplies
) -> Classifier:
    """Fitted on all replies; its quality and threshold come from held-out folds."""
    held_out = cross_validate(features, judged)
    scaler, regression = fit(features, judged.supported)
    weights = regression.coef_[0] / scaler.scale_
    intercept = regression.intercept_[0] - weights @ scaler.mean_
    return Classifier(
        weights={name: round(float(w), 5) for name, w in zip(names, weights, strict=True)},
        intercept=round(float(intercept), 5),
        threshold=round(float(np.quantile(held_out[judged.supported], 1 - KEPT_SHARE)), 4),
        held_out=measure_quality(held_out, judged.supported),
    )


def fit(features: NDArray[np.float64], supported: NDArray[np.bool_]) -> Pipeline:
    """Standardised logistic regression; both classes weigh the same, so prior odds are even."""
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=1_000),
    )
    return model.fit(features, supported)


def cross_validate(
    features: NDArray[np.float64], judged: JudgedReplies, seed: int = 0
) -> NDArray[np.float64]:
    """Probability of each reply by a fit on other folds; a source stands in one fold only."""
    folds = StratifiedGroupKFold(NUM_FOLDS, shuffle=True, random_state=seed)
    probabilities = np.zeros(len(features))
    for train, test in folds.split(features, judged.supported, judged.groups):
        fitted = fit(features[train], judged.supported[train])
        probabilities[test] = fitted.predict_proba(features[test])[:, 1]
    return probabilities


def measure_quality(
    probabilities: NDArray[np.float64], supported: NDArray[np.bool_]
) -> HeldOutQuality:
    """How well probabilities separate, and how true they are, at even odds."""
    odds = np.where(supported, 1 / supported.sum(), 1 / (~supported).sum())
    decided = probabilities >= EVEN_ODDS
    return HeldOutQuality(
        auc=round(float(roc_auc_score(supported, probabilities)), 4),
        balanced_accuracy=round(float(balanced_accuracy_score(supported, decided)), 4),
        brier=round(float(brier_score_loss(supported, probabilities, sample_weight=odds)), 4),
        reliability=tuple(_reliability(probabilities, supported, odds)),
    )


def _reliability(
    probabilities: NDArray[np.float64], supported: NDArray[np.bool_], odds: NDArray[np.float64]
) -> Iterator[ReliabilityBin]:
    bins = np.minimum((probabilities * NUM_BINS).astype(int), NUM_BINS - 1)
    for number in np.unique(bins):
        rows = bins == number
        yield ReliabilityBin(
            stated=round(float(np.average(probabilities[rows], weights=odds[rows])), 3),
            supported=round(float(np.average(supported[rows], weights=odds[rows])), 3),
            num_statements=int(rows.sum()),
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


if __name__ == "__main__":
    main()
