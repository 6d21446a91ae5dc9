"""Which figure of a list in a source a message means: "$9 for 4 kW, $15 for 11"."""

from collections.abc import Iterable

from followup.agreement import Fact, is_same_measure
from followup.claims import Claim, ReadSentence
from followup.subjects import Subject
from followup.topics import Topic, words_around
from followup.value_subjects import clause_of
from followup.vocabulary import content_stems, roots_of, stem

_MAX_BEFORE_VALUE = 1


def other_of_list(
    claim: Claim, topic: Topic, fact: Fact, subjects: Iterable[Subject]
) -> Fact | None:
    """The figure of the same list that the message's words belong to: "$9 for 4 kW, $15 for 11".

    Both stand in one sentence of the source; words before the first of them belong to the list.
    """
    read = fact.unit.sentence
    if fact.unit.cell_names:
        return None
    ours = words_around(read, fact.claim)
    words = topic.words | roots_of(stem(word) for s in subjects for word in s.name)
    for other in read.claims:
        is_like = is_same_measure(fact.claim, other) or is_same_measure(claim, other)
        if not is_like or other.value in {fact.claim.value, claim.value}:
            continue
        theirs = words_around(read, other)
        first = ours if fact.claim.start < other.start else theirs
        lead_in = _words_before(
            read, min(fact.claim, other, key=_start), max(fact.claim, other, key=_start)
        )
        only_ours, only_theirs = ours - theirs, theirs - ours
        if first is ours:
            only_ours = only_ours - lead_in
        else:
            only_theirs = only_theirs - lead_in
        is_unsaid = other.value not in topic.values
        is_theirs = words & only_theirs and not (words | topic.clause) & only_ours and is_unsaid
        # "$599 in Brazil": a name decides before all other words.
        names = topic.names - roots_of(stem(word) for s in subjects for word in s.name)
        is_named = names & only_theirs and not names & only_ours
        if is_theirs or is_named:
            return Fact(other, fact.unit, fact.source, fact.unit_index, fact.roots)
    return None


def other_of_table(claim: Claim, topic: Topic, fact: Fact) -> Fact | None:
    """The figure of the same column in the row that the message names: "SEK 140 to Norrö"."""
    unit = fact.unit
    if not unit.cell_names or not topic.names or topic.names & roots_of(content_stems(unit.shown)):
        return None
    rows = (
        (index, other)
        for index, other in enumerate(fact.source.units)
        if other.cell_names[1:] == unit.cell_names[1:]
        and topic.names & roots_of(content_stems(" ".join(other.cell_names[:1])))
    )
    return next(
        (
            Fact(found, other, fact.source, index, fact.roots)
            for index, other in rows
            for found in other.sentence.claims
            if is_same_measure(claim, found) and found.value != claim.value
        ),
        None,
    )


def _start(claim: Claim) -> int:
    return claim.start


def _words_before(read: ReadSentence, first: Claim, second: Claim) -> frozenset[str]:
    """Words before the first value of a list whose next item begins with its value."""
    low, _ = clause_of(read.tokens, second.start)
    if second.start - low > _MAX_BEFORE_VALUE:
        return frozenset()
    low, _ = clause_of(read.tokens, first.start)
    return roots_of(content_stems(" ".join(t.lower for t in read.tokens[low : first.start])))
