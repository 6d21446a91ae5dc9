"""Checks each claim of a message against the passages and the request. It fails closed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from followup.claim_context import Before
from followup.claims import Claim, ClaimKind, ReadSentence, extract_claims, read_sentence
from followup.name_support import Support
from followup.parts import is_expletive
from followup.passage import Passage
from followup.sentences import (
    Unit,
    is_signature,
    join_units,
    keep_units,
    split_sentences,
    split_units,
)
from followup.sources import Source, names_in_addresses, own_names, read_sources
from followup.statements import PLAIN, StatementChecker, StatementSupport
from followup.subjects import Name, subjects_by_form
from followup.support import SupportFinder
from followup.value_subjects import leading_subjects, of_last_part

__all__ = [
    "Claim",
    "ClaimKind",
    "RepairedText",
    "Verdict",
    "check_claims",
    "drop_unsupported",
    "extract_claims",
    "split_sentences",
    "supported_share",
]

_PRONOUNS = frozenset("it its they their this that these those he she his her both".split())  # noqa: SIM905
_COMPARING = frozenset({"unlike", "besides", "like", "compared"})
_MAX_OPENING = 6
_MIN_BODY_WORDS = 4
_COURTESY = re.compile(
    r"\b(?:thanks|thank you|no pressure|no rush|let me know|happy to|feel free|hope you|hope this|"
    r"look(?:ing)? forward|whenever)\b",
    re.IGNORECASE,
)


class Verdict(BaseModel):
    """Whether one claim of a message is supported, and by which words of which source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    claim: str = Field(description="The words of the message that claim something.")
    kind: ClaimKind
    value: str = Field(
        description="The claim normalised: 299 USD per month; of a plain statement its "
        "probability, or: contradicted."
    )
    sentence_index: int = Field(ge=0, description="0-based, as split_sentences counts.")
    supported: bool
    source: str = Field(default="", description="Document, or 'request'; empty if unsupported.")
    evidence: str = Field(default="", description="The source's own words; empty if unsupported.")
    reason: str = Field(default="", description="Why it is not supported; empty if it is.")
    probability: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Of a plain statement: how probably a source supports it, at even prior odds.",
    )


def check_claims(
    text: str,
    passages: Sequence[Passage],
    request_text: str,
    statements: StatementChecker | None = PLAIN,
) -> list[Verdict]:
    """A verdict for each claim of the message, in reading order.

    A claim is supported where the same value, of the same kind, unit and rate, stands in a passage
    or in `request_text`, unless the sources give it to another plan or customer than the message
    does, or give the message's words another value; or where it follows from supported figures.
    `request_text` holds a fact a line, the lead's and the product's names first.
    A sentence quoted whole from a source is supported as it stands. The order of the passages
    decides only which source is named.

    A sentence that states something without figures is a claim as a whole, of kind "statement": its
    probability decides, and that no source says the opposite. `statements` checks those, by
    default without a model; None leaves them out, for a text that is the company's own.
    """
    units = split_units(text)
    sources = read_sources(passages, request_text)
    own = own_names(request_text) | names_in_addresses(sources)
    finder = _finder_of(sources, own, _said_plans(units))
    verdicts: list[Verdict] = []
    before = Before()
    plain = (
        statements.check(units, passages, request_text, finder.relations)
        if statements
        else [None] * len(units)
    )
    for index, (unit, statement) in enumerate(zip(units, plain, strict=True)):
        read = read_sentence(unit.text)
        subjects = finder.relations.subjects_of(read)
        leans = _starts_with_pronoun(read)
        here = replace(before, inherited=()) if before.inherited and not leans else before
        found = finder.find(read, subjects, here)
        if unit.is_sign_off or is_signature(units, index):
            # Who signs is the sender; customers are not invented there.
            found = [(c, s) for c, s in found if not (s.reason and c.kind is ClaimKind.NAME)]
        verdicts.extend(_verdict(claim, index, support) for claim, support in found)
        if statement:
            verdicts.append(_statement_verdict(unit.text, index, statement))
        leading = leading_subjects(read.tokens, of_last_part(read.tokens, subjects))
        before = Before(
            inherited=tuple(leading) if subjects or not leans else before.inherited,
            subjects=(*before.subjects, *subjects),
            text=f"{before.text} {read.text}",
            claims=(*before.claims, *(c for c, support in found if not support.reason)),
        )
    return verdicts


