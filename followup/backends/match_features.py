"""What the words of a query and of a passage have in common, in numbers between 0 and 1."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from followup.backends.ranking import Candidate, Query, lexical_shares
from followup.backends.terms import index_terms

FEATURES = (
    "cosine",
    "lexical",
    "rare_words",
    "heading_words",
    "adjacent_words",
    "close_words",
    "feedback",
)
NUM_FEEDBACK = 3
MAX_PAIR_DISTANCE = 2
WINDOW_TERMS = 20


def feature_matrix(
    query: Query, candidates: Sequence[Candidate], fused: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Features of each candidate, shape (len(candidates), len(FEATURES)), from 0 to 1.

    cosine          of query and passage, at least 0
    lexical         see `lexical_shares`
    rare_words      share of the query's terms that the passage holds, each weighted by its rarity
    heading_words   the same in title and section alone
    adjacent_words  share of the query's neighbouring terms that stand together in the passage
    close_words     rare_words of the best window of 20 terms
    feedback        mean cosine to the three best of the fused order (pseudo-relevance feedback)

    Rarity is the inverse document frequency among the candidates: the store tells none.
    """
    rarity = _rarity(query.terms, candidates)
    pairs = list(pairwise(query.terms))
    rows = []
    for candidate in candidates:
        places = _places(candidate.terms, rarity)
        heading = set(index_terms(f"{candidate.chunk.title}\n{candidate.chunk.section}"))
        rows.append(
            (
                _share(places, rarity),
                _share(rarity.keys() & heading, rarity),
                _adjacent(pairs, places),
                _closeness(places, rarity),
            )
        )
    cosines = np.array([max(candidate.cosine, 0.0) for candidate in candidates])
    lexical = lexical_shares(query, candidates)
    return np.column_stack([cosines, lexical, np.array(rows), _feedback(candidates, fused)])


def _rarity(terms: Sequence[str], candidates: Sequence[Candidate]) -> dict[str, float]:
    """Inverse document frequency of each distinct query term among the candidates."""
    wanted = dict.fromkeys(terms)
    held = [wanted.keys() & set(candidate.terms) for candidate in candidates]
    return {
        term: math.log((len(held) + 1) / (sum(term in some for some in held) + 0.5))
        for term in wanted
    }


def _places(passage_terms: Sequence[str], rarity: dict[str, float]) -> dict[str, list[int]]:
    """Where the query's terms stand in the passage; a term that it lacks is left out."""
    places: dict[str, list[int]] = {}
    for place, term in enumerate(passage_terms):
        if term in rarity:
            places.setdefault(term, []).append(place)
    return places


def _share(held: Iterable[str], rarity: dict[str, float]) -> float:
    total = sum(rarity.values())
    return sum(rarity[term] for term in held) / total if total else 0.0


def _adjacent(pairs: Sequence[tuple[str, str]], places: dict[str, list[int]]) -> float:
    if not pairs:
        return 0.0
    found = 0
    for first, second in pairs:
        later = places.get(second, ())
        found += any(
            0 < after - before <= MAX_PAIR_DISTANCE
            for before in places.get(first, ())
            for after in later
        )
    return found / len(pairs)


def _closeness(places: dict[str, list[int]], rarity: dict[str, float]) -> float:
    marks = sorted((place, term) for term, where in places.items() for place in where)
    best, start = 0.0, 0
    for end, (place, _) in enumerate(marks):
        while place - marks[start][0] >= WINDOW_TERMS:
            start += 1
        best = max(best, _share({term for _, term in marks[start : end + 1]}, rarity))
    return best


def _feedback(candidates: Sequence[Candidate], fused: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean cosine to the best candidates, itself not counted; at least 0."""
    vectors = np.stack([candidate.vector for candidate in candidates]).astype(np.float64)
    best = np.argsort(-fused, kind="stable")[:NUM_FEEDBACK]
    cosines = vectors @ vectors[best].T
    counted = np.ones_like(cosines)
    counted[best, np.arange(len(best))] = 0.0
    totals = counted.sum(axis=1)
    means: NDArray[np.float64] = (cosines * counted).sum(axis=1) / np.maximum(totals, 1.0)
    return np.maximum(means, 0.0)
