"""Finds in a source what it sells: rows and columns of prices, and plans in prose."""

import re
from collections.abc import Collection
from typing import NamedTuple

from followup.claims import ClaimKind, read_sentence
from followup.sources import Source, SourceUnit
from followup.subjects import PLAN_WORDS, Name, trimmed_name
from followup.vocabulary import STOP_WORDS, is_common

_OF_PRICE = re.compile(
    r"pric|cost|fee|rate|tariff|amount|charge|month|year|annual|week|per\b|usd|eur|gbp|[$€£]"
)
_MAX_TO_PRICE = 4
_PRICING = (["is"], ["costs"], ["comes"], ["starts"], ["runs"])
_OF_PLANS = PLAN_WORDS | {"editions", "packages", "subscriptions", "pricing"}


class ThingsSold(NamedTuple):
    """The names of what one source sells."""

    names: frozenset[Name]
    columns: frozenset[Name]
    defined: frozenset[Name]
    """Names that open sentences before a colon; plans only under a heading that says so."""
    shortened: frozenset[tuple[Name, Name]]
    """(Pro, Endpoint Pro): what tells a name from its like."""


def things_sold(source: Source) -> ThingsSold:
    """What a source sells, by its tables and its prose."""
    defined = _defined(source)
    names = _sold(source) | _priced(source)
    if not _OF_PLANS.isdisjoint(source.heading_stream.split()):
        # Under "Editions compared"
        names |= defined
    return ThingsSold(
        frozenset(names),
        frozenset(_columns_of_price(source)),
        defined,
        frozenset(_shortened(names)),
    )


def cell_plans(cell_name: str) -> list[Name]:
    """The plan that the name of a row or column may be: "Growth (mid-tier)" is Growth."""
    name = trimmed_name(cell_name.partition("(")[0].replace("-", " ").split())
    return [name] if name else []


def _sold(source: Source) -> set[Name]:
    """The names of rows that give a price: what they sell is a plan, if it is written so."""
    return {
        name
        for unit in source.units
        if _gives_price(unit)
        and all(w[0].isupper() or w in STOP_WORDS for w in unit.row_name.split())
        and not any(claim.kind is ClaimKind.CODE for claim in read_sentence(unit.row_name).claims)
        for name in cell_plans(unit.cell_names[0])
    }


def _columns_of_price(source: Source) -> set[Name]:
    """The names of columns that have a price in the row "Monthly fee"."""
    found = {
        name
        for unit in source.units
        if len(unit.cell_names) > 1
        and unit.cell_names[1] not in unit.cell_names[2:]
        and _OF_PRICE.search(unit.cell_names[0])
        and unit.sentence.text[0].isupper()
        and any(claim.kind is ClaimKind.MONEY for claim in unit.sentence.claims)
        for name in cell_plans(unit.cell_names[1])
        if not _OF_PRICE.search(unit.cell_names[1])
    }
    return found if len(found) > 1 else set()


def _gives_price(unit: SourceUnit) -> bool:
    """Whether a cell is a price, by its column's name too: "Fee" beside plans sells nothing."""
    column = unit.sentence.text.rpartition(": ")[0].lower()
    is_money = any(claim.kind is ClaimKind.MONEY for claim in unit.sentence.claims)
    return (
        bool(unit.cell_names) and is_money and (not column or _OF_PRICE.search(column) is not None)
    )


def _priced(source: Source) -> set[Name]:
    """Names that open sentences of price beside others: "Sprout is $12 a month. Bloom is $39"."""
    found: set[Name] = set()
    for unit in source.units:
        tokens = unit.sentence.tokens[:_MAX_TO_PRICE]
        is_opening = bool(tokens) and tokens[0].text.istitle() and not unit.is_heading
        if (
            is_opening
            and tokens[0].lower not in source.lower_words
            and not is_common(tokens[0].lower)
            and [token.lower for token in tokens[1:2]] in _PRICING
            and any(c.kind is ClaimKind.MONEY and c.start < len(tokens) for c in unit.claims)
        ):
            found.add((tokens[0].lower,))
    return found if len(found) > 1 else set()


def _defined(source: Source) -> frozenset[Name]:
    """The names that open several sentences before ":", "Start: a web filter. Max: an API"."""
    opened = [
        unit.sentence.tokens[0].lower
        for unit in source.units
        if [token.text for token in unit.sentence.tokens[1:2]] == [":"]
        and unit.sentence.tokens[0].text.istitle()
        and not (unit.cell_names or unit.is_heading)
    ]
    # "Q: ... A: ..." defines nothing.
    names = frozenset((word,) for word in opened if len(word) > 1 and opened.count(word) == 1)
    return names if len(names) > 1 else frozenset()


def _shortened(rows: Collection[Name]) -> set[tuple[Name, Name]]:
    """(what is left, the name) of names that begin alike: Pro of Endpoint Pro, beside others."""
    found = set()
    for name in rows:
        begin_alike = [other for other in rows if other[:1] == name[:1] and len(other) > 1]
        rest = name[1:]
        is_told_apart = sum(other[-len(rest) :] == rest for other in rows) == 1
        if rest and len(begin_alike) > 1 and is_told_apart:
            found.add((rest, name))
    return found
