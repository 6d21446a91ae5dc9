"""Cuts passages and the request into the units that can support a claim, each with its context."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from followup.claims import Claim, ClaimKind, ReadSentence, read_sentence
from followup.passage import Passage
from followup.sentences import split_sentences
from followup.table_rows import Row, split_rows
from followup.tokens import fold
from followup.vocabulary import content_stems, roots_of, words_of

REQUEST = "request"
"""The source named in a verdict when the request itself supports the claim."""

_CUSTOMER_PAGE = re.compile(
    r" (?:case stud(?:y|ies)|customers|clients|stor(?:y|ies)|testimonials?|references|success) "
)
_SECTION_SEPARATOR = " > "
_MAX_OWN_NAME_WORDS = 6
_NUM_NAME_LINES = 2


@dataclass(frozen=True, slots=True, eq=False)
class SourceUnit:
    """A sentence, or one cell of a table with its row's and column's names."""

    sentence: ReadSentence
    shown: str
    """The words shown as evidence: the sentence, or the whole table row."""
    stems: frozenset[str]
    """Content stems of the sentence, or of cell, row name and column name, and of the section."""
    cell_names: tuple[str, ...] = ()
    """Row name and column name of a table cell, folded, in lower case; empty for a sentence."""
    is_heading: bool = False
    row_name: str = ""
    """What the row of a cell is of, as it is written."""
    row_claims: tuple[Claim, ...] = ()
    """What the whole row of a table cell claims; empty for a sentence."""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the sentence, or the row of the cell, claims."""
        return self.row_claims or self.sentence.claims


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A passage or the request, read once: equal only to itself, so that it is a cheap key."""

    document: str
    is_request: bool
    units: tuple[SourceUnit, ...]
    lines: frozenset[str]
    """Every unit and table row, folded, in lower case: a message that quotes one is supported."""
    word_stream: str
    """" word word word " of text, title, section and document name, for looking up names."""
    heading_stream: str
    """The same of title, section and document name alone."""
    heading_roots: frozenset[str]
    """Roots of title, section and document name."""
    roots: frozenset[str]
    """Roots of all units and of the heading."""
    capital_words: frozenset[str]
    """Words, in lower case, that stand with a capital inside a sentence."""
    lower_words: frozenset[str]
    """Words that stand somewhere in lower case: with a capital they are no sure names."""
    is_of_customers: bool
    """A page that tells of customers: a case study, stories."""
    mail_hosts: frozenset[str]
    """Word streams of the hosts of its e-mail addresses: " acme " of sales@acme.example."""


def names_in_addresses(sources: Sequence[Source]) -> frozenset[str]:
    """Word streams of the firms whose e-mail addresses the documents give: sales@acme.example."""
    documents = (source for source in sources if not source.is_request)
    return frozenset[str]().union(*(source.mail_hosts for source in documents))


def read_sources(passages: Sequence[Passage], request_text: str) -> tuple[Source, ...]:
    """The sources of a message: its passages in order, then the request."""
    chunks = [passage.chunk for passage in passages]
    return (
        *[_read(c.document, c.text, c.title, c.section, c.source_type) for c in chunks],
        _read(None, request_text, "", "", ""),
    )


def own_names(request_text: str) -> frozenset[str]:
    """Word streams of the request's own names, which set nothing apart.

    Those are the first two lines, the lead and the product, and every further short line that is
    capitalised like a name, such as the company's.
    """
    lines = [line for line in request_text.splitlines() if line.strip()]
    named = lines[:_NUM_NAME_LINES] + [
        line
        for line in lines[_NUM_NAME_LINES:]
        if all(word[0].isupper() or word[0].isdigit() for word in line.split())
    ]
    streams = (word_stream(line) for line in named)
    return frozenset(stream for stream in streams if 0 < len(stream.split()) <= _MAX_OWN_NAME_WORDS)


# Names, rows and whole passages are looked through for one another again and again.
@lru_cache(maxsize=8_192)
def word_stream(text: str) -> str:
    """ " word word ": words in lower case between single spaces, so that `in` finds whole words."""
    words = words_of(fold(text).replace("'s ", " ").replace("'", ""))
    return f" {' '.join(words)} "


@lru_cache(maxsize=4_096)
def _read(document: str | None, text: str, title: str, section: str, source_type: str) -> Source:
    """One source; `document` is None for the request."""
    name = (document.rpartition(".")[0] or document) if document else ""
    heading = f"{title}\n{section}\n{name}"
    section_stems = content_stems(section)
    heading_roots = roots_of(content_stems(fold(heading)))
    # A heading states too: "Growth plan, the mid-tier plan", "Release of June 2026".
    heads = [line for line in (title, *section.split(_SECTION_SEPARATOR)) if line]
    units = [
        _sentence_unit(head, section_stems, is_heading=True) for head in heads if head != document
    ]
    lines: set[str] = set()
    for block in split_rows(text):
        if isinstance(block, str):
            sentences = split_sentences(block)
            lines.update(fold(sentence).lower() for sentence in sentences)
            units.extend(_sentence_unit(sentence, section_stems) for sentence in sentences)
        else:
            lines.add(fold(block.shown).lower())
            units.extend(_cell_units(block, section_stems))
    heading_stream = word_stream(heading)
    return Source(
        document=REQUEST if document is None else document,
        is_request=document is None,
        units=tuple(units),
        lines=frozenset(lines),
        word_stream=word_stream(f"{heading}\n{text}"),
        heading_stream=heading_stream,
        is_of_customers=_CUSTOMER_PAGE.search(word_stream(f"{title}\n{name}\n{source_type}"))
        is not None,
        heading_roots=heading_roots,
        roots=heading_roots.union(*(roots_of(unit.stems) for unit in units)),
        capital_words=frozenset(
            token.lower
            for unit in units
            if not unit.is_heading
            for token in unit.sentence.tokens[1:]
            if token.kind == "word" and token.text[0].isupper()
        ),
        lower_words=frozenset(
            token.text
            for unit in units
            for token in unit.sentence.tokens
            if token.kind == "word" and token.text.islower()
        ),
        mail_hosts=frozenset(map(word_stream, filter(None, _mail_hosts(units)))),
    )


def _mail_hosts(units: Sequence[SourceUnit]) -> Iterator[str]:
    for unit in units:
        for claim in unit.sentence.claims:
            if claim.kind is ClaimKind.EMAIL:
                yield claim.value.partition("@")[2].partition(".")[0]


def _sentence_unit(
    sentence: str, section_stems: frozenset[str], *, is_heading: bool = False
) -> SourceUnit:
    return SourceUnit(
        sentence=read_sentence(sentence),
        shown=sentence,
        stems=content_stems(fold(sentence)) | section_stems,
        is_heading=is_heading,
    )


def _cell_units(row: Row, section_stems: frozenset[str]) -> Iterator[SourceUnit]:
    corner, row_name = row.head
    sentences = [read_sentence(row.read(column, cell)) for column, cell in row.cells]
    row_claims = tuple(claim for sentence in sentences for claim in sentence.claims)
    for (column, cell), sentence in zip(row.cells, sentences, strict=True):
        if not cell:
            continue
        names = tuple(fold(name).lower() for name in (row_name, column, corner) if name)
        context = content_stems(fold(f"{corner} {row_name} {column} {cell}"))
        yield SourceUnit(
            sentence=sentence,
            shown=row.shown,
            stems=context | section_stems,
            cell_names=names,
            row_name=row_name,
            row_claims=row_claims,
        )
