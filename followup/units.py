"""Currencies and units of time, as they are written after or before a figure."""

from collections.abc import Sequence

from followup.dates import WEEKDAYS
from followup.tokens import CURRENCY_CODES, Token

CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
CURRENCIES |= {"CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD"}
_CURRENCY_WORDS = {"dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "rupee": "INR"}
_CURRENCY_WORDS |= {"cent": "cent", "pence": "cent", "penny": "cent", "yen": "JPY", "franc": "CHF"}
_DOLLARS_OF = {"us": "USD", "american": "USD", "canadian": "CAD", "australian": "AUD"}
_TIME = {"sec": "second", "s": "second", "min": "minute", "m": "month", "hr": "hour", "h": "hour"}
_TIME |= {"d": "day", "wk": "week", "w": "week", "mo": "month", "mth": "month", "yr": "year"}
_TIME |= {
    name: name
    for name in "second minute hour day week month quarter year weekday decade fortnight".split()  # noqa: SIM905
}
SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 604_800,
    "fortnight": 1_209_600,
    "month": 2_629_800,
    "quarter": 7_889_400,
    "year": 31_557_600,
    "decade": 315_576_000,
}
"""Length of the units of time; of months and longer ones the mean."""
MEASURES = {
    unit: unit
    for unit in """gb mb tb kb kg km ms mbps gbps kwh ghz mhz px mile m cm mm kw w v mph foot
    inch""".split()  # noqa: SIM905
}
"""Written forms of units of measure, and the one they are all read as."""
MEASURES |= {"m2": "m2", "sqm": "m2", "ft2": "foot2", "kilowatthours": "kwh"}
MEASURES |= {"miles": "mile", "feet": "foot", "ft": "foot", "inches": "inch"}
MEASURES |= {
    written: unit
    for unit, forms in {
        "m": "meter meters metre metres",
        "km": "kilometer kilometers kilometre kilometres",
        "cm": "centimeter centimeters centimetre centimetres",
        "mm": "millimeter millimeters millimetre millimetres",
        "kg": "kilo kilos kilogram kilograms",
        "gb": "gigabyte gigabytes",
        "mb": "megabyte megabytes",
        "tb": "terabyte terabytes",
        "kw": "kilowatt kilowatts",
        "w": "watt watts",
        "v": "volt volts",
        "ms": "millisecond milliseconds",
    }.items()
    for written in forms.split()
}


def currency_of(token: Token) -> str:
    """The code of a currency sign or of a code: "$" -> "USD"."""
    return CURRENCIES.get(token.text, token.text.upper())


def money_unit(token: Token | None) -> str:
    """The currency that a token after a figure names, "cent", or ""."""
    if token is None:
        return ""
    if token.kind == "currency":
        return currency_of(token)
    if token.lower in CURRENCY_CODES:
        return token.text.upper()
    return _CURRENCY_WORDS.get(token.lower.removesuffix("s"), "")


def money_words(tokens: Sequence[Token], index: int) -> tuple[str, int]:
    """The currency named at `index` in one word or two, "US dollars", and the index after it."""
    if index + 1 < len(tokens) and money_unit(tokens[index + 1]) == "USD":
        country = _DOLLARS_OF.get(tokens[index].lower.replace(".", ""))
        if country:
            return country, index + 2
    unit = money_unit(tokens[index]) if index < len(tokens) else ""
    return unit, index + bool(unit)


def time_unit(tokens: Sequence[Token], index: int) -> str | None:
    """The unit of time named at `index`, in full and singular: "hrs" -> "hour"."""
    if index >= len(tokens) or tokens[index].lower in WEEKDAYS:
        return None
    word = tokens[index].lower.removesuffix("'").removesuffix("'s")
    return _TIME.get(word) or (_TIME.get(word[:-1]) if word.endswith("s") else None)
