"""Reads whether a figure is exact or a bound: "up to 45%", "at least 3", "from $899", "100+"."""

from collections.abc import Sequence
from enum import StrEnum

from followup.tokens import Token


class Bound(StrEnum):
    """How a figure limits what it speaks of."""

    EXACT = "exact"
    ABOUT = "about"
    AT_MOST = "at most"
    AT_LEAST = "at least"
    MORE = "more than"
    LESS = "less than"


def _phrases(bound: Bound, text: str) -> dict[tuple[str, ...], Bound]:
    return {tuple(phrase.split()): bound for phrase in text.split(",")}


_BEFORE = {
    **_phrases(
        Bound.AT_MOST,
        "up to,at most,as much as,as many as,as long as,as high as,no more than,not more than,"
        "maximum of,limit of,limited to,capped at,maximum,max,cap of,limit is,stops at,ceiling of,"
        "never more than,ends at,up until,not longer than,no longer than,none longer than,room for,"
        "not exceed,does not exceed,never exceeds",
    ),
    **_phrases(
        Bound.AT_LEAST,
        "at least,starting at,starting from,starts at,starts from,start at,start from,started at,"
        "beginning at,begins at,begin at,minimum of,minimum,as little as,as low as,as few as,"
        "reaches,reach,no less than,not less than,no fewer than,a minimum",
    ),
    **_phrases(
        Bound.MORE,
        "more than,over,above,exceeding,exceeds,exceed,exceeded,greater than,higher than,beyond,"
        "upwards of,north of,well over,longer than,bigger than,larger than",
    ),
    **_phrases(Bound.LESS, "less than,under,below,fewer than,lower than,smaller than,shorter than"),
    **_phrases(
        Bound.ABOUT,
        "about,around,approximately,approx,approx .,roughly,circa,nearly,almost,close to,some,~",
    ),
}
_AFTER = {
    **_phrases(
        Bound.AT_LEAST, "or more,or higher,or above,or longer,and up,and more,and above,minimum"
    ),
    **_phrases(Bound.AT_MOST, "or less,or fewer,or lower,or below,maximum,max,at most,tops"),
    ("+",): Bound.MORE,
}
_DENIED = {Bound.MORE: Bound.AT_MOST, Bound.LESS: Bound.AT_LEAST}
_DENIALS = frozenset({"not", "never", "cannot", "before", "nobody", "nothing", "without"})
_MAX_FROM_DENIAL = 9
_MAX_WORDS = 3
_MAX_FROM_LIMIT = 12
_LIMITS = frozenset({"limit", "ceiling", "cap", "most", "largest", "maximum", "longest", "highest"})
_FLOORS = frozenset({"minimum", "smallest", "shortest", "lowest"})
_COMPARATIVES = frozenset({"less", "more", "fewer", "higher", "lower", "greater"})
_BEFORE_COMPARISON = frozenset(
    "% percent usd eur gbp dollars euros pounds hours days weeks months years minutes".split()  # noqa: SIM905
)
_TURNS = frozenset({"up", "down", "went", "rose", "fell", "moved", "grew", "dropped"})


def read_bound(tokens: Sequence[Token], start: int, end: int, kind: str) -> Bound:
    """The bound of the figure in tokens `start` to `end`, of a claim's kind.

    "From" is one of prices alone, and "over two weeks" means during them.
    """
    if any(token.text == "+" for token in tokens[start:end]):
        return Bound.MORE
    if kind == "duration" and end < len(tokens) and tokens[end].lower in {"before", "prior"}:
        # "Up to 48 hours before dispatch" ends where "until 48 hours before" does.
        return Bound.EXACT
    phrase = _phrase_around(tokens, start, end, kind)
    if phrase:
        return _DENIED.get(phrase, phrase) if _is_denied(tokens, start) else phrase
    if _is_limit(tokens, start, _LIMITS):
        return Bound.AT_MOST
    from_price = kind == "money" and start > 0 and tokens[start - 1].lower == "from"
    is_least = from_price and not _is_change(tokens, start)
    return Bound.AT_LEAST if is_least or _is_limit(tokens, start, _FLOORS) else Bound.EXACT


