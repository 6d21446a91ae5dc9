"""Reads amounts from tokens: money, percentages, durations, counts with what they count."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from followup.figures import Figure, read_figure
from followup.numerals import MULTIPLES, half_after, plain_text
from followup.rates import EVERY, TIME_RATES, rate_before, read_rate
from followup.shares import read_half, read_part, read_share
from followup.tokens import Token
from followup.units import MEASURES, money_unit, money_words, time_unit
from followup.vocabulary import STOP_WORDS, stem

_GLUED_TIME = frozenset({"s", "sec", "min", "mins", "h", "hr", "hrs", "d", "wk", "mo", "yr", "yrs"})
_LETTERS_OF_TIME = frozenset("smhdw")
_MAX_SHORT_UNIT = 2
WORK_DAYS = frozenset({"business", "working", "work"})
_TIME_ADJECTIVES = frozenset(
    """full short quick calendar whole extra additional further more free operating running
    consecutive""".split()  # noqa: SIM905
)
_IDIOMS = frozenset({"second", "minute", "moment"})
_BEFORE_SINGLE_TIME = frozenset(
    """in within after before under than about over around only is takes take took lasts last needs
    least most just nearly almost roughly""".split()  # noqa: SIM905
)
_AFTER_MULTIPLE = frozenset(
    "as the a an per that this your every each daily weekly monthly".split()  # noqa: SIM905
)
_MIN_PLURAL = 100
_MAX_COUNTED = 3
_ENDS_COUNTED = STOP_WORDS | frozenset(
    """is are plus including percent since last next past previous coming without despite because
    ago later earlier go goes went""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with its unit; see `Claim` for the fields."""

    kind: str
    value: str
    end: int
    unit: str = ""
    per: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


def read_amount(tokens: Sequence[Token], start: int) -> Amount | None:
    """The amount that begins at token `start`, or None."""
    word = tokens[start].lower
    if word == "half" and [t.lower for t in tokens[start + 1 : start + 3]] == ["-", "yearly"]:
        return Amount("quantity", "2", start + 3, "times", frozenset({"year"}))
    if word in MULTIPLES:
        # Double-entry bookkeeping and double-checking multiply nothing.
        is_noun = start + 1 < len(tokens) and (
            tokens[start + 1].text == "-" or tokens[start + 1].lower in {"check", "entry"}
        )
        # "A retry prints nothing twice" multiplies nothing either.
        is_noun |= word in {"twice", "thrice"} and not _goes_on(tokens, start + 1)
        return None if is_noun else Amount("quantity", str(MULTIPLES[word]), start + 1, "times")
    part = read_part(tokens, start)
    if part:
        return Amount(part.kind, part.value, part.end, part.unit)
    is_one = word in {"a", "an"} or (word == "the" and tokens[start - 1].lower == "within")
    single = _single_time(tokens, start) if is_one else None
    if single:
        return single
    figure = read_figure(tokens, start)
    if figure is None:
        return None
    share = read_share(tokens, figure)
    amount = (
        Amount(share.kind, share.value, share.end, share.unit)
        if share
        else _with_unit(tokens, figure, start)
    )
    return None if amount and _is_span_of_rate(tokens, amount, start) else amount


def _is_span_of_rate(tokens: Sequence[Token], amount: Amount, start: int) -> bool:
    """Whether "in one year" only says over what time another figure is taken."""
    is_one = amount.kind == "duration" and amount.value == "1" and tokens[start].text.isalpha()
    is_over = start > 0 and tokens[start - 1].lower in {"in", "over"}
    return is_one and is_over and _has_figure(tokens)


def _has_figure(tokens: Sequence[Token]) -> bool:
    return any(token.kind == "number" or token.text == "%" for token in tokens)


def _goes_on(tokens: Sequence[Token], place: int) -> bool:
    return place < len(tokens) and tokens[place].lower in _AFTER_MULTIPLE


def _single_time(tokens: Sequence[Token], start: int) -> Amount | None:
    """ "In a week" as a duration; "a minute" is an idiom, "9% a week" a rate."""
    unit = time_unit(tokens, start + 1)
    half, end = half_after(tokens, start + 2)
    if unit and half:
        return Amount("duration", "1.5", end, unit)
    if unit is None or unit in _IDIOMS or tokens[start + 1].lower.endswith("s"):
        return None
    before = tokens[start - 1].lower if start else ""
    if before == "to" and start > 1 and tokens[start - 2].lower == "up":
        before = "under"
    if before in {"in", "within"} and _has_figure(tokens):
        # "Loses 0.4% in a year" is a rate.
        return None
    if len(tokens[start + 1].lower) <= _MAX_SHORT_UNIT or before not in _BEFORE_SINGLE_TIME:
        return None
    return Amount("duration", "1", start + 2, unit)


def _with_unit(tokens: Sequence[Token], figure: Figure, start: int) -> Amount | None:
    index = _after_hyphen(tokens, figure.end)
    following = tokens[index] if index < len(tokens) else None
    glued = following is not None and index > 0 and following.start == tokens[index - 1].end
    if figure.currency and following and _is_glued_letters(following, glued=glued):
        return Amount("code", f"{figure.value}{following.lower}", index + 1)
    named, after_name = money_words(tokens, index)
    if glued and following is not None and following.lower == "p":
        # "28p", as Britain writes pence.
        named, after_name = "cent", index + 1
    money = figure.currency or named
    if money:
        end = after_name if named == money else figure.end
        per, end = read_rate(tokens, end)
        value = figure.value
        if money == "cent":
            # Of whichever currency: 5 cents are $0.05 and €0.05.
            value = in_cents(value)
        is_difference = end < len(tokens) and tokens[end].lower in {
            "less",
            "more",
            "cheaper",
            "off",
        }
        before = frozenset[str]() if is_difference else rate_before(tokens, start)
        is_timed = any(time in TIME_RATES for time in per)
        # "A monthly fee of $9 per machine"
        return Amount("money", value, end, money, per if is_timed else per | before)
    if following is None:
        return None if _is_bare_one(figure) else Amount("number", figure.value, figure.end)
    if following.lower in {"%", "percent", "pct"}:
        return _percent(tokens, figure, index + 1)
    if following.lower == "per" and index + 1 < len(tokens) and tokens[index + 1].lower == "cent":
        return _percent(tokens, figure, index + 2)
    return (
        _duration(tokens, figure, index, glued=glued)
        or _times(tokens, figure, index)
        or _measure(tokens, figure, index)
        or _glued_letters(figure, following, index, glued=glued and index == figure.end)
        or _count(tokens, figure, index, glued=glued)
    )


def in_cents(value: str) -> str:
    """A number of cents as the money that they are."""
    return plain_text(Decimal(value) / 100) if "-" not in value else value


def _is_glued_letters(following: Token, *, glued: bool) -> bool:
    """Whether letters that are no currency stick to the figure: $3OO."""
    return glued and following.kind in {"word", "code"} and not money_unit(following)


def _after_hyphen(tokens: Sequence[Token], index: int) -> int:
    """Skip the hyphen of "15-minute"; the one of "299 - a bargain" is left."""
    if index + 1 < len(tokens) and tokens[index].text == "-":
        glued = tokens[index].start == tokens[index - 1].end
        return index + 1 if glued and tokens[index + 1].start == tokens[index].end else index
    return index


def _percent(tokens: Sequence[Token], figure: Figure, end: int) -> Amount:
    if end < len(tokens) and tokens[end].lower.startswith("point"):
        return Amount("percent", figure.value, end + 1, "point")
    per, end = read_rate(tokens, end)
    return Amount("percent", figure.value, end, "percent", per)


def _duration(tokens: Sequence[Token], figure: Figure, index: int, *, glued: bool) -> Amount | None:
    following = tokens[index].lower
    is_half = figure.value == "0.5" and figure.in_words
    if is_half and following in {"a", "an"}:
        index += 1
    prefix = ""
    if following in WORK_DAYS | _TIME_ADJECTIVES and index + 1 < len(tokens):
        prefix = "business " if following in WORK_DAYS else ""
        index += 1
    unit = time_unit(tokens, index)
    if unit is None or (tokens[index].lower in _LETTERS_OF_TIME and not glued):
        return None
    if glued and tokens[index - 1].kind == "number" and tokens[index].lower not in _GLUED_TIME:
        return None
    if glued and tokens[index].lower == "s" and _is_plural(figure):
        return None
    value = figure.value
    if is_half and unit == "hour":
        value, unit = "30", "minute"
    per, end = read_rate(tokens, index + 1)
    if not per and index + 1 < len(tokens) and tokens[index + 1].lower == "of":
        # "Hours of reception work a week"
        ahead = (
            read_rate(tokens, place)[0] for place in range(index + 3, min(index + 6, len(tokens)))
        )
        per = next((found for found in ahead if found), per)
    return Amount("duration", value, end, prefix + unit, per)


def _is_plural(figure: Figure) -> bool:
    """Whether an "s" makes several of a figure: "429s", "the 1990s" are no seconds."""
    return figure.value.isdigit() and int(figure.value) >= _MIN_PLURAL


def _times(tokens: Sequence[Token], figure: Figure, index: int) -> Amount | None:
    is_product = index + 1 < len(tokens) and tokens[index + 1].kind in {"number", "currency"}
    signs = {"x", "times", "fold", "×"}  # noqa: RUF001 - as people type
    if tokens[index].lower in signs and not is_product:
        per, end = read_rate(tokens, index + 1)
        return Amount("quantity", figure.value, end, "times", per)
    return None


def _measure(tokens: Sequence[Token], figure: Figure, index: int) -> Amount | None:
    is_square = tokens[index].lower == "square" and index + 1 < len(tokens)
    index += is_square
    unit = MEASURES.get(tokens[index].lower)
    if unit is None:
        return None
    end = index + 1
    if unit == "kw" and [t.lower.rstrip("s") for t in tokens[end : end + 2]] == ["-", "hour"]:
        unit, end = "kwh", end + 2
    # "48 m²" is read as "m 2".
    is_raised = (
        end < len(tokens) and tokens[end].text == "2" and tokens[end].start == tokens[end - 1].end
    )
    end += is_raised
    per, end = read_rate(tokens, end)
    return Amount(
        "quantity", figure.value, end, f"{unit}2" if is_square or is_raised else unit, per
    )


def _glued_letters(figure: Figure, following: Token, index: int, *, glued: bool) -> Amount | None:
    if not glued or figure.in_words or following.kind != "word":
        return None
    if following.lower in {"st", "nd", "rd", "th"}:
        return Amount("number", figure.value, index + 1, "ordinal")
    if following.lower == "s" and _is_plural(figure):
        return Amount("number", figure.value, index + 1)
    # Digits glued to letters that are no unit: 3OO. Only the same letters support it.
    return Amount("code", f"{figure.value}{following.lower}", index + 1)


def _count(tokens: Sequence[Token], figure: Figure, index: int, *, glued: bool) -> Amount | None:
    if _is_bare_one(figure):
        return None
    if figure.value == "0.5" and figure.in_words:
        part = read_half(tokens, figure, index)
        return Amount(part.kind, part.value, part.end, part.unit) if part else None
    is_open = tokens[index].text == "+" and glued
    counted, end = _counted(tokens, index + is_open)
    if not counted:
        per, end = read_rate(tokens, figure.end + is_open)
        return Amount("number", figure.value, end, per=per)
    per, after = read_rate(tokens, end)
    return Amount("quantity", figure.value, after, per=per, counted=counted)


def _is_bare_one(figure: Figure) -> bool:
    """ "one of our", "no one": not a figure unless a unit follows."""
    return figure.in_words and figure.value == "1"


def _counted(tokens: Sequence[Token], index: int) -> tuple[frozenset[str], int]:
    """Stems of up to three words after a count, to the next stop word or mark."""
    words: list[str] = []
    while index < len(tokens) and len(words) < _MAX_COUNTED:
        token = tokens[index]
        is_name = bool(words) and token.text[0].isupper() and tokens[index - 1].text.islower()
        is_end = token.lower in _ENDS_COUNTED or token.lower in EVERY
        if token.kind != "word" or is_end or is_name:
            break
        words.append(stem(token.lower))
        index += 1
    return frozenset(words), index
