"""Texts compared with a question: each text is embedded once."""

import numpy as np
import pytest
from numpy.typing import NDArray

from followup.backends.likeness import Likeness


class Counting:
    """Stands in for the embedder: letters as vectors of length 1."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        self.embedded += texts
        letters = [[text.count(letter) for letter in "abc"] for text in texts]
        vectors = np.array(letters, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def test_cosines_come_in_the_order_of_the_texts_and_texts_are_embedded_once() -> None:
    embedder = Counting()
    likeness = Likeness(embedder)  # type: ignore[arg-type]  # stands in for the model
    assert likeness.cosines("a", ["b", "ab", "a"]) == [0.0, pytest.approx(0.71), 1.0]
    assert likeness.cosines("b", ["ab", "c", "b"]) == [pytest.approx(0.71), 0.0, 1.0]
    assert embedder.embedded == ["a", "b", "ab", "a", "b", "c"]
    assert likeness.cosines("c", []) == []
