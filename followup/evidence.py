"""Sentences of the passages: something true to say where the model said nothing of substance."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from followup.claims import ClaimKind
from followup.courtesy import COURTESY
from followup.lead import Lead
from followup.passage import Passage
from followup.query import last_question, lead_words
from followup.sentences import split_units
from followup.sources import SourceUnit, read_sources
from followup.vocabulary import content_stems

MIN_WORDS = 6
MAX_WORDS = 32
MAX_QUOTED = 2
SUBSTANCE_SHARE = 0.5
MIN_SHARED_WORDS = 2
MIN_FIT_SHARE = 0.7
"""A further quote fits at least this much as well as the first: else it only changes the topic."""
MIN_MORE_SHARE = 0.5
"""The same of a quote that has two terms of the question which those before lack."""
MIN_POINT_SHARE = 0.9
"""What a draft states is at least this much as like the question as the likest quote."""
MAX_NEW_SHARE = 0.25
MIN_STATED_WORDS = 3
MIN_LIKENESS = 0.1
"""Cosine below which a sentence has nothing to do with what was asked."""
# A sentence that starts so leans on the one before it and says nothing when it stands alone.
LEANING_START = re.compile(
    r"^(?:it|its|they|their|them|this|that|these|those|he|she|his|her|such|both|also|then|but|and|or|"
    r"so|however|otherwise|yes|no|here|there|each|if not)\b",
    re.IGNORECASE,
)
# "with these checks" points at words that stay behind.
POINTING = re.compile(r"\b(?:this|these|those)\b", re.IGNORECASE)
_CAPITALISED = re.compile(r"\b[A-Z]\S*")
_FIGURE = re.compile(r"\d+")
# Speech in quotation marks is no statement of the company: it does not begin one.
PROSE = re.compile(r"^[A-Z0-9(][^|•#*<>{}\[\]]+\.$")
# What kind of value answers a question; "how much time" asks for no money.
_ASKS_FOR = (
    (
        re.compile(r"\bhow (?:long|soon|fast|quick\w*|much (?:time|faster))\b|\bwhen\b", re.I),
        frozenset({ClaimKind.DURATION, ClaimKind.DATE}),
    ),
    (
        re.compile(
            r"\b(?:pric\w+|costs?|fees?|quotes?|expensive|afford\w*|budget|discount\w*)\b|"
            r"\bhow much (?!time|faster)",
            re.I,
        ),
        frozenset({ClaimKind.MONEY, ClaimKind.PERCENT}),
    ),
    (
        re.compile(r"\bhow (?:many|often)\b|\blimits?\b", re.I),
        frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER}),
    ),
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a passage that stands alone."""

    text: str
    terms: frozenset[str]
    """Content stems of sentence and section, and the kinds of value that it states."""
    relevance: float
    """Calibrated relevance of its passage, 0 to 1."""


def quotes_of(passages: Sequence[Passage]) -> list[Quote]:
    """Plain sentences of the passages, best passage first, each once."""
    sources = read_sources(passages, "")
    found: dict[str, Quote] = {}
    for passage, source in zip(passages, sources, strict=False):
        for unit in source.units:
            if _stands_alone(unit) and unit.shown not in found:
                kinds = {claim.kind.value for claim in unit.sentence.claims}
                found[unit.shown] = Quote(unit.shown, unit.stems | kinds, passage.score)
    return [*found.values()]


def quotable_texts(passages: Sequence[Passage]) -> tuple[str, ...]:
    """The texts of `quotes_of`, without reading what they state."""
    units = (
        unit for source in read_sources(passages, "")[: len(passages)] for unit in source.units
    )
    return tuple(dict.fromkeys(unit.shown for unit in units if _stands_alone(unit)))


def has_substance(
    message: str, quotes: Sequence[Quote], lead: Lead, likeness: Mapping[str, float] | None = None
) -> bool:
    """Whether a sentence of the message tells what a passage holds, beyond the lead's own words.

    That is: of its informative words (see statements.py) at least two, and at least half, stand
    together in one quotable sentence of a passage. Where the `likeness` of the quotable sentences
    with what the lead asked is known, that sentence must be nearly as much like it as the likest
    one: what answers another question is no substance.
    """
    known = content_stems(lead_words(lead)) | COURTESY
    near_enough = MIN_POINT_SHARE * max(likeness.values()) if likeness else 0.0
    to_the_point = [
        quote for quote in quotes if not likeness or likeness.get(quote.text, 0.0) >= near_enough
    ]
    for unit in split_units(message):
        words = content_stems(unit.text) - known
        shared = max((len(words & quote.terms) for quote in to_the_point), default=0)
        if shared >= max(MIN_SHARED_WORDS, SUBSTANCE_SHARE * len(words)):
            return True
    return False


def closest_quote(sentence: str, quotes: Sequence[Quote]) -> str:
    """The quote that shares most informative words with a sentence, or "".

    At least two words and half of the sentence's must be shared: what says something else is no
    rewriting of it. In a tie the shorter quote wins.
    """
    words = content_stems(sentence) - COURTESY
    needed = max(MIN_SHARED_WORDS, SUBSTANCE_SHARE * len(words))
    fitting = [quote for quote in quotes if len(words & content_stems(quote.text)) >= needed]
    best = max(
        fitting, key=lambda quote: (len(words & quote.terms), -len(quote.text)), default=None
    )
    return best.text if best else ""


