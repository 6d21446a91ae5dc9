"""Folds the typed variants of a text into one form and cuts it into tokens."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),  # noqa: RUF001 - as people type
        **dict.fromkeys("‘’ʼ＇`´", "'"),  # noqa: RUF001 - as people type
        **dict.fromkeys("“”„«»", '"'),
        "\N{FRACTION SLASH}": "/",
        "\N{ARABIC PERCENT SIGN}": "%",
        "\N{ARABIC DECIMAL SEPARATOR}": ".",
        "\N{ARABIC THOUSANDS SEPARATOR}": ",",
    }
)
# A footnote mark must not become a digit of the figure that it follows: 299¹ is not 2991.
_SUPERSCRIPTS = str.maketrans({mark: f" {digit} " for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})
_LIST_MARK = re.compile(r"\s*(?:[-*•#>]+\s+|\d{1,2}[.)]\s+)+")
_DOT_WORD = re.compile(
    r"(?<=\w)\s*(?:\[\.\]|\(\.\)|[\[(]dot[\])]|\sdot\s)\s*(?=(?:com|org|net|io|ai|co|dev|app)\b)",
    re.I,
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_AT_WORD = re.compile(r"(?<=\w)\s*[\[(]at[\])]\s*(?=\w)", re.I)

CURRENCY_CODES = frozenset(
    ["usd", "eur", "gbp", "cad", "aud", "nzd", "chf", "jpy", "inr", "cny", "sek", "nok", "dkk"]
)
# The first alternative, and the space before all, only save time: most tokens are plain words.
_TOKEN = re.compile(
    r"""
    \s?(?:
    (?P<plain>(?!(?:USD|EUR|GBP|CAD|AUD|NZD|CHF|JPY|INR|CNY|SEK|NOK|DKK)\b)
        [^\W\d_]+(?=[\s,;!?]|$))
  | (?P<email>[^\s@<>()\[\],;:"|*]{1,64}@[^\s@<>()\[\],;:"|*]{1,255}[^\s@<>()\[\],;:"|.!?*'-])
  | (?P<link>[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s<>"|)\]]*[^\s<>"|)\].,;:!?'*]
      | (?:\w(?:[\w-]{0,61}\w)?\.){1,8}(?:[a-z]{2,63}|[A-Z]{2,63})
        (?:[/?:\#][^\s<>"|)\]]*[^\s<>"|)\].,;:!?'*])?(?![\w@])
      | (?:www\.|WWW\.)[^\s<>"|)\]]*[^\s<>"|)\].,;:!?'*]
      | @\w+)
  | (?P<date>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?![\d-]) | (?:19|20)\d\d-(?:0[1-9]|1[0-2])(?![\d-])
      | \d{1,2}(?P<sep>[-/.])\d{1,2}(?P=sep)(?:\d{4}|\d{2})(?![\d/.-]*\d))
  | (?P<phone>\+\d[\d ().-]{6,18}\d(?!\d) | (?<!\d)(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)
      | (?<![\d.-])\d{3}[.-]\d{4}(?![\d.-]*\d)
      | (?<![\d.])0\d{2,4}[ ]\d{3,4}[ ]\d{3,4}(?!\d|\.\d))
  | (?P<time>\d{1,2}:\d{2}(?:\s?[apAP]\.?[mM]\b)?|\d{1,2}\s?[apAP]\.?[mM]\b)
  | (?P<currency>(?:US|CA|AU|NZ|HK|[CAS])?\$|[€£¥₹]
      |(?:USD|EUR|GBP|CAD|AUD|NZD|CHF|JPY|INR|CNY|SEK|NOK|DKK)(?![A-Za-z]))
  | (?P<number>(?:(?<!\w)-)?
      (?:\d{1,3}(?:,\d{3})+|\d{1,3}(?:\ \d{3})+(?![\d.,]*\d)|\d+|(?=\.\d))(?:\.\d+)?
      (?![\d]|[.,/]\d))
  | (?P<code>[^\W\d_]+(?:-?\d[\w.]*\w|-?\d) | \d+(?:[.,/]\d+)+ | \d+)
  | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)
  | (?P<symbol>[^\s])
    )
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A token: its kind (the group's name), text, text in lower case, and place in the text."""

    kind: str
    text: str
    lower: str
    start: int
    end: int


_MONTH_AND_YEAR = re.compile(
    r"\b((?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6})-(\d{4})\b",
    re.IGNORECASE,
)
"""July-2017"""


@lru_cache(maxsize=8_192)
def fold(text: str) -> str:
    """One form for dashes, quotes, digits of any script, full-width letters and spaces."""
    if not text.isascii():
        text = text.replace("m\N{SUPERSCRIPT TWO}", "m2")
        text = unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS))
        text = _NOT_ASCII.sub(_plain, text.translate(_VARIANTS))
    # Most texts have none of these: looking for a character is cheaper than for a pattern.
    if "-" in text:
        text = _MONTH_AND_YEAR.sub(r"\1 \2", text)
    if "(" in text or "[" in text or " dot " in text.lower():
        text = _AT_WORD.sub("@", _DOT_WORD.sub(".", text))
    return " ".join(text.replace("`", "'").split())


def _plain(match: re.Match[str]) -> str:
    character = match.group()
    if unicodedata.category(character) == "Cf":
        return ""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def tokenise(folded: str) -> list[Token]:
    """The tokens of a text that `fold` has folded, its list mark left out."""
    mark = _LIST_MARK.match(folded)
    tokens = []
    for match in _TOKEN.finditer(folded, mark.end() if mark else 0):
        kind = str(match.lastgroup)
        text, start = match.group(kind), match.start(kind)
        kind = "word" if kind == "plain" else kind
        tokens.append(Token(kind, text, text.lower(), start, match.end()))
    return tokens
