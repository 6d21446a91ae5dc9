"""Counts the questions of a sentence, also those that share one question mark."""

import re
from collections.abc import Iterator
from dataclasses import replace

from followup.sentences import Unit

_LINK = re.compile(r"(?:\w+://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)+/\S*")
_MARK = re.compile(r"[?\uff1f]+[!?\uff1f]*")
_PRONOUN = r"(?:i|you|we|he|she|it|they|that|this|there|your|our|the|anyone|someone)"
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|would|could|can|will|shall|should|may|might|have|has|had)"
)
# ", and which day suits you", " or should we talk first": an own question. "and how it works" is
# none: after its question word comes the subject.
_JOINED = re.compile(
    rf"(?:,\s*|\s+)(?:and|or|also|plus)\s+(?:also\s+|if so,?\s+)?"
    rf"(?:(?:what|which|how|when|where|who|why)(?:\s+(?!{_PRONOUN}\b)\w+){{0,2}}?\s+"
    rf"(?:{_AUXILIARY}|suits?|works?|fits?)\b|{_AUXILIARY}\s+{_PRONOUN}\b)",
    re.IGNORECASE,
)


def num_questions(unit: Unit) -> int:
    """How many things the unit asks. A question mark inside a link asks nothing."""
    return len([*_ends(unit.text)])


def first_questions(unit: Unit, num_kept: int) -> Unit:
    """The unit up to the end of its `num_kept`-th question, 1 or more."""
    ends = [*_ends(unit.text)]
    if len(ends) <= num_kept:
        return unit
    kept = unit.text[: ends[num_kept - 1]].rstrip(" ,;")
    return replace(unit, text=kept if kept.endswith("?") else f"{kept}?")


def _ends(text: str) -> Iterator[int]:
    """Where each question ends: at its mark, or where the next one is joined to it."""
    if not _MARK.search(text):
        return
    # A link keeps its length, and the mark behind it: "Have you seen example.com/a?"
    shown = _LINK.sub(_without_marks, text)
    start = 0
    for mark in _MARK.finditer(shown):
        for joined in _JOINED.finditer(shown, start, mark.start()):
            yield joined.start()
        yield mark.end()
        start = mark.end()


def _without_marks(match: re.Match[str]) -> str:
    link = match.group()
    inside = link.rstrip("?\uff1f.,!;)")
    return "_" * len(inside) + link[len(inside) :]
