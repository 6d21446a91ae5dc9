"""Finds names that a message puts where the sources put another: "led by X", "friends from X"."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from followup.claims import ReadSentence
from followup.evidence_subjects import EvidenceSubjects
from followup.parts import part_of
from followup.sources import Source, SourceUnit
from followup.subjects import Subject, same_subject
from followup.tokens import Token
from followup.value_subjects import coordinated
from followup.vocabulary import STOP_WORDS, content_stems, stem

_PREPOSITIONS = frozenset({"by", "from"})
"""Those that name who does or gives something. "To", "with" and "on" go with many alike."""
_ARTICLES = frozenset({"the", "our", "their", "its", "a", "an"})
_NEGATIONS = frozenset("not never no without".split())  # noqa: SIM905
_MIN_WORDS = 2
_MIN_COVERED = 0.5
"""Share of the words beside that the source's sentence must have."""

Role = tuple[str, str]
"""The stem of the word before a preposition, and the preposition."""


class Roles:
    """Who is named behind "led by" and its like in the sources of one message."""

    def __init__(self, documents: Sequence[Source], evidence: EvidenceSubjects) -> None:
        self._documents = documents
        self._evidence = evidence

    @cached_property
    def _told(self) -> dict[Role, list[tuple[SourceUnit, Subject]]]:
        """The units that put a name there, with the name."""
        told: defaultdict[Role, list[tuple[SourceUnit, Subject]]] = defaultdict(list)
        for source in self._documents:
            for unit in source.units:
                if unit.is_heading or unit.cell_names:
                    continue
                for subject in self._evidence.in_unit(unit):
                    if not subject.is_plan and (role := _role(unit.sentence.tokens, subject)):
                        told[role].append((unit, subject))
        return told

    def misplaced(
        self, read: ReadSentence, subjects: Sequence[Subject]
    ) -> Iterator[tuple[Subject, str]]:
        """Each name in a role that the sources give only to others, with their words.

        A source must say most of the sentence, and none may have the name and the role's word.
        """
        if read.text.endswith("?") or _NEGATIONS & {token.lower for token in read.tokens}:
            return
        for subject in subjects:
            role = None if subject.is_plan else self._role_of(read.tokens, subject)
            if role is None or self._may_be(subject, role[0]):
                continue
            said = self._said(read, subjects, subject) - {role[0]}
            for unit, other in self._told[role]:
                beside = coordinated(unit.sentence, self._evidence.in_unit(unit), other)
                named = [other, *beside]
                if any(same_subject(subject.name, s.name, is_plan=False) for s in named):
                    continue
                if len(said) >= _MIN_WORDS and len(said & unit.stems) >= _MIN_COVERED * len(said):
                    yield subject, unit.shown
                    break

    def _role_of(self, tokens: Sequence[Token], subject: Subject) -> Role | None:
        """The role by form: behind its preposition, or as "X led", which is "led by X"."""
        role = _role(tokens, subject)
        if role is None and subject.end < len(tokens):
            role = (stem(tokens[subject.end].lower), "by")
        return role if role in self._told else None

    def _may_be(self, subject: Subject, word: str) -> bool:
        """Whether a sentence of the sources has both the name and the role's word."""
        return any(
            word in unit.stems
            and any(
                same_subject(subject.name, s.name, is_plan=False)
                for s in self._evidence.in_unit(unit)
            )
            for source in self._documents
            for unit in source.units
        )

    def _said(
        self, read: ReadSentence, subjects: Sequence[Subject], subject: Subject
    ) -> frozenset[str]:
        """Stems of the subject's part of the sentence, without names and figures."""
        low, high = part_of(read.tokens, subject.place)
        left_out = {place for s in subjects for place in range(s.place, s.end)}
        left_out |= {place for c in read.claims for place in range(c.start, c.end)}
        words = [read.tokens[place].lower for place in range(low, high) if place not in left_out]
        return content_stems(" ".join(words)) - self._evidence.known.own_stems


def _role(tokens: Sequence[Token], subject: Subject) -> Role | None:
    place = subject.place - 1
    while place > 0 and tokens[place].lower in _ARTICLES:
        place -= 1
    if place < 1 or tokens[place].lower not in _PREPOSITIONS:
        return None
    word = tokens[place - 1]
    if word.kind != "word" or word.lower in STOP_WORDS:
        return None
    return stem(word.lower), tokens[place].lower
