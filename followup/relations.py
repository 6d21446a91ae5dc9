"""Finds the subjects of which a message says what the sources say of another."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from followup.claims import ReadSentence
from followup.evidence_subjects import EvidenceSubjects
from followup.sources import Source, SourceUnit
from followup.subjects import Subject, same_subject
from followup.topics import GENERIC_STEMS, STRONG_CLAUSE_ENDS
from followup.value_subjects import coordinated
from followup.vocabulary import content_stems

MIN_COVERED = 0.6
"""Share of what is said, by weight, that the sources must say of the other subject."""
MAX_OWN_SHARE = 0.7
"""Below this share of that, what the sources say of the subject itself is something else."""
MIN_WORDS = 2
_NEGATIONS = frozenset(
    "not no never without except unless neither nor cannot doesn't don't isn't aren't".split()  # noqa: SIM905
)
_CONTRASTS = frozenset("unlike than versus vs from to over like".split())  # noqa: SIM905
_NO_CELLS = frozenset({"no", "none", "-", "x", "n/a", "not included", "false", "✗", "✕", "❌"})


def misplaced_subjects(
    read: ReadSentence,
    subjects: Sequence[Subject],
    sources: Sequence[Source],
    evidence: EvidenceSubjects,
) -> Iterator[tuple[Subject, str]]:
    """Each misplaced subject of a statement, with the words that name the right one.

    Words count by log(1 + units / units with it). A question or a negated sentence is left alone:
    it says something else than its words do.
    """
    words = {token.lower for token in read.tokens}
    if not subjects or words & _NEGATIONS or read.text.endswith("?"):
        return
    units = [(unit, i, source) for source in sources[:-1] for i, unit in enumerate(source.units)]
    frequency = Counter(stem for unit, _, _ in units for stem in unit.stems)
    for subject in subjects:
        said = _said_of(read, subjects, subject)
        if len(said) < MIN_WORDS or _is_contrasted(read, subject):
            continue
        weights = {s: math.log(1 + len(units) / max(frequency[s], 1)) for s in said}
        own, rival, rival_words = 0.0, 0.0, ""
        for unit, index, source in units:
            shared = said & unit.stems
            if not shared:
                continue
            weight = sum(weights[s] for s in shared)
            if weight <= own and weight <= rival:
                continue
            side = _side(subject, unit, index, source, evidence)
            if side > 0:
                own = max(own, weight)
            elif side < 0 and len(shared) >= MIN_WORDS and weight > rival:
                rival, rival_words = weight, unit.shown
        if rival >= MIN_COVERED * sum(weights.values()) and own < MAX_OWN_SHARE * rival:
            yield subject, rival_words


def _said_of(
    read: ReadSentence, subjects: Sequence[Subject], subject: Subject
) -> frozenset[str]:
    """Telling stems of the part of the sentence that is about a subject, without names."""
    low, high = 0, len(read.tokens)
    together = [subject, *coordinated(read, subjects, subject)]
    for other in subjects:
        if other.is_plan != subject.is_plan or other in together:
            continue
        if other.place > subject.place:
            high = min(high, other.place)
        else:
            low = max(low, subject.place)
    for place, token in enumerate(read.tokens):
        if token.lower in STRONG_CLAUSE_ENDS:
            low, high = (max(low, place), high) if place < subject.place else (low, min(high, place))
    named = {place for s in subjects for place in range(s.place, s.end)}
    words = [read.tokens[i].lower for i in range(low, high) if i not in named]
    return content_stems(" ".join(words)) - GENERIC_STEMS


def _is_contrasted(read: ReadSentence, subject: Subject) -> bool:
    """Whether the sentence only compares with the subject: "unlike Starter", "everything in X"."""
    before = [token.lower for token in read.tokens[max(0, subject.place - 2) : subject.place]]
    return bool(_CONTRASTS & set(before)) or before == ["everything", "in"]


def _side(
    subject: Subject, unit: SourceUnit, index: int, source: Source, evidence: EvidenceSubjects
) -> int:
    """1 for a unit about the subject or about all, -1 for one about another, 0 for neither."""
    if unit.cell_names and unit.sentence.text.rpartition(": ")[2].lower() in _NO_CELLS:
        return 0
    names = [s.name for s in evidence.in_unit(unit) if s.is_plan == subject.is_plan]
    cell_names = evidence.of_cell(unit)
    if any(same_subject(subject.name, n, is_plan=subject.is_plan) for n in (*names, *cell_names)):
        return 1
    if evidence.is_headed(subject, source):
        return 1
    if names or (subject.is_plan and any(name in evidence.known.plans for name in cell_names)):
        return -1
    if unit.cell_names:
        return 0
    inherited = [s for s in evidence.inherited(unit, index, source) if s.is_plan == subject.is_plan]
    if any(same_subject(subject.name, s.name, is_plan=subject.is_plan) for s in inherited):
        return 1
    return -1 if inherited else 1
