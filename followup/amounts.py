"""Reads amounts from tokens: money, percentages, durations, counts with what they count."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from followup.dates import WEEKDAYS
from followup.numerals import MULTIPLES, Numeral, plain_text, read_numeral
from followup.tokens import CURRENCY_CODES, Token
from followup.vocabulary import STOP_WORDS, stem

_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_CURRENCIES |= {"CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD"}
_CURRENCY_WORDS = {"dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "rupee": "INR"}
_CURRENCY_WORDS |= {"cent": "cent", "yen": "JPY", "franc": "CHF"}
_TIME = {"sec": "second", "s": "second", "min": "minute", "m": "month", "hr": "hour", "h": "hour"}
_TIME |= {"d": "day", "wk": "week", "w": "week", "mo": "month", "mth": "month", "yr": "year"}
_TIME |= {
    name: name
    for name in "second minute hour day week month quarter year weekday decade fortnight".split()  # noqa: SIM905
}
_GLUED_TIME = frozenset({"s", "sec", "min", "mins", "h", "hr", "hrs", "d", "wk", "mo", "yr", "yrs"})
_EVERY = {"monthly": "month", "annually": "year", "annual": "year", "yearly": "year"}
_EVERY |= {"weekly": "week", "daily": "day", "hourly": "hour", "quarterly": "quarter"}
_ONCE = frozenset({"once", "one-off", "one-time", "onetime", "upfront"})
_MEASURES = frozenset(
    {"gb", "mb", "tb", "kb", "kg", "km", "ms", "mbps", "gbps", "kwh", "ghz", "mhz", "px", "miles"}
)
_LETTERS_OF_TIME = frozenset("smhdw")
_MAX_SHORT_UNIT = 2
_WORK_DAYS = frozenset({"business", "working", "work"})
_TIME_ADJECTIVES = frozenset(
    {"full", "short", "quick", "calendar", "whole", "extra", "more", "free"}
)
_IDIOMS = frozenset({"second", "minute", "moment"})
_MAX_COUNTED = 3
_ENDS_COUNTED = STOP_WORDS | {"is", "are", "plus", "including", "percent"}


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure with its unit; see `Claim` for the fields."""

    kind: str
    value: str
    end: int
    unit: str = ""
    per: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number or a range, before its unit is known."""

    value: str
    end: int
    currency: str
    in_words: bool
    unit: str = ""
    """The unit that stood at the lower end of a range: 10% to 15%."""


def read_amount(tokens: Sequence[Token], start: int) -> Amount | None:
    """The amount that begins at token `start`, or None."""
    word = tokens[start].lower
    if word in MULTIPLES:
        # Double-entry bookkeeping and double-checking multiply nothing.
        is_noun = start + 1 < len(tokens) and (
            tokens[start + 1].text == "-" or tokens[start + 1].lower in {"check", "entry"}
        )
        return None if is_noun else Amount("quantity", str(MULTIPLES[word]), start + 1, "times")
    if word in {"a", "an"}:
        single = _single_time(tokens, start)
        if single:
            return single
    figure = _read_figure(tokens, start)
    return _with_unit(tokens, figure, start) if figure else None


def _single_time(tokens: Sequence[Token], start: int) -> Amount | None:
    """ "a week" as a duration; "a minute" is an idiom and "twice a week" a rate."""
    unit = _time_unit(tokens, start + 1)
    if unit is None or unit in _IDIOMS or tokens[start + 1].lower.endswith("s"):
        return None
    if len(tokens[start + 1].lower) <= _MAX_SHORT_UNIT or _is_rate(tokens, start):
        return None
    return Amount("duration", "1", start + 2, unit)


def _is_rate(tokens: Sequence[Token], start: int) -> bool:
    """Whether "a month" says how often: invoices a month, once a week."""
    before = tokens[start - 1].lower if start else ""
    return before in {"once", "times", "time"} or (
        before.endswith("s") and before not in STOP_WORDS
    )


def _read_figure(tokens: Sequence[Token], start: int) -> _Figure | None:
    currency, index = _currency_before(tokens, start)
    numeral = read_numeral(tokens, index) if index < len(tokens) else None
    if numeral is None:
        return None
    low_unit, end = _unit_in_range(tokens, numeral.end)
    high = _range_end(tokens, start, end, currency)
    if high is None:
        return _Figure(plain_text(numeral.value), numeral.end, currency, numeral.in_words)
    low = numeral.value
    if high.has_scale and not numeral.has_scale:
        digits = tokens[index].text.replace(",", "")
        _, written = _scale_of(tokens, high)
        low = Decimal(digits.replace(" ", "")) * written if tokens[index].kind == "number" else low
    if high.value <= low:
        return _Figure(plain_text(numeral.value), numeral.end, currency, numeral.in_words)
    value = f"{plain_text(low)}-{plain_text(high.value)}"
    return _Figure(value, high.end, currency, numeral.in_words, low_unit)


def _scale_of(tokens: Sequence[Token], high: Numeral) -> tuple[Decimal, Decimal]:
    """The number as written and the scale that followed it: 5-10 million scales both ends."""
    place = high.end - 1
    while tokens[place].kind != "number":
        place -= 1
    written = Decimal(tokens[place].text.replace(",", "").replace(" ", "")) or Decimal(1)
    return written, high.value / written


def _currency_before(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    token = tokens[start]
    if token.kind == "currency":
        return _CURRENCIES.get(token.text, token.text.upper()), start + 1
    return "", start


def _unit_in_range(tokens: Sequence[Token], index: int) -> tuple[str, int]:
    """The unit that may stand at both ends: "10% to 15%", "3 months to 6 months", "299 $"."""
    if index < len(tokens):
        if tokens[index].lower in {"%", "percent"} or tokens[index].kind == "currency":
            return tokens[index].lower, index + 1
        if _time_unit(tokens, index):
            return tokens[index].lower, index + 1
    return "", index


def _range_end(tokens: Sequence[Token], start: int, index: int, currency: str) -> Numeral | None:
    if index + 1 >= len(tokens):
        return None
    joint = tokens[index].lower
    between = start > 0 and tokens[start - 1].lower == "between"
    if joint not in {"-", "to"} and not (joint == "and" and between):
        return None
    after, place = _currency_before(tokens, index + 1)
    if place >= len(tokens) or (after and after != currency):
        return None
    return read_numeral(tokens, place)


def _with_unit(tokens: Sequence[Token], figure: _Figure, start: int) -> Amount | None:
    index = _after_hyphen(tokens, figure.end)
    following = tokens[index] if index < len(tokens) else None
    glued = following is not None and index > 0 and following.start == tokens[index - 1].end
    if figure.currency and following and _is_glued_letters(following, glued=glued):
        return Amount("code", f"{figure.value}{following.lower}", index + 1)
    money = figure.currency or _money_unit(following)
    if money:
        end = figure.end if figure.currency else index + 1
        end = end + 1 if figure.currency and _money_unit(following) == figure.currency else end
        per, end = _read_per(tokens, end)
        value = figure.value
        if money == "cent":
            value, money = plain_text(Decimal(value) / 100) if "-" not in value else value, "USD"
        return Amount("money", value, end, money, per or _said_before(tokens, start))
    if following is None:
        return None if _is_bare_one(figure) else Amount("number", figure.value, figure.end)
    if following.lower in {"%", "percent", "pct"}:
        return _percent(tokens, figure, index + 1)
    if following.lower == "per" and index + 1 < len(tokens) and tokens[index + 1].lower == "cent":
        return _percent(tokens, figure, index + 2)
    return (
        _duration(tokens, figure, index, glued=glued)
        or _times(figure, following, index)
        or _count(tokens, figure, index, glued=glued)
    )


def _is_glued_letters(following: Token, *, glued: bool) -> bool:
    """Whether letters that are no currency stick to the figure: $3OO."""
    return glued and following.kind in {"word", "code"} and not _money_unit(following)


def _after_hyphen(tokens: Sequence[Token], index: int) -> int:
    """Skip the hyphen of "15-minute"; the one of "299 - a bargain" is left."""
    if index + 1 < len(tokens) and tokens[index].text == "-":
        glued = tokens[index].start == tokens[index - 1].end
        return index + 1 if glued and tokens[index + 1].start == tokens[index].end else index
    return index


def _money_unit(token: Token | None) -> str:
    if token is None:
        return ""
    if token.kind == "currency":
        return _CURRENCIES.get(token.text, token.text.upper())
    if token.lower in CURRENCY_CODES:
        return token.text.upper()
    return _CURRENCY_WORDS.get(token.lower.removesuffix("s"), "")


def _percent(tokens: Sequence[Token], figure: _Figure, end: int) -> Amount:
    if end < len(tokens) and tokens[end].lower.startswith("point"):
        return Amount("percent", figure.value, end + 1, "point")
    per, end = _read_per(tokens, end)
    return Amount("percent", figure.value, end, "percent", per)


def _duration(
    tokens: Sequence[Token], figure: _Figure, index: int, *, glued: bool
) -> Amount | None:
    following = tokens[index].lower
    is_half = figure.value == "0.5" and figure.in_words
    if is_half and following in {"a", "an"}:
        index += 1
    prefix = ""
    if following in _WORK_DAYS | _TIME_ADJECTIVES and index + 1 < len(tokens):
        prefix = "business " if following in _WORK_DAYS else ""
        index += 1
    unit = _time_unit(tokens, index)
    if unit is None or (tokens[index].lower in _LETTERS_OF_TIME and not glued):
        return None
    if glued and tokens[index - 1].kind == "number" and tokens[index].lower not in _GLUED_TIME:
        return None
    value = figure.value
    if is_half and unit == "hour":
        value, unit = "30", "minute"
    per, end = _read_per(tokens, index + 1)
    return Amount("duration", value, end, prefix + unit, per)


def _time_unit(tokens: Sequence[Token], index: int) -> str | None:
    if index >= len(tokens) or tokens[index].lower in WEEKDAYS:
        return None
    word = tokens[index].lower.removesuffix("'").removesuffix("'s")
    return _TIME.get(word) or (_TIME.get(word[:-1]) if word.endswith("s") else None)


def _times(figure: _Figure, following: Token, index: int) -> Amount | None:
    if following.lower in {"x", "times", "fold", "×"}:  # noqa: RUF001 - as people type
        return Amount("quantity", figure.value, index + 1, "times")
    return None


def _count(tokens: Sequence[Token], figure: _Figure, index: int, *, glued: bool) -> Amount | None:
    following = tokens[index]
    if following.lower in _MEASURES:
        per, end = _read_per(tokens, index + 1)
        return Amount("quantity", figure.value, end, following.lower, per)
    if glued and following.kind == "word" and tokens[index - 1].kind == "number":
        if following.lower in {"st", "nd", "rd", "th"}:
            return Amount("number", figure.value, index + 1, "ordinal")
        # Digits glued to letters that are no unit: 3OO. Only the same letters support it.
        return Amount("code", f"{figure.value}{following.lower}", index + 1)
    if _is_bare_one(figure):
        return None
    counted, end = _counted(tokens, index)
    if not counted:
        return Amount("number", figure.value, figure.end)
    per, after = _read_per(tokens, end)
    return Amount("quantity", figure.value, after, per=per, counted=counted)


def _is_bare_one(figure: _Figure) -> bool:
    """ "one of our", "no one": not a figure unless a unit follows."""
    return figure.in_words and figure.value == "1"


def _counted(tokens: Sequence[Token], index: int) -> tuple[frozenset[str], int]:
    """Stems of up to three words after a count, to the next stop word or mark."""
    words: list[str] = []
    while index < len(tokens) and len(words) < _MAX_COUNTED:
        token = tokens[index]
        if token.kind != "word" or token.lower in _ENDS_COUNTED or token.lower in _EVERY:
            break
        words.append(stem(token.lower))
        index += 1
    return frozenset(words), index


def _read_per(tokens: Sequence[Token], index: int) -> tuple[frozenset[str], int]:
    """ "/user/month", "per seat per month", "a month", "monthly", "one-time" after a figure."""
    per: set[str] = set()
    while index < len(tokens):
        word = tokens[index].lower
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if word in _EVERY:
            per.add(_EVERY[word])
            index += 1
        elif word in _ONCE:
            per.add("once")
            index += 1
        elif word in {"/", "per"} and following and following.kind == "word":
            per.add(_time_unit(tokens, index + 1) or stem(following.lower))
            index += 2
        elif word in {"a", "an", "each", "every"} and _time_unit(tokens, index + 1):
            per.add(str(_time_unit(tokens, index + 1)))
            index += 2
        else:
            break
    return frozenset(per), index


def _said_before(tokens: Sequence[Token], start: int) -> frozenset[str]:
    """The rate that the words before a price give it: "monthly price: $299"."""
    for place in range(start - 1, -1, -1):
        word = tokens[place].lower
        if word in {",", ";"} or tokens[place].kind in {"number", "currency"}:
            break
        if word in _EVERY:
            return frozenset({_EVERY[word]})
        if word in _ONCE or (word == "time" and tokens[place - 1].text == "-"):
            return frozenset({"once"})
        if word == "per" and _time_unit(tokens, place + 1):
            return frozenset({str(_time_unit(tokens, place + 1))})
    return frozenset()
