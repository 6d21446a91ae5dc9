"""Reads what a figure repeats or divides by: "per user per month", "a week", "one-time"."""

from collections.abc import Sequence

from followup.tokens import Token
from followup.units import time_unit
from followup.vocabulary import stem

EVERY = {"monthly": "month", "annually": "year", "annual": "year", "yearly": "year"}
EVERY |= {"weekly": "week", "daily": "day", "hourly": "hour", "quarterly": "quarter"}
TIME_RATES = frozenset({*EVERY.values(), "once", "hour", "minute", "second"})
_ONCE = frozenset({"once", "onetime", "upfront"})
_AFTER_ONCE = frozenset({"per", "for", "on", "with", "at", "and", "or", "to", "when", "plus", "in"})
_BETWEEN = frozenset({"more", "less", "extra", "additional", "cheaper"})
# All of them are who uses a product: "per head" is "per user".
PERSONS = frozenset(
    map(
        stem,
        "user head person seat member employee colleague login licence license staff".split(),  # noqa: SIM905
    )
)
_LONG = ["-", "long"]
_DESCRIBES = frozenset({"active", "additional", "extra", "named", "registered", "paying"})
_ONE_TIME = (["-", "time"], ["-", "off"])


def read_rate(tokens: Sequence[Token], index: int) -> tuple[frozenset[str], int]:
    """The rate that follows a figure at `index`, and the index after it.

    "/user/month", "per seat per month", "a month", "monthly", "one-time".
    """
    per: set[str] = set()
    while index < len(tokens):
        word = tokens[index].lower
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if word in EVERY:
            per.add(EVERY[word])
            index += 1
        elif word in _ONCE and not _opens_clause(following):
            per.add("once")
            index += 1
        elif word == "one" and [t.lower for t in tokens[index + 1 : index + 3]] in _ONE_TIME:
            per.add("once")
            index += 3
        elif word in _BETWEEN and following and not per:
            # "$7 more per vehicle"
            index += 1
            if following.lower not in {"/", "per", "a", "an", "each", "every", *EVERY}:
                return frozenset(), index - 1
        elif word == "and" and per and following and time_unit(tokens, index + 1):
            # "Per vehicle and month"
            per.add(str(time_unit(tokens, index + 1)))
            index += 2
        elif word in {"/", "per"} and following and following.kind == "word":
            divisor, index = _divisor_at(tokens, index + 1)
            per.add(divisor)
        elif word in {"a", "an", "each", "every"} and _counted_off(tokens, index + 1):
            per.add(_counted_off(tokens, index + 1))
            index += 2
        else:
            break
    return frozenset(per), index


def _divisor_at(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """What a price is divided by, and the index after it: "active user", "audio minute"."""
    place += _describes(tokens, place)
    is_noun = time_unit(tokens, place) or stem(tokens[place].lower) in PERSONS
    is_described = not is_noun and time_unit(tokens, place + 1)
    if is_described and tokens[place + 1].text.islower():
        place += 1
    return time_unit(tokens, place) or _divisor(tokens[place].lower), place + 1


def _describes(tokens: Sequence[Token], place: int) -> int:
    """How many tokens at `place` only describe the noun: "active", "hour-long"."""
    words = [token.lower for token in tokens[place : place + 4]]
    if len(words) > 1 and words[0] in _DESCRIBES:
        return 1
    return len(_LONG) + 1 if words[1:] and words[1:-1] == _LONG else 0


def _counted_off(tokens: Sequence[Token], place: int) -> str:
    """What "a" or "each" divides by: a unit of time, a head; "" where it is none."""
    is_person = place < len(tokens) and stem(tokens[place].lower) in PERSONS
    return time_unit(tokens, place) or ("user" if is_person else "")


def _opens_clause(following: Token | None) -> bool:
    """Whether "once" goes on with a clause: "fell to 3% once they started", not "once for Max"."""
    return following is not None and following.kind == "word" and following.lower not in _AFTER_ONCE


def _divisor(word: str) -> str:
    found = stem(word)
    return "user" if found in PERSONS else found


def rate_before(tokens: Sequence[Token], start: int) -> frozenset[str]:
    """The rate that the words before a price give it: "monthly price: $299"."""
    for place in range(start - 1, -1, -1):
        word = tokens[place].lower
        if word in {",", ";"} or tokens[place].kind in {"number", "currency"}:
            break
        if word in EVERY:
            return frozenset({EVERY[word]})
        if word in _ONCE or (word in {"time", "off"} and tokens[place - 1].text == "-"):
            return frozenset({"once"})
        if word == "per" and time_unit(tokens, place + 1):
            return frozenset({str(time_unit(tokens, place + 1))})
    return frozenset()
