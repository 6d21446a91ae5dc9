"""What a text states that can be checked: figures, dates, addresses and proper names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from followup.amounts import Amount, read_amount
from followup.bounds import Bound, read_bound
from followup.dates import DATE_OPENERS, WEEKDAYS, read_date
from followup.names import read_names
from followup.numerals import MULTIPLES, NUMBER_OPENERS, VAGUE, is_odd_number, read_numeral
from followup.sentences import split_sentences
from followup.tokens import Token, fold, tokenise
from followup.units import MEASURES, money_unit, time_unit
from followup.vocabulary import STOP_WORDS, stem


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
    index: int
    """What the claims carry as `sentence_index`."""


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
            end=end,
        )
        for start, end, value in read_names(tokens, taken)
    ]
    ordered = sorted([claim for claim, _ in claims] + names, key=lambda claim: claim.start)
    return ReadSentence(text=folded, tokens=tokens, claims=tuple(ordered), index=index)


def _value_claims(
    folded: str, tokens: tuple[Token, ...], index: int
) -> Iterator[tuple[Claim, int]]:
    """Each claim but the names, with the index of the token after it."""
    place = 0
    is_question = folded.endswith("?")
    # "Would a call in the next two weeks suit you?" proposes a time and states none.
    proposes = is_question and tokens[:1] != () and tokens[0].lower in _PROPOSALS
    begins = is_question and _BEGINS.match(folded) is not None
    # So does "I could call you on Monday"; what the reader said of days is no offer.
    offers = is_question or (
        any(token.text == "I" or token.text.startswith("I'") for token in tokens)
        and not _REPORTED.search(folded)
    )
    while place < len(tokens):
        if tokens[place].kind == "word" and not _may_open(tokens[place]):
            place += 1
            continue
        read = _claim_at(tokens, place, is_question=is_question)
        if read is None:
            place += 1
            continue
        kind, value, end, amount, is_relative = read
        if (proposes and kind is ClaimKind.DURATION) or (begins and kind in _COUNTED):
            place = end
            continue
        if offers and kind is ClaimKind.DATE and not value[0].isdigit():
            place = end
            continue
        if offers and kind in _COUNTED and tokens[place - 1].lower == "at" and _says_day(tokens):
            # "Would Wednesday at 10 work?"
            place = end
            continue
        if (
            kind is ClaimKind.DURATION
            and amount
            and amount.unit == "minute"
            and _OFFERS.search(folded)
        ):
            place = end
            continue
        if kind is ClaimKind.DURATION and _is_age(tokens, end):
            place = end
            continue
        if kind in _COUNTED and amount and _counts_talk(tokens, place, amount):
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
                sentence_index=index,
                start=place,
                end=end,
                is_relative=is_relative,
                bound=read_bound(tokens, place, end, kind)
                if amount and kind is not ClaimKind.CODE
                else Bound.EXACT,
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


def _says_days(tokens: tuple[Token, ...]) -> bool:
    """Whether the sentence speaks of hours of opening."""
    return any(t.lower.removesuffix("s") in WEEKDAYS | {"weekday", "daily"} for t in tokens)


def _says_day(tokens: tuple[Token, ...]) -> bool:
    return any(token.lower in WEEKDAYS | {"tomorrow", "today"} for token in tokens)


def _counts_talk(tokens: tuple[Token, ...], place: int, amount: Amount) -> bool:
    """Whether a small count is of what the two talk about: "your two questions", "the two of"."""
    if tokens[place + 1 : place + 2] and _is_example(tokens, place):
        return True
    if amount.value == "0" and not amount.counted and tokens[place].text.isalpha():
        # "From zero" is from the start.
        return True
    if not tokens[place].lower.isalpha() or len(amount.value) > 1:
        return False
    before = tokens[place - 1].lower if place else ""
    after = tokens[amount.end].lower if amount.end < len(tokens) else ""
    is_pointing = not amount.counted and (
        before in {"the", "all", "both", "these", "those"} or after == "of"
    )
    is_pointing |= before == "your"
    return is_pointing or after in _FURTHER or bool(amount.counted & _TALKED_OF)


def _is_age(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether "old" follows: "your eight-year-old"."""
    return "old" in [token.lower for token in tokens[place : place + 2]]


