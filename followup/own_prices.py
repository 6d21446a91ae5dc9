"""Whether a price is a plan's own or of something on it: "an extra invoice on the Starter plan"."""

from collections.abc import Collection, Sequence

from followup.claims import Claim, ReadSentence
from followup.sources import SourceUnit, word_stream
from followup.subjects import PLAN_WORDS, Name, Subject
from followup.topics import GENERIC_STEMS, PRICE_STEMS
from followup.value_subjects import clause_of
from followup.vocabulary import content_stems, stem

_VERBS = frozenset("costs cost is are was were starts start will comes runs".split())  # noqa: SIM905
_PREPOSITIONS = frozenset("on of for with in at from to under over beyond above per".split())  # noqa: SIM905
_OWN_HEADS = PRICE_STEMS | frozenset(map(stem, PLAN_WORDS))


def says_own_price(sentence: ReadSentence, claim: Claim, subjects: Sequence[Subject]) -> bool:
    """Whether a sentence says what a plan itself costs: "The Starter plan costs $99"."""
    noun = _noun_before(sentence, claim)
    plans = [s for s in subjects if s.is_plan and s.place in noun]
    return bool(plans) and not _paid_in(sentence, noun, subjects)


def paid_beside(
    unit: SourceUnit, claim: Claim, subjects: Sequence[Subject], plans: Collection[Name]
) -> frozenset[str]:
    """Stems of what is paid for on a plan, such as an invoice or a fee, in a source's sentence or
    cell; none where the price is the plan's own. `plans` are all that the sources name."""
    if not unit.cell_names:
        return _paid_in(unit.sentence, _noun_before(unit.sentence, claim), subjects)
    cell = word_stream(" ".join(unit.cell_names))
    named = {stem(word) for plan in plans if f" {' '.join(plan)} " in cell for word in plan}
    return content_stems(cell) - GENERIC_STEMS - named


def _noun_before(sentence: ReadSentence, claim: Claim) -> range:
    """The places of what a value's verb speaks of, up to its first preposition; empty without."""
    tokens = sentence.tokens
    low, _ = clause_of(tokens, claim.start)
    verb = next((i for i in range(low, claim.start) if tokens[i].lower in _VERBS), low)
    return range(low, next((i for i in range(low, verb) if tokens[i].lower in _PREPOSITIONS), verb))


def _paid_in(sentence: ReadSentence, noun: range, subjects: Sequence[Subject]) -> frozenset[str]:
    """The stems of what is paid for, none where that is a plan or "the price"."""
    names = {place for s in subjects for place in range(s.place, s.end)}
    if not noun or noun[-1] in names or stem(sentence.tokens[noun[-1]].lower) in _OWN_HEADS:
        return frozenset()
    words = " ".join(sentence.tokens[place].lower for place in noun if place not in names)
    return content_stems(words) - GENERIC_STEMS
