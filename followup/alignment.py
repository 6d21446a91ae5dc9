"""What a language model may add to the check of plain statements; both parts are optional."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well each word piece of a text finds its like in a source; cosines, -1 to 1."""

    mean: float
    """Mean over the text's word pieces of the best cosine: BERTScore recall (Zhang et al. 2020)."""
    weakest: float
    """Mean of the lowest quarter of those best cosines: what the source says nothing of."""


ALIGNMENT_FEATURES = ("mean_alignment", "weakest_alignment")
"""Names of what `alignment_features` gives, in its order."""


def alignment_features(alignment: Alignment) -> list[float]:
    """The alignment as features of the support model."""
    return [alignment.mean, alignment.weakest]


class SentenceAligner(Protocol):
    """Compares texts with sources by the vectors of their words."""

    def align(self, texts: Sequence[str], sources: Sequence[str]) -> list[list[Alignment]]:
        """An alignment for each text (outer list) with each source (inner list).

        A text or source without words has -1 everywhere.
        """
        ...


class SupportJudge(Protocol):
    """A model that reads a source and a statement, such as one for language inference."""

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (source, statement) the probability, 0 to 1, that the source supports it."""
        ...