def says_again(sentence: str, earlier: str, product: str) -> bool:
    """Whether a statement tells nothing that one before it has not told.

    At least three quarters of its informative words stand there, the product's name not counted,
    and all its other names and figures: "Growth costs $299" does not say "Starter costs $99" again.
    """
    words = content_stems(sentence) - COURTESY - content_stems(product)
    new = words - content_stems(earlier)
    if len(words) < MIN_STATED_WORDS or len(new) > MAX_NEW_SHARE * len(words):
        return False
    names = content_stems(" ".join(_CAPITALISED.findall(sentence)))
    return not new & names and {*_FIGURE.findall(sentence)} <= {*_FIGURE.findall(earlier)}


def best_sentences(
    quotes: Sequence[Quote], lead: Lead, limit: int, likeness: Mapping[str, float] | None = None
) -> list[str]:
    """Quotes that answer the lead best, at most `limit`.

    `likeness` is the cosine of each quote with what the lead asked. Where it is given it decides,
    raised by up to half for the words that both share, and what is not alike at all is left out.

    Without it the words alone decide. A term that quote and lead share counts the more the fewer
    quotes hold it: log(1 + quotes / quotes with it), the inverse document frequency; twice, where
    it is of what the lead asked last. The kind of value asked for ("how long": a duration) is a
    term like a word. The sum is taken times the relevance of the quote's passage. Where nothing is
    shared, as with a lead who asked nothing, what speaks of the product comes first.

    A quote that repeats one already chosen by more than half of its words is left out, and so is
    one that fits less than 0.7 times as well as the first; half as well is enough where it has two
    terms of the question which those chosen lack. Of the others the next is one that has such a
    term: who asked two things is told of both.
    """
    product = content_stems(lead.product_name)
    asked = _asked(lead, product)
    shared = _shared_words(quotes, lead, asked, product)
    fits = shared if not likeness else _with_likeness(quotes, shared, likeness)
    left = [quote for quote in quotes if quote.text in fits]
    chosen: list[Quote] = []
    while left and len(chosen) < limit:
        open_terms = asked.difference(*(quote.terms for quote in chosen))

        def rank(quote: Quote, open_terms: Set[str] = open_terms) -> tuple[bool, float, int]:
            answers_more = not open_terms.isdisjoint(quote.terms)
            return answers_more and bool(chosen), fits[quote.text], len(quote.terms & product)

        best = max(left, key=rank)
        chosen.append(best)
        still_open = open_terms - best.terms
        left = [
            quote
            for quote in left
            if quote is not best
            and fits[quote.text] >= fits[chosen[0].text] * _share_needed(quote, still_open)
            and not _repeats(quote, best)
        ]
    return [quote.text for quote in chosen]


def _share_needed(quote: Quote, open_terms: Set[str]) -> float:
    """Of the first quote's fit: less where the quote has words of the question that are open."""
    answers_more = len(quote.terms & open_terms) >= MIN_SHARED_WORDS
    return MIN_MORE_SHARE if answers_more else MIN_FIT_SHARE


def _repeats(quote: Quote, other: Quote) -> bool:
    words = content_stems(quote.text)
    return len(words & other.terms) > len(words) / 2


def _asked(lead: Lead, product: Set[str]) -> frozenset[str]:
    """What the lead asked last, as terms that a quote may hold."""
    return (content_stems(last_question(lead)) - product - COURTESY) | _kinds_asked(lead)


def _shared_words(
    quotes: Sequence[Quote], lead: Lead, asked: Set[str], product: Set[str]
) -> dict[str, float]:
    """How well each quote's words fit the lead's; see `best_sentences`."""
    frequency = Counter(term for quote in quotes for term in quote.terms)
    wanted = (content_stems(lead_words(lead)) - product - COURTESY) | asked
    fits = {}
    for quote in quotes:
        weights = (
            math.log(1 + len(quotes) / frequency[term]) * (1 + (term in asked))
            for term in quote.terms & wanted
        )
        # Exact, so that the order of a set does not decide between equal quotes.
        fits[quote.text] = math.fsum(weights) * quote.relevance
    return fits


def _with_likeness(
    quotes: Sequence[Quote], shared: Mapping[str, float], likeness: Mapping[str, float]
) -> dict[str, float]:
    """Fit of each quote that is like what was asked."""
    most = max(shared.values(), default=0.0) or 1.0
    return {
        quote.text: likeness[quote.text] * (1 + shared[quote.text] / most / 2)
        for quote in quotes
        if likeness.get(quote.text, 0.0) >= MIN_LIKENESS
    }


def _stands_alone(unit: SourceUnit) -> bool:
    return (
        not unit.cell_names
        and MIN_WORDS <= len(unit.shown.split()) <= MAX_WORDS
        and PROSE.match(unit.shown) is not None
        and not LEANING_START.match(unit.shown)
        and not POINTING.search(unit.shown)
    )


def _kinds_asked(lead: Lead) -> frozenset[str]:
    asked = " ".join((last_question(lead), *lead.objections_raised))
    kinds = (kinds for pattern, kinds in _ASKS_FOR if pattern.search(asked))
    return frozenset(kind.value for found in kinds for kind in found)
