"""What a text states that can be checked: figures, dates, addresses and proper names."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from followup.amounts import WORK_DAYS, Amount, read_amount
from followup.bounds import Bound, read_bound
from followup.clock import read_clock
from followup.dates import DATE_OPENERS, WEEKDAYS, ReadDate, read_date
from followup.names import read_names
from followup.numerals import MULTIPLES, NUMBER_OPENERS, VAGUE, is_odd_number
from followup.offers import Manner, read_manner, states_nothing
from followup.sentences import split_sentences
from followup.tokens import Token, fold, tokenise
from followup.units import MEASURES, money_unit, time_unit


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
    start: int = 0
    end: int = 0
    """Its tokens in the sentence: the first, and the one after the last."""
    is_relative: bool = False
    """A date that depends on today: next Tuesday."""
    bound: Bound = Bound.EXACT
    """Whether the figure is exact or a limit: up to 45%."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadSentence:
    """A sentence with its folded text, tokens and claims: equal only to itself, a cheap key."""

    text: str
    tokens: tuple[Token, ...]
    claims: tuple[Claim, ...]
    lowered: tuple[str, ...]
    """The tokens in lower case without a possessive "'s"."""


def extract_claims(text: str) -> list[Claim]:
    """All claims of a text, in reading order. No text makes it raise; "" has none."""
    return [claim for sentence in split_sentences(text) for claim in read_sentence(sentence).claims]


@lru_cache(maxsize=16_384)
def read_sentence(sentence: str) -> ReadSentence:
    """Tokens and claims of one sentence, wherever it stands."""
    folded = fold(sentence)
    tokens = tuple(tokenise(folded))
    claims = [*_value_claims(folded, tokens)]
    taken = {place for claim, end in claims for place in range(claim.start, end)}
    names = [
        Claim(
            kind=ClaimKind.NAME,
            text=folded[tokens[start].start : tokens[end - 1].end],
            value=value,
            start=start,
            end=end,
        )
        for start, end, value in read_names(tokens, taken)
    ]
    ordered = sorted([claim for claim, _ in claims] + names, key=lambda claim: claim.start)
    lowered = tuple([token.lower.removesuffix("'s") for token in tokens])
    return ReadSentence(text=folded, tokens=tokens, claims=tuple(ordered), lowered=lowered)


def _value_claims(folded: str, tokens: tuple[Token, ...]) -> Iterator[tuple[Claim, int]]:
    """Each claim but the names, with the index of the token after it."""
    place = 0
    is_question = folded.endswith("?")
    manner: Manner | None = None
    while place < len(tokens):
        is_the_hour = place > 0 and tokens[place - 1].lower == "within"
        if not (is_the_hour or _may_open(tokens[place])):
            place += 1
            continue
        read = _claim_at(tokens, place, is_question=is_question)
        if read is None:
            place += 1
            continue
        kind, value, end, amount, is_relative = read
        manner = manner or read_manner(folded, tokens)
        if states_nothing(manner, tokens, place, kind, value, end, amount):
            place = end
            continue
        yield (
            Claim(
                kind=kind,
                text=folded[tokens[place].start : tokens[end - 1].end],
                value=value,
                unit=amount.unit if amount else "",
                per=amount.per if amount else frozenset(),
                counted=amount.counted if amount else frozenset(),
                start=place,
                end=end,
                is_relative=is_relative,
                bound=_bound(tokens, place, end, kind) if amount else Bound.EXACT,
            ),
            end,
        )
        place = end


def _bound(tokens: tuple[Token, ...], place: int, end: int, kind: ClaimKind) -> Bound:
    """Of a figure; what is written like 3OO has none."""
    return Bound.EXACT if kind is ClaimKind.CODE else read_bound(tokens, place, end, kind)


def _may_open(token: Token) -> bool:
    """Whether a token can open a claim; most words and marks cannot, which saves reading them."""
    if token.kind not in {"word", "symbol"} or not token.text.isascii():
        return True
    return token.lower in _OPENERS or token.lower.removesuffix("'s").removesuffix("s") in WEEKDAYS