def _is_example(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether a size is only supposed: "a 45-person team would pay"."""
    is_joined = tokens[place + 1].text == "-" and tokens[place - 1].lower in {"a", "an", "any"}
    return is_joined and any(token.lower in {"would", "could"} for token in tokens[place:])


def _hour(tokens: tuple[Token, ...], place: int) -> tuple[ClaimKind, str, int] | None:
    """ "Seven in the evening", "half past five", "10 at night", "6 o'clock"."""
    if [t.lower for t in tokens[place : place + 2]] == ["half", "past"] and place + 2 < len(tokens):
        hour = read_numeral(tokens, place + 2)
        return (ClaimKind.DATE, f"{hour.value}:30h", hour.end) if hour else None
    hour = read_numeral(tokens, place)
    if hour is None or not 0 < hour.value <= _HOURS_OF_FACE or hour.value % 1:
        return None
    after = " ".join(token.lower for token in tokens[hour.end : hour.end + 3])
    is_hour = after.startswith(("in the morning", "in the evening", "in the afternoon", "at night"))
    is_hour |= after.startswith(("o'clock", "o 'clock"))
    return (ClaimKind.DATE, f"{hour.value}h", hour.end) if is_hour else None


def _clock(tokens: tuple[Token, ...], place: int) -> tuple[ClaimKind, str, int] | None:
    """One end of "eight till six" or "between 8 and 6", hours on the face of a clock."""
    if tokens[place].kind != "number" and tokens[place].lower not in NUMBER_OPENERS:
        return None
    read = _hour(tokens, place)
    if read:
        return read
    for first in (place, place - 2):
        if first < 0 or first + 2 >= len(tokens):
            continue
        low, high = read_numeral(tokens, first), read_numeral(tokens, first + 2)
        if not (low and high and low.end == first + 1 and high.end == first + 3):
            continue
        joint = tokens[first + 1].lower
        opener = tokens[first - 1].lower if first else ""
        is_span = joint in {"till", "until"} or (
            (opener, joint) in {("between", "and"), ("from", "to"), ("from", "till")}
            and low.value > high.value
        )
        is_span |= joint in {"to", "-"} and low.value > high.value and _says_days(tokens)
        is_face = all(0 < n.value <= _HOURS_OF_FACE and n.value % 1 == 0 for n in (low, high))
        if is_span and is_face and not _goes_on_counting(tokens, first + 3):
            value = low.value if first == place else high.value
            return ClaimKind.DATE, f"{value}h", place + 1
    return None


def _goes_on_counting(tokens: tuple[Token, ...], place: int) -> bool:
    """Whether a unit or noun follows, so that the figures count something."""
    if place >= len(tokens):
        return False
    word = tokens[place]
    return word.text == "%" or (
        word.text.islower() and word.lower not in STOP_WORDS and word.lower not in WEEKDAYS
    )


# "Shall we begin with ten pumps?"
_BEGINS = re.compile(r"(?:shall|should|could) we\b|(?:how|what) about\b|what if\b", re.IGNORECASE)
_OFFERS = re.compile(
    r"\bI(?:'d| could| can|'ll| will| would)\b.*\b(?:call|chat|talk|demo|join|meet)\b"
)
_COUNTED = frozenset({ClaimKind.QUANTITY, ClaimKind.NUMBER})
_FURTHER = frozenset({"more", "other", "further", "quick"})
_HOURS_OF_FACE = 12
_REPORTED = re.compile(r"\b(?:you|your)\b.*\b(?:asked|said|told|mentioned|suggested|wanted|want)\b")
_TALKED_OF = frozenset(
    map(
        stem,
        """question point thing note detail reason way idea thought concern topic remark answer
        must-have musts follow-up example suggestion option word line""".split(),  # noqa: SIM905
    )
)
_PROPOSALS = frozenset("would could can shall should may how what".split())  # noqa: SIM905
_OPENERS = NUMBER_OPENERS | DATE_OPENERS | VAGUE | MULTIPLES.keys() | {"around", "round"}
_HOURS_A_DAY, _DAYS_A_WEEK = "24", "7"
_BETWEEN_DAY_AND_WEEK = frozenset({",", "and", "/", "-"})
_Read = tuple[ClaimKind, str, int, Amount | None, bool]


def _claim_at(tokens: tuple[Token, ...], place: int, *, is_question: bool) -> _Read | None:
    token = tokens[place]
    fixed = (
        _address(token, place)
        or _clock(tokens, place)
        or _always_on(tokens, place)
        or _model(tokens, place)
    )
    if fixed:
        return (*fixed, None, False)
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


def _model(tokens: tuple[Token, ...], place: int) -> tuple[ClaimKind, str, int] | None:
    """The number of a model or version, a name with the word before: Brio 45, version 5.3."""
    if not place or tokens[place].kind != "number":
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
        end = place + 3
    elif words[:1] in (["24"], ["twenty"]):
        end = _end_of_day_and_week(tokens, place)
    return (ClaimKind.CODE, "24/7", end) if end else None


def _end_of_day_and_week(tokens: tuple[Token, ...], place: int) -> int | None:
    day = read_amount(tokens, place)
    if day is None or (day.value, day.unit) != (_HOURS_A_DAY, "hour"):
        return None
    index = day.end
    while index < len(tokens) and tokens[index].lower in _BETWEEN_DAY_AND_WEEK:
        index += 1
    week = read_amount(tokens, index) if index < len(tokens) else None
    is_week = week is not None and (week.value, week.unit) == (_DAYS_A_WEEK, "day")
    return week.end if week and is_week else None


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
