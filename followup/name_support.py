"""Finds the source that holds a name of the message."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from followup.claims import Claim, ClaimKind, ReadSentence
from followup.english import is_english
from followup.sources import Source, word_stream
from followup.subjects import KnownNames, Subject
from followup.vocabulary import roots_of, stem

_MIN_NOUN = 4
_TITLES = frozenset({"mr", "mrs", "ms", "mx", "dr", "prof"})


@dataclass(frozen=True, slots=True)
class Support:
    """The source and the words that support a claim, or the reason why nothing does."""

    document: str = ""
    evidence: str = ""
    reason: str = ""


_OF_PLACES = ("an", "ish", "ese", "ic", "ch")
_COUNTRIES = {
    "dutch": "netherlands",
    "british": "britain",
    "swiss": "switzerland",
    "french": "france",
    "welsh": "wales",
    "irish": "ireland",
    "polish": "poland",
    "spanish": "spain",
    "greek": "greece",
    "danish": "denmark",
}
"""Adjectives that begin otherwise than their nouns do."""
_LEANS = re.compile(r"\b(?:its?|they|their|there|the)\b", re.IGNORECASE)
_FULL_NAME = 2
_MAX_ROLE = 6
_ALSO = {"iphone": "ios", "ipad": "ios", "ios": "iphone", "mac": "macos", "macos": "mac"}
"""Systems and what they run on."""
_NO_NAME = Support(reason="no source has this name")


class NameFinder:
    """The names of one message's sources."""

    def __init__(self, sources: Sequence[Source], known: KnownNames) -> None:
        self._sources = sources
        self._known = known
        self._lead_words = frozenset(w for line in known.own for w in line.split())

    def find(self, claim: Claim, read: ReadSentence, *, opens: bool) -> Support:
        """A name is supported where its words stand in a row, or where it is made of such names.

        `opens`: the sentence is the message's first.
        """
        stream = word_stream(claim.value)
        # The request goes first: the lead's own name is not the documents' to support.
        for source in (self._sources[-1], *self._sources[:-1]):
            if stream in source.word_stream:
                return Support(source.document, self._words_with(source, stream, claim))
        singular = claim.value.removesuffix("s")
        other = word_stream(_ALSO.get(claim.value) or _ALSO.get(singular, claim.value))
        for source in self._sources:
            if other in source.word_stream:
                return Support(source.document, claim.text)
        words = set(stream.split())
        if any(words - _TITLES <= set(line.split()) for line in self._known.own) or (
            opens and _is_address(claim, read) and words & self._lead_words
        ):
            return Support(self._sources[-1].document, claim.text)
        document = self._first_document(stream)
        if document and self._is_made_of_known(tuple(stream.split())):
            return Support(document, claim.text)
        if self._is_of_reader(claim, read):
            return Support(self._sources[-1].document, claim.text)
        described = self._source_of_described(claim, read)
        return Support(described.document, claim.text) if described else _NO_NAME

    def _source_of_described(self, claim: Claim, read: ReadSentence) -> Source | None:
        """The source of a name that an adjective or "version" only describes."""
        found = self._source_of_opening(claim, read) or self._source_of_adjective(claim.value)
        if found:
            return found
        streams = []
        head, _, rest = claim.value.partition(" ")
        if head == "version":
            # "macOS must be version 12" where a source has "macOS 12".
            names = (token.lower for token in read.tokens if token.text != token.lower)
            streams = [word_stream(f"{name} {rest}") for name in names]
            if "." in rest:
                # "Version 6.2" where a list of changes has "6.2 (4 March)".
                streams.append(word_stream(rest))
        elif rest and self._source_of_adjective(head):
            # "The Dutch SPRILA scheme"
            streams = [word_stream(rest)]
        held = (s for stream in streams for s in self._sources if stream in s.word_stream)
        return next(held, None)

    def _source_of_opening(self, claim: Claim, read: ReadSentence) -> Source | None:
        """The source of a name whose first word only opens the sentence: "Private GitLab pages".

        The sources write that word in lower case; without it, nothing or a name of theirs is left.
        """
        first, _, rest = claim.value.partition(" ")
        is_plain = first in self._known.lower_words or (
            not rest and any(roots_of((stem(first),)) & source.roots for source in self._sources)
        )
        if claim.start or not is_plain:
            return None
        stream = word_stream(rest or first)
        found = (s for s in self._sources if not rest or stream in s.word_stream)
        return next(found, None)

    def _is_of_reader(self, claim: Claim, read: ReadSentence) -> bool:
        """Whether an adjective of a country describes what the reader has: "your Dutch staff"."""
        before = [token.lower for token in read.tokens[max(0, claim.start - 3) : claim.start]]
        is_adjective = is_english(claim.value) and claim.value.endswith(_OF_PLACES)
        return is_adjective and "your" in before

    def is_apart(
        self,
        claim: Claim,
        read: ReadSentence,
        subjects: Sequence[Subject],
        before: Sequence[Subject],
    ) -> bool:
        """Whether a name is said of a customer with whom no source brings it together.

        `before` are the customers that the sentences before name.
        """
        if self._known.is_headed(tuple(claim.value.split())):
            return False
        if self._is_of_nobody(claim, read):
            return True
        told = [
            s
            for s in subjects
            if s.place != claim.start and not s.is_plan and self._known.is_told_of(s.name)
        ]
        if not told and _LEANS.search(read.text):
            told = [s for s in before if self._known.is_told_of(s.name)][-1:]
        return bool(told) and self._is_of_another(claim, told)

    def _is_of_another(self, claim: Claim, others: Sequence[Subject]) -> bool:
        """Whether a person or thing of one customer's story is put to another customer.

        The name stands in stories only, and none of them tells of the others.
        """
        stream = word_stream(claim.value)
        told = [source for source in self._sources if stream in source.word_stream]
        if not told or not all(source.is_of_customers for source in told):
            return False
        return not any(
            f" {' '.join(other.name)} " in source.word_stream for source in told for other in others
        )

    def _is_of_nobody(self, claim: Claim, read: ReadSentence) -> bool:
        """Whether "Ann Lee of Odell" joins a person with those of whom no source says so."""
        if len(claim.value.split()) != _FULL_NAME:
            return False
        after = [c for c in read.claims if c.kind is ClaimKind.NAME and c.start >= claim.end][:1]
        between = [t.lower for t in read.tokens[claim.end : after[0].start]] if after else []
        are_people = bool(after) and len(after[0].value.split()) == _FULL_NAME
        joints = {"of", "at", "from", "with", "by"} if are_people else {"of", "at", "from"}
        if not between or between[-1] not in joints or len(between) > _MAX_ROLE:
            return False
        stream, other = word_stream(claim.value), word_stream(after[0].value)
        both = [s for s in self._sources if stream in s.word_stream and other in s.word_stream]
        return not self._known.is_own(tuple(other.split())) and not any(
            other in s.heading_stream
            or any(_has_first_name(word_stream(u.shown), stream, other) for u in s.units)
            or any(
                stream in (found := word_stream(f"{first.shown} {second.shown}")) and other in found
                for first, second in pairwise((*s.units, *s.units[-1:]))
            )
            for s in both
        )

    def _source_of_adjective(self, name: str) -> Source | None:
        """The source that has the noun of an adjective: European, of Europe; German, of Germany."""
        last = name.rpartition(" ")[2]
        if not (is_english(last) and last.endswith(_OF_PLACES)):
            return None
        for source in self._sources:
            words = source.capital_words & set(source.word_stream.split())
            if _COUNTRIES.get(last) in words or any(
                word[:_MIN_NOUN] == last[:_MIN_NOUN] and len(word) >= _MIN_NOUN for word in words
            ):
                return source
        return None

    def _is_made_of_known(self, words: tuple[str, ...]) -> bool:
        """Whether own names and names of the sources, put one after the other, give the words."""
        if not words:
            return True
        for length in range(len(words), 0, -1):
            head = words[:length]
            known = head in self._known.by_first_word.get(head[0], ()) or (
                f" {' '.join(head)} " in self._known.own
            )
            if known and self._is_made_of_known(words[length:]):
                return True
        return False

    def _first_document(self, stream: str) -> str:
        """The source that has the name's first word, or ""."""
        words = stream.split(maxsplit=1)
        found = (s.document for s in self._sources if words and f" {words[0]} " in s.word_stream)
        return next(found, "")

    def _words_with(self, source: Source, stream: str, claim: Claim) -> str:
        shown = (unit.shown for unit in source.units if stream in word_stream(unit.shown))
        return next(shown, claim.text)

    def has_plan(self, subject: Subject) -> bool:
        """Whether a source has a plan of this name."""
        name = subject.name
        if name in self._known.plans or name in self._known.by_first_word.get(name[0], ()):
            return True
        is_plain = len(name) == 1 and name[0] in self._known.lower_words
        stream = f" {' '.join(name)} "
        return not is_plain and any(stream in source.word_stream for source in self._sources)


def _is_address(claim: Claim, read: ReadSentence) -> bool:
    """Whether a name opens a sentence and a mark follows: "Gentile Carlo,"."""
    after = read.tokens[claim.end : claim.end + 1]
    return not claim.start and bool(after) and after[0].text in {",", "!", ":"}


def _has_first_name(words: str, person: str, other: str) -> bool:
    """Whether one sentence has the other name and part of the person's: "Ann and Odell"."""
    return other in words and any(f" {part} " in words for part in person.split())