_OPENERS = NUMBER_OPENERS | DATE_OPENERS | VAGUE | MULTIPLES.keys() | {"around", "round"}
_HOURS_A_DAY, _DAYS_A_WEEK = "24", "7"
_BEFORE_WEEK = frozenset({",", "and", "/", "-", "on", "all"})
_Read = tuple[ClaimKind, str, int, Amount | None, bool]


def _claim_at(tokens: tuple[Token, ...], place: int, *, is_question: bool) -> _Read | None:
    token = tokens[place]
    fixed = _address(token, place) or _always_on(tokens, place) or _model(tokens, place)
    if fixed:
        return (*fixed, None, False)
    hour = read_clock(tokens, place)
    date = ReadDate(*hour) if hour else read_date(tokens, place)
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


def _model(tokens: tuple[Token, ...], place: int) -> tuple[ClaimKind, str, int] | None:
    """The number of a model or version, a name with the word before: Brio 45, version 5.3."""
    if not place or tokens[place].kind != "number" or "," in tokens[place].text:
        return None
    before, after = tokens[place - 1], tokens[place + 1 : place + 2]
    is_name = place > 1 and before.text[0].isupper() and tokens[place - 2].lower not in {",", ":"}
    if before.kind != "word" or not (is_name or before.lower == "version"):
        return None
    has_unit = bool(after) and (
        after[0].lower in MEASURES
        or after[0].lower in {"%", "percent", "per", "-", "to"}
        or after[0].kind == "currency"
        or time_unit(tokens, place + 1) is not None
        or (after[0].lower in WORK_DAYS and time_unit(tokens, place + 2) is not None)
        or bool(money_unit(after[0]))
    )
    is_month = read_date(tokens, place - 1) is not None
    if is_month or (has_unit and before.lower != "version"):
        return None
    return ClaimKind.NAME, f"{before.lower} {tokens[place].lower}", place + 1


def _always_on(tokens: tuple[Token, ...], place: int) -> tuple[ClaimKind, str, int] | None:
    """ "24 hours a day, 7 days a week", "24x7" and "around the clock" are all 24/7."""
    words = [token.lower for token in tokens[place : place + 3]]
    end = None
    if words[:1] == ["24x7"]:
        end = place + 1
    elif words in (["around", "the", "clock"], ["round", "the", "clock"]):
        end = _end_of_week(tokens, place + 3) or place + 3
    elif words[:1] in (["24"], ["twenty"]):
        end = _end_of_day_and_week(tokens, place)
    return (ClaimKind.CODE, "24/7", end) if end else None


def _end_of_week(tokens: tuple[Token, ...], place: int) -> int | None:
    """Behind "on all seven days", "7 days a week"."""
    while place < len(tokens) and tokens[place].lower in _BEFORE_WEEK:
        place += 1
    week = read_amount(tokens, place) if place < len(tokens) else None
    is_week = week is not None and (week.value, week.unit) == (_DAYS_A_WEEK, "day")
    return week.end if week and is_week else None


def _end_of_day_and_week(tokens: tuple[Token, ...], place: int) -> int | None:
    day = read_amount(tokens, place)
    if day is None or (day.value, day.unit) != (_HOURS_A_DAY, "hour"):
        return None
    return _end_of_week(tokens, day.end)


def _address(token: Token, place: int) -> tuple[ClaimKind, str, int] | None:
    if token.kind == "email":
        return ClaimKind.EMAIL, token.lower.removeprefix("mailto:"), place + 1
    if token.kind == "link":
        bare = token.text.partition("://")[2] or token.text
        host, slash, path = bare.partition("/")
        return (
            ClaimKind.LINK,
            (host.lower().removeprefix("www.") + slash + path).rstrip("/"),
            place + 1,
        )
    if token.kind == "phone":
        digits = "".join(character for character in token.text if character.isdigit())
        national = len(digits) == _WITH_COUNTRY and digits.startswith("1")
        return ClaimKind.PHONE, digits[1:] if national else digits, place + 1
    return None
