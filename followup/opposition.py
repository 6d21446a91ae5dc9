"""Whether two clauses disagree: one denies what the other affirms, or uses its opposite."""

from followup.antonyms import has_alike, opposites_in
from followup.polarity import Clause
from followup.vocabulary import roots_of

_ROOT = 5
_MIN_BEGINNING = 3
_MIN_SHARED_DENIAL = 2


def conflicts(ours: Clause, theirs: Clause) -> frozenset[str]:
    """Our stems that they deny while we affirm them, or the other way round, or say the opposite.

    Empty where both deny something of the same thing: then they agree.
    """
    if ours.near_denials and theirs.near_denials and True in ours.denied:
        both = ours.with_polarity(True) & theirs.with_polarity(True)
        heads = roots_of(ours.heads) & roots_of(theirs.heads) or both & (ours.heads | theirs.heads)
        if len(both) >= _MIN_SHARED_DENIAL or heads:
            return _opposites(ours, theirs)
    our_denied, their_denied = ours.with_polarity(True), theirs.with_polarity(True)
    our_affirmed, their_affirmed = ours.with_polarity(False), theirs.with_polarity(False)
    denied = _alike(our_denied, their_affirmed) | _alike(our_affirmed, their_denied)
    # What both deny something of, neither affirms: "never sit with us", "we store no numbers".
    denied -= ours.verbal & theirs.verbal
    opposites = _opposites(ours, theirs)
    # "Never leaves the UK" and "stays in the UK" agree: nobody affirms the leaving.
    if not (_affirms(their_affirmed, ours.heads) or _affirms(our_affirmed, theirs.heads)):
        denied = frozenset()
    # One side denies and uses the opposite word: "not more" and "less" agree.
    return frozenset() if denied and opposites else denied | opposites


def _affirms(affirmed: frozenset[str], heads: frozenset[str]) -> bool:
    """Whether what is denied first is affirmed, if as another word: pay, payment."""
    return any(
        head[:_ROOT] == word[:_ROOT] or _begins(head, word) for head in heads for word in affirmed
    )


def _begins(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) >= _MIN_BEGINNING and long.startswith(short)


def _alike(ours: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    """Our stems that stand there too, if with another ending: refunded, refundable."""
    roots = roots_of(theirs)
    return frozenset(word for word in ours if word in theirs or word[:_ROOT] in roots)


def says_alike(ours: Clause, theirs: Clause, contested: frozenset[str]) -> bool:
    """Whether they affirm or deny one of the contested stems as we do, or deny the same."""
    alike = any(
        contested & ours.with_polarity(denied) & theirs.with_polarity(denied)
        for denied in (True, False)
    )
    return alike or len(ours.near_denials & theirs.near_denials) >= _MIN_SHARED_DENIAL


def _opposites(ours: Clause, theirs: Clause) -> frozenset[str]:
    """Our stems whose antonym they use of the same thing."""
    # "At no charge" is no opposite of "free".
    others = set(theirs.stems) - set(ours.stems) - theirs.with_polarity(True)
    return frozenset(
        word
        for word in ours.with_polarity(False) - set(theirs.stems)
        if any(ours.around(word) & theirs.around(other) for other in opposites_in(word, others))
        and not has_alike(word, theirs.stems)
    )