def _said_plans(units: Sequence[Unit]) -> frozenset[Name]:
    """What the message calls a plan."""
    return frozenset(
        subject.name
        for unit in units
        for subject in subjects_by_form(read_sentence(unit.text))
        if subject.is_plan and not subject.is_role
    )


def _starts_with_pronoun(read: ReadSentence) -> bool:
    """Whether it does so, perhaps behind what it compares with: "Unlike Start, it has ..."."""
    tokens = read.tokens
    comma = next((i for i, token in enumerate(tokens) if token.text == ","), 0)
    if tokens and tokens[0].lower in _COMPARING and comma <= _MAX_OPENING:
        tokens = tokens[comma + 1 :]
    first = tokens[0].lower.partition("'")[0] if tokens else ""
    return first in _PRONOUNS and not is_expletive(tokens)


@lru_cache(maxsize=64)
def _finder_of(
    sources: tuple[Source, ...], own: frozenset[str], said_plans: frozenset[Name]
) -> SupportFinder:
    """The finder of one request: a draft, its repair and the next candidate share it."""
    return SupportFinder(sources, own, said_plans)


def supported_share(verdicts: Sequence[Verdict]) -> float:
    """Supported claims / all claims, 0 to 1; 1.0 without claims, where nothing is unsupported."""
    if not verdicts:
        return 1.0
    return sum(verdict.supported for verdict in verdicts) / len(verdicts)


class RepairedText(BaseModel):
    """A message without its unsupported sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    num_dropped: int = Field(ge=0, description="Sentences left out.")
    is_message: bool = Field(
        description="Whether a greeting and a statement, no mere question or thanks, are left."
    )


def drop_unsupported(text: str, verdicts: Sequence[Verdict]) -> RepairedText:
    """Leave out each sentence that holds an unsupported claim, and tidy the whitespace.

    `verdicts` are those of this very text: they name its sentences by index.
    """
    units = split_units(text)
    bad = {verdict.sentence_index for verdict in verdicts if not verdict.supported}
    kept = keep_units(units, [index for index in range(len(units)) if index not in bad])
    has_body = any(
        len(unit.text.split()) >= _MIN_BODY_WORDS
        and not unit.text.endswith("?")
        and not (unit.is_greeting or unit.is_sign_off or _COURTESY.search(unit.text))
        for unit in kept
    )
    is_message = has_body and any(unit.is_greeting for unit in kept)
    return RepairedText(
        text=join_units(kept), num_dropped=len(units) - len(kept), is_message=is_message
    )


def _value_text(claim: Claim) -> str:
    rate = "".join(f" per {word}" for word in sorted(claim.per))
    return f"{claim.value} {claim.unit or ' '.join(sorted(claim.counted))}".strip() + rate


def _verdict(claim: Claim, index: int, support: Support) -> Verdict:
    return Verdict(
        claim=claim.text,
        kind=claim.kind,
        value=_value_text(claim),
        sentence_index=index,
        supported=not support.reason,
        source=support.document,
        evidence=support.evidence,
        reason=support.reason,
    )


def _statement_verdict(sentence: str, index: int, support: StatementSupport) -> Verdict:
    return Verdict(
        claim=sentence,
        kind=ClaimKind.STATEMENT,
        value="contradicted" if support.probability is None else f"{support.probability:.2f}",
        sentence_index=index,
        supported=support.supported,
        source=support.source,
        evidence=support.evidence,
        reason=support.reason,
        probability=support.probability,
    )
