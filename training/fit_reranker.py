"""Fit the built-in reranker: how much each match feature counts.

    python -m training.fit_reranker DATA_FOLDER --model EMBEDDING_MODEL_FOLDER --milvus URI

DATA_FOLDER (or the variable BENCH_DATA) has a subfolder scifact/ in BEIR form. Two thirds of its
train claims are fitted on; the others stay unseen, for the benchmark. The corpus goes into a
collection of its own in that Milvus, so that the features are those of serving, and is dropped at
the end. Writes followup/backends/reranking.json.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import followup.backends
from followup.backends.embedder import Embedder
from followup.backends.match_features import FEATURES, feature_matrix
from followup.backends.passage_search import SearchOptions
from followup.backends.ranking import Candidate, Query
from followup.backends.reranking import FeatureWeights
from followup.backends.settings import EmbedderSettings, VectorStoreSettings
from followup.backends.vector_store import VectorStore
from followup.backends.whole_file import write_whole
from training.scifact import JudgedClaims, index_claims, read_scifact

OUTPUT = Path(followup.backends.__path__[0]) / "reranking.json"
COLLECTION = "fit_reranker"
TENANT = "scifact"
FUSED = ("cosine", "lexical")
PENALTY = 0.1


@dataclass
class RecordingReranker:
    """Keeps the features of what it is shown, and leaves the order as it is."""

    features: list[NDArray[np.float64]] = field(default_factory=list)
    documents: list[list[str]] = field(default_factory=list)

    def values(
        self, query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        self.features.append(feature_matrix(query, candidates, fused))
        self.documents.append([candidate.chunk.document for candidate in candidates])
        return fused


@dataclass(frozen=True)
class JudgedLists:
    """The candidates of all claims, one claim after the other.

    Features of shape (n, features), whether each is relevant (n,), first row of each claim
    (claims,) and the number of each row's claim (n,).
    """

    features: NDArray[np.float64]
    is_relevant: NDArray[np.bool_]
    starts: NDArray[np.int64]
    claims: NDArray[np.int64]


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", nargs="?", default=os.environ.get("BENCH_DATA"))
    parser.add_argument("--model", type=Path, required=True, help="embedding model folder")
    parser.add_argument("--milvus", required=True, help="address of Milvus")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder that holds scifact/, or set BENCH_DATA")
    claims = read_scifact(Path(arguments.data) / "scifact").to_fit_on()
    embedder = Embedder(
        EmbedderSettings(model_name=arguments.model.name, model_path=arguments.model)
    )
    recorder = asyncio.run(record(claims, embedder, arguments.milvus))
    model = to_weights(fit(to_lists(claims, recorder)), num_claims=len(claims.claims))
    write_whole(OUTPUT, f"{model.model_dump_json(indent=2)}\n".encode())
    print(f"wrote {OUTPUT}: {model.model_dump_json()}")


async def record(claims: JudgedClaims, embedder: Embedder, uri: str) -> RecordingReranker:
    """What the reranker is shown for each claim, in the order of the claims."""
    recorder = RecordingReranker()
    settings = VectorStoreSettings(uri=uri, collection=COLLECTION, timeout_seconds=60)
    store = VectorStore(settings, embedder.dimension, recorder)
    await index_claims(store, TENANT, claims, embedder)
    texts = list(claims.claims.values())
    for text, vector in zip(texts, embedder.embed(texts), strict=True):
        await store.search(TENANT, text, vector, SearchOptions(top_k=1, use_reranking=True))
    await store.delete_documents(TENANT, claims.documents)
    await store.close()
    return recorder


def to_lists(claims: JudgedClaims, recorder: RecordingReranker) -> JudgedLists:
    """The claims that have a relevant document among their candidates."""
    features, labels = [], []
    for claim, rows, documents in zip(
        claims.claims, recorder.features, recorder.documents, strict=True
    ):
        is_relevant = np.array([name in claims.relevant[claim] for name in documents])
        if is_relevant.any():
            features.append(rows)
            labels.append(is_relevant)
    sizes = np.array([len(rows) for rows in features])
    return JudgedLists(
        features=np.concatenate(features),
        is_relevant=np.concatenate(labels),
        starts=np.cumsum(sizes) - sizes,
        claims=np.repeat(np.arange(len(sizes)), sizes),
    )


def fit(lists: JudgedLists) -> NDArray[np.float64]:
    """Weights of the features, shape (features,).

    ListNet's top-one cross entropy with a linear score (Cao et al., ICML 2007). The penalty is on
    the distance to the best weights of the fused order's own two features: claims about science
    may refine that order, and must not replace it for other texts.
    """
    scale = lists.features.std(axis=0)
    start = np.zeros(lists.features.shape[1])
    start[: len(FUSED)] = _minimise(lists, scale, start, free=len(FUSED), penalty=0.0)[: len(FUSED)]
    weights: NDArray[np.float64] = (
        _minimise(lists, scale, start, free=len(scale), penalty=PENALTY) / scale
    )
    return weights


def _minimise(
    lists: JudgedLists,
    scale: NDArray[np.float64],
    start: NDArray[np.float64],
    *,
    free: int,
    penalty: float,
) -> NDArray[np.float64]:
    """Best weights of the scaled features; only the first `free` of them move."""
    scaled = lists.features / scale
    num_relevant = np.add.reduceat(lists.is_relevant.astype(np.float64), lists.starts)
    wanted = lists.is_relevant / num_relevant[lists.claims]
    num_claims = len(lists.starts)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = scaled @ weights
        scores -= np.maximum.reduceat(scores, lists.starts)[lists.claims]
        totals = np.add.reduceat(np.exp(scores), lists.starts)[lists.claims]
        entropy = -float((wanted * (scores - np.log(totals))).sum()) / num_claims
        gradient = scaled.T @ (np.exp(scores) / totals - wanted) / num_claims
        moved = weights - start
        gradient = gradient + 2 * penalty * moved
        gradient[free:] = 0.0
        return entropy + penalty * float(moved @ moved), gradient

    found: NDArray[np.float64] = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found


def to_weights(weights: NDArray[np.float64], num_claims: int) -> FeatureWeights:
    return FeatureWeights(
        source="python -m training.fit_reranker",
        fitted_on=f"SciFact, {num_claims} of the train claims: the fused candidates of each",
        weights={
            name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)
        },
    )


if __name__ == "__main__":
    main()
