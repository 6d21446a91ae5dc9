"""How well the support model tells attributable replies from others, next to plain word overlap."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score  # type: ignore[import-untyped]

from benchmarks.results import Target
from followup.alignment import SentenceAligner
from training.fit_statements import (
    EVEN_ODDS,
    SUBSETS,
    JudgedReplies,
    cross_validate,
    fit,
    measure_alignment,
    measure_overlap,
    read_begin,
)

SEEDS = (0, 1, 2)
WORDS_FEATURE = 0
MIN_AUC = 0.96
MIN_BALANCED_ACCURACY = 0.90


def measure_attribution(
    data_folder: Path, aligner: SentenceAligner
) -> tuple[list[dict[str, Any]], list[Target]]:
    """Measurements and targets on BEGIN's development data, in the shape `write_results` takes.

    Five folds by source, three times; and each subset measured by a fit on the other two.
    """
    judged = read_begin(data_folder / "begin_dev")
    words = measure_overlap(judged)
    aligned = measure_alignment(judged, aligner)
    variants = {
        "word overlap alone": words[:, [WORDS_FEATURE]],
        "word alignment alone": aligned[:, [0]],
        "without embeddings": words,
        "with embeddings": np.hstack([words, aligned]),
    }
    measurements = [
        measured
        for name, features in variants.items()
        for measured in (
            *_five_fold(name, features, judged),
            *_other_subsets(name, features, judged),
        )
    ]
    return measurements, _targets(measurements)


def _five_fold(
    name: str, features: NDArray[np.float64], judged: JudgedReplies
) -> list[dict[str, Any]]:
    return [
        {
            "method": name,
            "split": "five-fold",
            "seed": seed,
            **_quality(cross_validate(features, judged, seed), judged.supported),
        }
        for seed in SEEDS
    ]


def _other_subsets(
    name: str, features: NDArray[np.float64], judged: JudgedReplies
) -> list[dict[str, Any]]:
    found = []
    for subset in SUBSETS:
        held_out = judged.subsets == subset
        fitted = fit(features[~held_out], judged.supported[~held_out])
        probabilities = fitted.predict_proba(features[held_out])[:, 1]
        quality = _quality(probabilities, judged.supported[held_out])
        found.append({"method": name, "split": f"fitted without {subset}", **quality})
    return found


def _quality(probabilities: NDArray[np.float64], supported: NDArray[np.bool_]) -> dict[str, float]:
    decided = probabilities >= EVEN_ODDS
    return {
        "auc": round(float(roc_auc_score(supported, probabilities)), 4),
        "balanced_accuracy": round(float(balanced_accuracy_score(supported, decided)), 4),
    }


def _targets(measurements: list[dict[str, Any]]) -> list[Target]:
    def mean(method: str, figure: str) -> float:
        found = [m[figure] for m in measurements if m["method"] == method and "seed" in m]
        return float(np.mean(found))

    targets = []
    for method in ("without embeddings", "with embeddings"):
        targets += [
            Target(f"attributable, {method}: AUC", mean(method, "auc"), MIN_AUC, "AUC"),
            Target(
                f"attributable, {method}: balanced accuracy",
                mean(method, "balanced_accuracy"),
                MIN_BALANCED_ACCURACY,
                "share",
            ),
            Target(
                f"attributable, {method}: AUC above word overlap",
                mean(method, "auc") - mean("word overlap alone", "auc"),
                0,
                "AUC",
            ),
        ]
    return targets
