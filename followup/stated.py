"""What the units of a source state, clause by clause, for holding sentences against it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from followup.claims import ClaimKind, ReadSentence
from followup.polarity import Clause, joined, read_polarity, statement_stem
from followup.relations import Placed
from followup.sources import Source, SourceUnit
from followup.vocabulary import content_stems, stem

# "It costs $9", "Included on Max": of what, the sentence before says.
_LEANING = re.compile(
    r"(?:it|its|they|their|this|these|that|(?:also |not )?(?:included|available|possible|optional|"
    r"free|part of|only on|on request))\b",
    re.IGNORECASE,
)
# "Native-speaker surcharge: none"
_NONE = re.compile(r"([^:.]{3,60}): (?:none|no|not available|not included)\.?", re.IGNORECASE)
_EVERY = re.compile(r"\b(?:every|all|each|both)\b", re.IGNORECASE)
_NO_CELLS = frozenset({"no", "none", "-", "x", "✗", "✘", "not included", "n/a", "not available"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What a unit of a source states."""

    clause: Clause
    clauses: tuple[Clause, ...]
    stems: frozenset[str]
    said: frozenset[tuple[str, bool | None]]
    """Each stem of the clause with whether it is denied."""
    figures: frozenset[str]
    document: str
    placed: Placed


@lru_cache(maxsize=4_096)
def statements_of(source: Source) -> tuple[Statement, ...]:
    """The statements of a source's units, in order."""
    return tuple(
        Statement(
            clause,
            clauses,
            frozenset(clause.stems),
            frozenset(zip(clause.stems, clause.denied, strict=True)),
            figures_of(clause),
            source.document,
            placed,
        )
        for clause, clauses, placed in _statements(source)
    )


def figures_of(clause: Clause) -> frozenset[str]:
    """The figures among the stems of a clause."""
    return frozenset(word for word in clause.stems if word[0].isdigit())


def _statements(source: Source) -> Iterator[tuple[Clause, tuple[Clause, ...], Placed]]:
    """What each unit states. A question states what the "yes" or "no" after it says.

    A unit that starts with a pronoun speaks of what the unit before it does.
    """
    before = Clause((), ())
    for place, unit in enumerate(source.units):
        text = with_values(unit.sentence)
        placed = Placed(unit, place, source)
        if unit.cell_names:
            yield _in_context(_cell_clause(unit), unit.stems), (), placed
        elif text.rstrip("*_ ").endswith("?"):
            after = source.units[place + 1].sentence.text if place + 1 < len(source.units) else ""
            answer = after.split(maxsplit=1)[0].strip(",.!;:*_").lower() if after else ""
            is_of_all = _EVERY.search(text) is not None
            # "On every plan? No" denies nothing of one.
            if answer == "yes" or (answer == "no" and not is_of_all):
                yield _all(_whole(text).stems, denied=answer == "no"), (), placed
        elif (none := _NONE.fullmatch(text)) is not None:
            yield _all(_whole(none.group(1)).stems, denied=True), (), placed
        else:
            clause = _whole(text)
            if _LEANING.match(text):
                yield _in_context(clause, frozenset(before.stems)), read_polarity(text), placed
            else:
                before = clause
                yield clause, read_polarity(text), placed


def _in_context(clause: Clause, context: frozenset[str]) -> Clause:
    """The clause with stems that tell what it is about and neither affirm nor deny."""
    more = sorted(context - set(clause.stems))
    denied = (*[None] * len(more), *clause.denied)
    return Clause((*more, *clause.stems), denied, clause.near_denials, clause.heads)


def _cell_clause(unit: SourceUnit) -> Clause:
    column, _, cell = with_values(unit.sentence).partition(": ")
    is_denied = cell.strip().lower() in _NO_CELLS
    names = set(map(statement_stem, content_stems(" ".join((*unit.cell_names, column)))))
    inside = joined(read_polarity(cell))
    return _all((*sorted(names - set(inside.stems)), *inside.stems), denied=is_denied)


def _all(stems: tuple[str, ...], *, denied: bool) -> Clause:
    heads = frozenset(stems) if denied else frozenset[str]()
    return Clause(stems, (denied,) * len(stems), heads, heads)


@lru_cache(maxsize=16_384)
def _whole(text: str) -> Clause:
    return joined(read_polarity(text))


def with_values(sentence: ReadSentence) -> str:
    """The sentence with each figure in its normalised form: "two hundred dollars" -> "200"."""
    text = sentence.text
    for claim in sentence.claims:
        if claim.kind is not ClaimKind.NAME:
            counted = (
                token.text
                for token in sentence.tokens[claim.start : claim.end]
                if stem(token.lower) in claim.counted
            )
            text = text.replace(claim.text, f" {' '.join((claim.value, *counted))} ", 1)
    return text
