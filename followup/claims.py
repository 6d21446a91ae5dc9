"""What a text states that can be checked: figures, dates, addresses and proper names."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from followup.amounts import Amount, read_amount
from followup.dates import DATE_OPENERS, WEEKDAYS, read_date
from followup.names import read_names
from followup.numerals import MULTIPLES, NUMBER_OPENERS, VAGUE, is_odd_number
from followup.sentences import split_sentences
from followup.tokens import Token, fold, tokenise


class ClaimKind(StrEnum):
    MONEY = "money"
    PERCENT = "percent"
    QUANTITY = "quantity"
    NUMBER = "number"
    DURATION = "duration"
    DATE = "date"
    LINK = "link"
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    STATEMENT = "statement"
    CODE = "code"
    """A token with digits that is no plain number (24/7, SOC2, 1.2.3): checked as it is written."""


_WITH_COUNTRY = 11
"""Digits of a North American phone number with its country code 1."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. Claims with equal kind, value, unit and per state the same."""

    kind: ClaimKind
    text: str
    value: str
    """Normalised: "299", "15-20", "2026-03-?", "https" and "www." left out of links."""
    unit: str = ""
    """"USD", "hour", "percent", "times", "gb"; empty for counts, which have `counted` instead."""
    per: frozenset[str] = frozenset()
    """What the figure repeats or divides by: "month", "user"."""
    counted: frozenset[str] = frozenset()
    """Stems of the words after a count: 500 paying customers -> pay, customer."""
    sentence_index: int = 0
    start: int = 0
    """Index of its first token in the sentence."""
    is_relative: bool = False
    """A date that depends on today: next Tuesday."""


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """A sentence with its folded text, tokens and claims."""

    text: str
    tokens: tuple[Token, ...]
    claims: tuple[Claim, ...]


def extract_claims(text: str) -> list[Claim]:
    """All claims of a text, in reading order. No text makes it raise; "" has none."""
    return [
        claim
        for index, sentence in enumerate(split_sentences(text))
        for claim in read_sentence(sentence, index).claims
    ]


@lru_cache(maxsize=16_384)
def read_sentence(sentence: str, index: int = 0) -> ReadSentence:
    """Tokens and claims of one sentence; `index` is what its claims carry."""
    folded = fold(sentence)
    tokens = tuple(tokenise(folded))
    claims = [*_value_claims(folded, tokens, index)]
    taken = {place for claim, end in claims for place in range(claim.start, end)}
    names = [
        Claim(
            kind=ClaimKind.NAME,
            text=folded[tokens[start].start : tokens[end - 1].end],
            value=value,
            sentence_index=index,
            start=start,
        )
        for start, end, value in read_names(tokens, taken)
    ]
    ordered = sorted([claim for claim, _ in claims] + names, key=lambda claim: claim.start)
    return ReadSentence(text=folded, tokens=tokens, claims=tuple(ordered))


def _value_claims(
    folded: str, tokens: tuple[Token, ...], index: int
) -> Iterator[tuple[Claim, int]]:
    """Each claim but the names, with the index of the token after it."""
    place = 0
    is_question = folded.endswith("?")
    while place < len(tokens):
        if tokens[place].kind == "word" and not _may_open(tokens[place]):
            place += 1
            continue
        read = _claim_at(tokens, place, is_question=is_question)
        if read is None:
            place += 1
            continue
        kind, value, end, amount, is_relative = read
        yield (
            Claim(
                kind=kind,
                text=folded[tokens[place].start : tokens[end - 1].end],
                value=value,
                unit=amount.unit if amount else "",
                per=amount.per if amount else frozenset(),
                counted=amount.counted if amount else frozenset(),
                sentence_index=index,
                start=place,
                is_relative=is_relative,
            ),
            end,
        )
        place = end


def _may_open(word: Token) -> bool:
    """Whether a word can open a claim; most cannot, which saves reading them as one."""
    return (
        word.lower in _OPENERS
        or word.lower.removesuffix("'s").removesuffix("s") in WEEKDAYS
        or not word.text.isascii()
    )


_OPENERS = NUMBER_OPENERS | DATE_OPENERS | VAGUE | MULTIPLES.keys()
_Read = tuple[ClaimKind, str, int, Amount | None, bool]


def _claim_at(tokens: tuple[Token, ...], place: int, *, is_question: bool) -> _Read | None:
    token = tokens[place]
    address = _address(token)
    if address:
        return (*address, place + 1, None, False)
    date = read_date(tokens, place)
    if date:
        # "Shall we talk next week?" proposes, it states nothing.
        proposed = is_question and date.value in {"next week", "this week", "next month"}
        return None if proposed else (ClaimKind.DATE, date.value, date.end, None, date.is_relative)
    amount = read_amount(tokens, place)
    if amount:
        return (ClaimKind(amount.kind), amount.value, amount.end, amount, False)
    if token.kind == "currency":
        # Money without a figure that can be read: $XXX, €1.200,50.
        end = min(place + 2, len(tokens))
        return (ClaimKind.CODE, "".join(t.lower for t in tokens[place:end]), end, None, False)
    if token.kind in {"code", "number"} or is_odd_number(token) or token.lower in VAGUE:
        return (ClaimKind.CODE, token.lower, place + 1, None, False)
    return None


def _address(token: Token) -> tuple[ClaimKind, str] | None:
    if token.kind == "email":
        return ClaimKind.EMAIL, token.lower.removeprefix("mailto:")
    if token.kind == "link":
        bare = token.text.partition("://")[2] or token.text
        host, slash, path = bare.partition("/")
        return ClaimKind.LINK, (host.lower().removeprefix("www.") + slash + path).rstrip("/")
    if token.kind == "phone":
        digits = "".join(character for character in token.text if character.isdigit())
        national = len(digits) == _WITH_COUNTRY and digits.startswith("1")
        return ClaimKind.PHONE, digits[1:] if national else digits
    return None