def _is_denied(tokens: Sequence[Token], start: int) -> bool:
    """Whether the words before deny: "it stops before it reaches more than 5%"."""
    words = [token.lower for token in tokens[max(0, start - _MAX_FROM_DENIAL) : start]]
    return any(word in _DENIALS or word.endswith("n't") for word in words)


def denied_behind(bound: Bound, after: Sequence[Token]) -> Bound:
    """The limit that a denial behind it makes: "over 12 metres do not fit", "at most 12 fit"."""
    words = (token.lower for token in after)
    is_denied = any(
        word in {"not", "no", "never", "cannot"} or word.endswith("n't") for word in words
    )
    return _DENIED.get(bound, bound) if is_denied else bound


def _phrase_around(tokens: Sequence[Token], start: int, end: int, kind: str) -> Bound | None:
    """The bound of the longest phrase that stands right before or behind the figure."""
    for length in range(_MAX_WORDS, 0, -1):
        if length <= start:
            words = tuple(token.lower for token in tokens[start - length : start])
            is_during = kind == "duration" and words == ("over",)
            if words in _BEFORE and not is_during and not _compares(tokens, start - length):
                return _BEFORE[words]
        words = tuple(token.lower for token in tokens[end : end + length])
        is_of_next = (
            words == ("and", "up") and end + 2 < len(tokens) and tokens[end + 2].lower == "to"
        )
        is_sum = words == ("+",) and tokens[end].start > tokens[end - 1].end
        if words in _AFTER and not (is_of_next or is_sum):
            return _AFTER[words]
    return None


def _is_limit(tokens: Sequence[Token], start: int, limits: frozenset[str]) -> bool:
    """Whether the figure is what a limit is: "the time limit of a call is 90 minutes"."""
    words = [token.lower for token in tokens[max(0, start - _MAX_FROM_LIMIT) : start]]
    return words[-1:] in (["is"], ["at"], ["of"]) and not limits.isdisjoint(words)


def _compares(tokens: Sequence[Token], place: int) -> bool:
    """Whether "less than" at `place` compares: "$598 less than twelve monthly payments"."""
    if tokens[place].lower not in _COMPARATIVES or not place:
        return False
    before = tokens[place - 1]
    return before.kind in {"number", "currency"} or before.lower in _BEFORE_COMPARISON


def bound_holds(claimed: Bound, written: Bound, *, is_money: bool) -> bool:
    """Whether a figure that a source writes with one bound supports it with another.

    An exact figure supports its own looser bounds, never a stricter one. A bound supports itself
    and what follows from it: more than 100 users are at least 100, and 100, users; but a price from
    $899 is no price of $899. Who rounds with "about" states the figure without it too.
    """
    return (
        claimed is written
        or (claimed in _SUPPORTED[written] and not (is_money and claimed is Bound.EXACT))
        or (written in _PLAIN and claimed is Bound.EXACT)
    )


_PLAIN = frozenset({Bound.EXACT, Bound.ABOUT})
_SUPPORTED = {
    Bound.EXACT: frozenset({Bound.AT_MOST, Bound.AT_LEAST, Bound.ABOUT}),
    Bound.ABOUT: frozenset[Bound](),
    Bound.AT_MOST: frozenset({Bound.LESS}),
    Bound.AT_LEAST: frozenset({Bound.EXACT, Bound.MORE}),
    Bound.MORE: frozenset({Bound.AT_LEAST, Bound.EXACT, Bound.ABOUT}),
    Bound.LESS: frozenset({Bound.AT_MOST}),
}


def _is_change(tokens: Sequence[Token], start: int) -> bool:
    """Whether "from" opens a change or a span, "from $20 to $30", and no price."""
    before = tokens[start - 2].lower if start > 1 else ""
    return before in _TURNS or any(token.lower == "to" for token in tokens[start + 1 : start + 6])
