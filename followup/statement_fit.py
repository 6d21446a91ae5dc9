"""The probability that each of several sources supports a text: fitted, or a judge model's."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from followup.alignment import SentenceAligner, SupportJudge, alignment_features
from followup.claims import ClaimKind, read_sentence
from followup.english import is_english
from followup.overlap import ReadText, overlap_features, read_text
from followup.passage import Passage
from followup.sources import word_stream
from followup.support_model import load_support_model


def estimated(
    aligner: SentenceAligner | None,
    texts: Sequence[str],
    sources: Sequence[str],
    known: Sequence[tuple[ReadText, ...]],
) -> list[list[float]]:
    """The fitted probability, 0 to 1, of each text (row) by each source (column).

    `known` holds for each source the texts whose words count as said, but not as content.
    """
    model = load_support_model()
    if aligner is None:
        return [
            [
                model.without_embeddings.probability(_features(text, source, also))
                for source, also in zip(sources, known, strict=True)
            ]
            for text in texts
        ]
    return [
        [
            model.with_embeddings.probability(
                [*_features(text, source, also), *alignment_features(alignment)]
            )
            for source, also, alignment in zip(sources, known, row, strict=True)
        ]
        for text, row in zip(texts, aligner.align(texts, sources), strict=True)
    ]


def judged(judge: SupportJudge, texts: Sequence[str], sources: Sequence[str]) -> list[list[float]]:
    """The judge's probability of each text (row) by each source (column)."""
    found = iter(judge.probabilities([(source, text) for text in texts for source in sources]))
    return [list(islice(found, len(sources))) for _ in texts]


# A repaired message keeps sentences of its draft.
@lru_cache(maxsize=4_096)
def _features(text: str, source: str, known: tuple[ReadText, ...]) -> tuple[float, ...]:
    return tuple(overlap_features(read_text(text), read_text(source), known))


def heading_of(passage: Passage) -> ReadText:
    """Title and section of a passage."""
    return read_text(f"{passage.chunk.title}\n{passage.chunk.section}")


def has_names(text: str, stream: str, streams: Sequence[str]) -> bool:
    """Whether a source holds the names of a statement that the request does not hold itself."""
    names = [
        c.value
        for c in read_sentence(text).claims
        if c.kind is ClaimKind.NAME and not is_english(c.value)
    ]
    return all(word_stream(name) in stream or word_stream(name) in streams[-1] for name in names)
