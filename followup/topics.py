"""What a value is said of, beyond the named subject: is it the price, or the setup fee?"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from followup.agreement import Fact, is_same_measure, shares_value, value_keys
from followup.claims import Claim, ClaimKind, ReadSentence
from followup.english import is_english
from followup.parts import part_of
from followup.subjects import Subject
from followup.tokens import Token
from followup.value_subjects import clause_of
from followup.vocabulary import STOP_WORDS, content_stems, roots_of, stem

_STRONG_CLAUSE_ENDS = frozenset({";", "but", "while", "whereas", ":"})
_UNIT_STEMS = frozenset(
    map(
        stem,
        """second minute hour day week month quarter year percent dollar euro usd daily weekly
        monthly yearly annually annual business""".split(),  # noqa: SIM905
    )
)
PRICE_STEMS = frozenset(map(stem, "cost price pricing pay plan package edition rate".split()))  # noqa: SIM905
GENERIC_STEMS = (
    _UNIT_STEMS
    | PRICE_STEMS
    | frozenset(
        map(
            stem,
            """priced paid tier come give get include
        included including offer have take need just only start available team mean bring see
        want go went work make let help fit like choose use using part everything anything also
        well good great first now then example instance feature product solution company business
        customer today back each per cover""".split(),  # noqa: SIM905
        )
    )
)
"""Stems that a sentence about any figure may hold; they do not tell what the figure measures."""
_STATING_VERBS = frozenset("is are was were costs cost will runs takes lasts starts".split())  # noqa: SIM905
_NO_NOUNS = frozenset({"excluding", "including", "plus", "instead", "rather"})
_MAX_HEAD_WORDS = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """The words that say what one value of a message measures, as roots."""

    head: frozenset[str]
    """Of the nouns tied to the value: "the setup fee is $9", "a $9 fee", "a fee of $9"."""
    local: frozenset[str]
    """Of the words between the nearest commas, without names, other values, and common words."""
    telling: frozenset[str]
    """The same of the whole clause."""
    words: frozenset[str]
    """Roots and figures of the words between the nearest commas."""
    names: frozenset[str]
    """Roots of the capitalised words between the nearest commas, but for plans."""
    values: frozenset[str]
    """All other values of the sentence."""
    counted: frozenset[str]
    """Of what the other figures of the sentence count."""
    clause: frozenset[str]
    """Of the whole clause, names included, and "=" before the keys of its other values."""


def topic_of(
    read: ReadSentence, claim: Claim, subjects: Iterable[Subject], own: frozenset[str]
) -> Topic:
    """The topic of a claim; `own` are stems that stand everywhere and tell nothing."""
    named = {place for subject in subjects for place in range(subject.place, subject.end)}
    figures = {place for other in read.claims for place in _figure_places(read, other)}
    named |= figures
    wide = strong = _strong_clause(read, claim)
    if not _stems(read, wide, figures) - own - GENERIC_STEMS:
        # "..., and each further one is $9": of what, the part before says.
        wide = range(len(read.tokens))
    low, high = clause_of(read.tokens, claim.start)
    head = [i for i in _head_places(read, claim, max(low, strong.start)) if i not in named]
    # "Business costs $9" speaks of a plan, "your business" does not.
    common = PRICE_STEMS if head == [0] else GENERIC_STEMS
    keys = {
        f"={key}"
        for other in read.claims
        if other.start in wide and other.start != claim.start and other.kind != "name"
        for key in (value_keys(other)[0], other.value)
    }
    named |= {
        place
        for other in read.claims
        if other.start != claim.start and other.kind != "name"
        for place in range(other.start, other.end)
    }
    local = range(max(low, wide.start), min(high, wide.stop))
    return Topic(
        words=words_around(read, claim),
        names=_names_in(read, claim, range(low, high)) - _roots_of_plans(subjects),
        values=frozenset(
            c.value for c in read.claims if c.start != claim.start and c.kind != "name"
        ),
        counted=roots_of(s for c in read.claims if c.start != claim.start for s in c.counted),
        head=roots_of(_stems(read, head, ()) - own - common),
        local=roots_of(_stems(read, local, named) - own - GENERIC_STEMS),
        telling=roots_of(_stems(read, wide, named) - own - GENERIC_STEMS),
        clause=roots_of(_stems(read, wide, figures) - own - _UNIT_STEMS) | keys,
    )


def better_fact(
    claim: Claim,
    topic: Topic,
    fact: Fact,
    rivals: Iterable[Fact],
    subjects: Iterable[Subject],
    is_about_same: Callable[[Fact], bool],
) -> Fact | None:
    """A fact that fits the message's words better than `fact` and gives another value.

    It is about the same subjects, and it holds all words of the clause that `fact` holds and more,
    or the same ones and less besides.
    """
    # The subject's own name tells nothing of what the value is, nor what other figures count.
    names = _PRICE_ROOTS | roots_of(stem(word) for s in subjects for word in s.name)
    names |= topic.counted - topic.head - topic.local
    ours = (topic.clause & (fact.roots | fact.context_roots)) - names
    for rival in rivals:
        if not _excludes(claim, topic, fact, rival):
            continue
        theirs = (topic.clause & rival.roots) - names
        less_besides = rival.roots - _GENERIC_ROOTS < fact.roots - _GENERIC_ROOTS
        is_alike = ours == theirs and less_besides and claim.kind is not ClaimKind.PERCENT
        # That the rival counts the same thing in the same words tells nothing of what for.
        # "Includes" and "covers" fit everything.
        nothing = roots_of(claim.counted) | _FITTING_ALL
        fits_better = (ours < theirs and not theirs - ours <= nothing) or (ours and is_alike)
        if fits_better and is_about_same(rival):
            return rival
    return None


def words_around(read: ReadSentence, claim: Claim) -> frozenset[str]:
    """Roots and figures of the clause around a value, the value itself left out."""
    low, high = clause_of(read.tokens, claim.start)
    tokens = [
        t
        for i, t in enumerate(read.tokens[low:high], low)
        if not (claim.start <= i < claim.end or _is_excepted(read.tokens, i))
    ]
    figures = {token.text for token in tokens if token.kind == "number"}
    return (
        roots_of(content_stems(" ".join(token.lower for token in tokens)) - GENERIC_STEMS) | figures
    )


def _roots_of_plans(subjects: Iterable[Subject]) -> frozenset[str]:
    return roots_of(stem(word) for s in subjects if s.is_plan for word in s.name)


def _names_in(read: ReadSentence, claim: Claim, places: range) -> frozenset[str]:
    tokens = [read.tokens[i] for i in places if not claim.start <= i < claim.end]
    named = [
        t.lower
        for t in tokens
        if t.kind == "word" and t.text[0].isupper() and (t.start or not is_english(t.lower))
    ]
    return roots_of(content_stems(" ".join(named)) - GENERIC_STEMS)


def _is_excepted(tokens: Sequence[Token], place: int) -> bool:
    """Whether "non-" stands before: "non-European cards" are no European ones."""
    return [token.lower for token in tokens[max(0, place - 2) : place]] == ["non", "-"]


_GENERIC_ROOTS = roots_of(GENERIC_STEMS)
_PRICE_ROOTS = roots_of(PRICE_STEMS)
_FITTING_ALL = roots_of(map(stem, ["include", "cover", "come", "offer", "everything", "all"]))


def _excludes(claim: Claim, topic: Topic, fact: Fact, rival: Fact) -> bool:
    """Whether the rival says another value of the same measure, which the message does not."""
    other = rival.claim
    return (
        not rival.source.is_request
        and is_same_measure(claim, other)
        and rival.unit.shown != fact.unit.shown
        and (claim.per == _rate_of(rival) or not claim.per or not _rate_of(rival))
        and not shares_value(claim, other)
        and topic.clause.isdisjoint({f"={value_keys(other)[0]}", f"={other.value}"})
    )


def _rate_of(fact: Fact) -> frozenset[str]:
    """Its own rate, or the one that a list gives at its end: "A is $9, B $12 a month"."""
    others = (c.per for c in fact.unit.sentence.claims if c.kind is fact.claim.kind and c.per)
    return fact.claim.per or next(others, frozenset[str]())


def _figure_places(read: ReadSentence, claim: Claim) -> Iterator[int]:
    """The tokens of a value but for the words that say what it counts."""
    for place in range(claim.start, claim.end):
        if claim.kind != "name" and stem(read.tokens[place].lower) not in claim.counted:
            yield place


def _head_places(read: ReadSentence, claim: Claim, low: int) -> list[int]:
    """Tokens of the nouns tied to a value: behind it, before "of", and before "is" or "costs".

    From the token `low` on.
    """
    tokens = read.tokens
    after = claim.end
    while (
        after < len(tokens)
        and after - claim.end < _MAX_HEAD_WORDS
        and _is_noun(tokens[after].lower)
    ):
        after += 1
    before = claim.start
    while (
        before > low and tokens[before - 1].lower in STOP_WORDS and tokens[before - 1].lower != "of"
    ):
        before -= 1
    if before > low and tokens[before - 1].lower == "of":
        first = before - 1
        while (
            first > low and before - first <= _MAX_HEAD_WORDS and _is_noun(tokens[first - 1].lower)
        ):
            first -= 1
        return [*range(first, before - 1), *range(claim.end, after)]
    verbs = [i for i in range(low, claim.start) if tokens[i].lower in _STATING_VERBS]
    start = range(low, verbs[-1]) if verbs else range(0)
    return [*start, *range(claim.end, after)]


def strong_ends(read: ReadSentence) -> list[int]:
    """Where a part of the sentence ends that says something of its own; not the ":" of "a:80"."""
    tokens = read.tokens
    return [
        place
        for place, token in enumerate(tokens)
        if token.lower in _STRONG_CLAUSE_ENDS
        and not (token.text == ":" and _is_pronoun(tokens[place + 1 : place + 2]))
        and (
            token.text != ":"
            or tokens[place + 1 : place + 2] == ()
            or tokens[place + 1].start > token.end
        )
    ]


def _is_pronoun(tokens: Sequence[Token]) -> bool:
    """Whether "it's" or the like follows, which speaks on of what stands before."""
    return bool(tokens) and tokens[0].lower.partition("'")[0] in {"it", "that", "they", "this"}


def _is_noun(word: str) -> bool:
    return word.isalpha() and word not in STOP_WORDS and word not in _NO_NOUNS


def _strong_clause(read: ReadSentence, claim: Claim) -> range:
    low, high = part_of(read.tokens, claim.start)
    for place in strong_ends(read):
        if place > claim.start:
            high = min(high, place)
            break
        low = max(low, place + 1)
    return range(low, high)


def _stems(read: ReadSentence, places: Iterable[int], without: Collection[int]) -> frozenset[str]:
    return content_stems(" ".join([read.tokens[i].lower for i in places if i not in without]))
