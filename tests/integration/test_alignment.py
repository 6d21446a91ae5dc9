"""The aligner on the real embedding model."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from followup.backends.alignment import EmbeddingAligner
from followup.backends.embedder import Embedder
from followup.claims import ClaimKind
from followup.grounding import check_claims
from followup.statements import StatementChecker
from tests.integration.test_embedder import make_embedder
from tests.unit.passages import passage

SOURCE = "Invoices are matched to payments every night. A reminder goes out when one is late."
QUOTED = "Invoices are matched to payments every night."
REWORDED = "Bills get paired with payments each night."
OTHER = "The concert on Mars was loud."


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return make_embedder()


def test_a_quotation_aligns_better_than_other_words_and_those_better_than_another_subject(
    embedder: Embedder,
) -> None:
    found = EmbeddingAligner(embedder).align([QUOTED, REWORDED, OTHER], [SOURCE])
    for measure in ("mean", "weakest"):
        values = [getattr(row[0], measure) for row in found]
        assert values == sorted(values, reverse=True), measure


def test_a_text_aligns_with_each_source_as_it_does_alone(embedder: Embedder) -> None:
    table = EmbeddingAligner(embedder).align([QUOTED, OTHER], [SOURCE, OTHER, ""])
    assert [len(row) for row in table] == [3, 3]
    alone = EmbeddingAligner(embedder).align([OTHER], [SOURCE])[0][0]
    assert table[1][0].mean == pytest.approx(alone.mean, abs=0.01)
    assert table[1][1].mean > 0.9
    assert table[0][2].mean == -1


def test_a_sentence_at_the_end_of_a_long_source_is_found(embedder: Embedder) -> None:
    long = " ".join([OTHER] * 120 + [QUOTED])
    (row,) = EmbeddingAligner(embedder).align([QUOTED], [long])
    assert row[0].mean > 0.8


def test_a_source_is_read_once(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = embedder.embed_tokens

    def recording(texts: Sequence[str]) -> list[NDArray[np.float32]]:
        read.extend(texts)
        return original(texts)

    monkeypatch.setattr(embedder, "embed_tokens", recording)
    aligner = EmbeddingAligner(embedder)
    first = aligner.align([QUOTED], [SOURCE])
    assert aligner.align([QUOTED], [SOURCE])[0][0].mean == pytest.approx(first[0][0].mean, abs=0.01)
    assert read == [QUOTED, SOURCE, QUOTED]


def test_other_words_for_the_same_are_more_probably_supported_than_another_subject(
    embedder: Embedder,
) -> None:
    checker = StatementChecker(EmbeddingAligner(embedder))
    verdicts = check_claims(f"{QUOTED} {REWORDED} {OTHER}", [passage("a.md", SOURCE)], "", checker)
    found = [v.probability or 0 for v in verdicts if v.kind is ClaimKind.STATEMENT]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.5 > found[2]
