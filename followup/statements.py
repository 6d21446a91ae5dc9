"""Plain statements of a message: how probably do the sources support each, and in which words?"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from followup.alignment import SentenceAligner, SupportJudge
from followup.claims import ClaimKind, ReadSentence, read_sentence
from followup.contradiction import Contradiction, ContradictionFinder
from followup.courtesy import COURTESY, courtesy_text
from followup.overlap import read_text
from followup.passage import Passage
from followup.relations import Relations
from followup.sentences import Unit, is_salutation, is_signature
from followup.sources import Source, SourceUnit, own_names, read_sources, word_stream
from followup.statement_fit import estimated, has_names, heading_of, judged
from followup.support_model import load_support_model
from followup.surprise import MIN_INVENTED, MIN_SURPRISE, surprise
from followup.talk import checkable_part
from followup.topics import GENERIC_STEMS
from followup.value_subjects import is_all_of
from followup.vocabulary import content_stems, roots_of, stem

_JUDGED_AS_SUPPORTED = 0.5
_MAX_EVIDENCE = 2
_MIN_ADDED_STEMS = 2
_MIN_BEHIND_TALK = 2
_MIN_FACT_WORDS = 4
_JOINER = re.compile(r",\s(?:and|while|but)\s|;\s")
_PIECES = re.compile(r"\s*[,;:]\s(?:and\s|but\s|while\s)?|\s(?:and|but|while)\s")
_TOO_LITTLE = "the sources say too little of this"
_MAX_SIGNATURE = 8


@dataclass(frozen=True, slots=True)
class StatementSupport:
    """Whether the sources support a sentence, and in which words of which source."""

    probability: float | None
    """At even prior odds; None where a contradiction decided."""
    supported: bool
    source: str = ""
    evidence: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Fit:
    """The source that supports a sentence best, by its index."""

    probability: float
    source: int


class StatementChecker:
    """Holds sentences against sources; without parts of its own it is plain computation.

    With an aligner, the probability comes from the model that was fitted with word vectors. With a
    judge, the judge's stands in its place, and one half decides. What contradicts a source is not
    supported, whatever its probability.
    """

    def __init__(
        self, aligner: SentenceAligner | None = None, judge: SupportJudge | None = None
    ) -> None:
        self._aligner = aligner
        self._judge = judge

    def check(
        self,
        units: Sequence[Unit],
        passages: Sequence[Passage],
        request_text: str,
        relations: Relations,
    ) -> list[StatementSupport | None]:
        """The support of each unit of a message; None for one that states nothing to check.

        Those are greetings, sign-offs, questions and courtesies. A sentence with a figure, date or
        address is held to its claims, and here only against contradictions.
        """
        sources = read_sources(passages, request_text)
        own = frozenset(stem(word) for line in own_names(request_text) for word in line.split())
        finder = _contradictions(sources, relations, own)
        found: list[StatementSupport | None] = [None] * len(units)
        plain: dict[int, str] = {}
        for index, unit in enumerate(_body(units)):
            part = "" if _is_polite(units, index) else checkable_part(unit.text)
            if not part:
                continue
            stated = read_sentence(part)
            named = relations.subjects_of(stated)
            opposite = finder.find(
                stated, [s for s in named if not is_all_of(stated.tokens, s.place)]
            )
            has_figure = any(c.kind is not ClaimKind.NAME for c in read_sentence(unit.text).claims)
            if opposite:
                found[index] = _contradicted(opposite)
            elif has_figure and _invents(stated, own, sources):
                found[index] = StatementSupport(None, supported=False, reason=_TOO_LITTLE)
            elif not has_figure and _states_something(part, own, is_whole=part == unit.text):
                plain[index] = part
        news = {part for part in plain.values() if surprise(part, own, sources) >= MIN_SURPRISE}
        fits = {
            **self._fits(_pieces(set(plain.values()) - news), passages, request_text, None),
            **self._fits(_pieces(news), passages, request_text, self._aligner),
        }
        for index, part in plain.items():
            fit = _fit_of(part, fits, own, sources, relations)
            if fit.probability >= self._threshold or part in news:
                found[index] = self._support(part, fit, sources[fit.source], own)
        return found

    def _fits(
        self,
        texts: Sequence[str],
        passages: Sequence[Passage],
        request_text: str,
        aligner: SentenceAligner | None,
    ) -> dict[str, _Fit]:
        """For each text the source that supports it best: a passage, or the request after them.

        Word vectors cost most of the time and decide only about news: the rest goes without.
        """
        if not texts:
            return {}
        streams = [
            word_stream(f"{p.chunk.title} {p.chunk.section} {p.chunk.document} {p.chunk.text}")
            for p in passages
        ]
        streams.append(word_stream(request_text))
        holding = {
            text: [i for i, stream in enumerate(streams) if has_names(text, stream, streams)]
            for text in texts
        }
        # No text rests on a source without its names: then neither is read for the other.
        asked = [text for text in texts if holding[text]]
        places = sorted({place for found in holding.values() for place in found})
        table = self._probabilities(asked, passages, request_text, places, aligner)
        fits = dict.fromkeys(texts, _Fit(0.0, 0))
        for text, row in zip(asked, table, strict=True):
            found = dict(zip(places, row, strict=True))
            fits[text] = max(
                (
                    _Fit(found[place] if place in holding[text] else 0.0, place)
                    for place in range(len(streams))
                ),
                key=_by_probability,
            )
        return fits

    def _probabilities(
        self,
        texts: Sequence[str],
        passages: Sequence[Passage],
        request_text: str,
        places: Sequence[int],
        aligner: SentenceAligner | None,
    ) -> list[list[float]]:
        """Of each text (row) by each source at `places` (column)."""
        if not texts:
            return []
        sources = [*(passage.chunk.text for passage in passages), request_text]
        chosen = [sources[place] for place in places]
        if self._judge:
            return judged(self._judge, texts, chosen)
        known = [
            *((heading_of(p), read_text(request_text), courtesy_text()) for p in passages),
            (courtesy_text(),),
        ]
        return estimated(aligner, texts, chosen, [known[place] for place in places])

    def _support(
        self, text: str, fit: _Fit, source: Source, own: frozenset[str]
    ) -> StatementSupport | None:
        """None where nothing but courtesy and own names made the sentence probable."""
        if fit.probability < self._threshold:
            return StatementSupport(fit.probability, supported=False, reason=_TOO_LITTLE)
        evidence = _evidence(content_stems(text) - COURTESY - own, source)
        if not evidence and self._judge is None:
            return None
        return StatementSupport(
            fit.probability, supported=True, source=source.document, evidence=evidence
        )

    @property
    def _threshold(self) -> float:
        if self._judge:
            return _JUDGED_AS_SUPPORTED
        model = load_support_model()
        return (model.with_embeddings if self._aligner else model.without_embeddings).threshold


PLAIN = StatementChecker()
"""Plain computation, without a model."""


def _is_polite(units: Sequence[Unit], index: int) -> bool:
    """Whether a unit greets, says good-bye or asks, and so states nothing."""
    unit = units[index]
    is_formula = unit.is_greeting or unit.is_sign_off or is_signature(units, index)
    is_formula |= is_salutation(units, index)
    return is_formula or unit.text.endswith("?")


def _fit_of(
    part: str,
    fits: dict[str, _Fit],
    own: frozenset[str],
    sources: Sequence[Source],
    relations: Relations,
) -> _Fit:
    """The fit of a statement: of two facts joined by "and", the worse, as one may be invented."""
    whole, *pieces = (fits[piece] for piece in _joined_facts(part))
    fit = min(pieces, default=whole, key=_by_probability)
    read = read_sentence(part)
    # The words as written: "mid-tier plan", whose name is another.
    names = content_stems(
        " ".join(
            token.text
            for subject in relations.subjects_of(read)
            for token in read.tokens[subject.place : subject.end]
        )
    )
    is_empty = bool(names) and _is_about_nothing_said(part, names | own, sources)
    return _Fit(0.0, fit.source) if is_empty else fit


def _invents(sentence: ReadSentence, own: frozenset[str], sources: Sequence[Source]) -> bool:
    """Whether a clause without a figure, beside one with it, tells what no source knows."""
    valued = [claim.text for claim in sentence.claims if claim.kind is not ClaimKind.NAME]
    return any(
        len(piece.split()) >= _MIN_FACT_WORDS
        and not any(value in piece for value in valued)
        and checkable_part(piece) == piece
        and surprise(piece, own | COURTESY, sources) >= MIN_INVENTED
        for piece in _PIECES.split(sentence.text)
    )


def _is_about_nothing_said(part: str, names: frozenset[str], sources: Sequence[Source]) -> bool:
    """Whether what a sentence says of its names stands nowhere, however well the names are known.

    "Our mid-tier plan offers a range from the Growth plan to the Enterprise plan."
    """
    said = content_stems(part) - COURTESY - names - GENERIC_STEMS
    return bool(said) and not any(roots_of(said) & source.roots for source in sources)


@lru_cache(maxsize=64)
def _contradictions(
    sources: tuple[Source, ...], relations: Relations, own: frozenset[str]
) -> ContradictionFinder:
    return ContradictionFinder(sources, relations, known=COURTESY, own=own)


def _pieces(parts: Collection[str]) -> list[str]:
    """The parts and the facts that they join, each once."""
    return list(dict.fromkeys(piece for part in sorted(parts) for piece in _joined_facts(part)))


def _joined_facts(part: str) -> list[str]:
    """The part, and then the facts that it joins, where it joins any."""
    pieces = _JOINER.split(part)
    is_joined = len(pieces) > 1 and all(len(p.split()) >= _MIN_FACT_WORDS for p in pieces)
    return [part, *pieces] if is_joined else [part]


def _by_probability(fit: _Fit) -> float:
    return fit.probability


def _body(units: Sequence[Unit]) -> Sequence[Unit]:
    """The units before the sign-off; what follows it is a signature."""
    end = next((index for index, unit in enumerate(units) if unit.is_sign_off), len(units))
    return units[:end] if all(len(u.text.split()) <= _MAX_SIGNATURE for u in units[end:]) else units


def _states_something(part: str, own: frozenset[str], *, is_whole: bool) -> bool:
    """Whether words are left of which a source could know; one is too few behind talk."""
    informative = content_stems(part) - COURTESY - own
    return len(informative) >= (1 if is_whole else _MIN_BEHIND_TALK)


def _contradicted(opposite: Contradiction) -> StatementSupport:
    reason = f"{opposite.document} says the opposite: {opposite.evidence}"
    return StatementSupport(None, supported=False, reason=reason)


def _evidence(wanted: frozenset[str], source: Source) -> str:
    """The source's sentence that holds most of the stems, and one that adds at least two; or ""."""
    chosen: list[SourceUnit] = []
    for _ in range(_MAX_EVIDENCE):
        best = max(source.units, key=lambda unit: len(wanted & unit.stems), default=None)
        if best is None or len(wanted & best.stems) < (_MIN_ADDED_STEMS if chosen else 1):
            break
        chosen.append(best)
        wanted -= best.stems
    in_order = [unit.shown for unit in source.units if unit in chosen]
    return " … ".join(dict.fromkeys(in_order))
