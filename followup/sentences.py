"""Cuts a text into units (sentences, greetings, table rows) and puts units together again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

_BOUNDARY = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s|$)|[。！？]+|\n")  # noqa: RUF001 - as people type
_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr vs e.g i.e eg ie approx nr fig dept est cf al inc ltd corp co llc
    a.m p.m u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec tue wed thu fri""".split()  # noqa: SIM905
)
_GREETS = r"(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day))\b"
_TITLE = r"(?:\s+(?:mr|mrs|ms|mx|dr|prof)\.)?"
_GREETING = re.compile(_GREETS + _TITLE + r"[^,!:.?\n]{0,220}[,!:.\n]", re.IGNORECASE)
_GREETING_LINE = re.compile(_GREETS + _TITLE + r"[^.?!]{0,220}[,!:.]?$", re.IGNORECASE)
_SIGN_OFF = re.compile(
    r"(?:(?:best|kind|warm|kindest|warmest)(?:est)?(?: regards| wishes)?|regards|sincerely|cheers|"
    r"thanks|thank you|many thanks|all the best|talk soon|yours(?: truly| sincerely)?|warmly|"
    r"respectfully|take care)\s*(?:[,!.–—-].{0,80})?$",  # noqa: RUF001 - as people type
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"\s*\d{1,2}$")
MAX_GREETING_WORDS = 12
_MAX_SIGNATURE = 3
_MAX_SALUTATION = 5


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a text and the whitespace before it: "", " ", "\\n" or "\\n\\n"."""

    text: str
    gap: str

    @property
    def is_greeting(self) -> bool:
        """Whether the unit only greets: "Hi Sarah,"."""
        return (
            _GREETING_LINE.match(self.text) is not None
            and len(self.text.split()) <= MAX_GREETING_WORDS
        )

    @property
    def is_sign_off(self) -> bool:
        """Whether the unit only says good-bye: "Best regards,"."""
        return _SIGN_OFF.match(self.text) is not None


def is_signature(units: Sequence[Unit], index: int) -> bool:
    """Whether a unit ends the message and is no more than a name or farewell: "Hasta pronto"."""
    unit = units[index]
    is_last = index == len(units) - 1 and index > 0
    return is_last and len(unit.text.split()) <= _MAX_SIGNATURE and unit.text[-1] not in ".!?:"


def is_salutation(units: Sequence[Unit], index: int) -> bool:
    """Whether a unit is a first line that only addresses: "Cher Monsieur Favre,"."""
    text = units[index].text
    return index == 0 and text[-1] in ",!" and len(text.split()) <= _MAX_SALUTATION


def split_sentences(text: str) -> list[str]:
    """Sentences in order; greetings, sign-offs, list items and table rows are units of their own.

    Abbreviations, decimals, links and e-mail addresses stay whole. A line break ends a unit unless
    the next line goes on in lower case, as wrapped PDF text does.
    """
    return [unit.text for unit in split_units(text)]


def split_units(text: str) -> list[Unit]:
    """`split_sentences` with the whitespace that stood before each unit."""
    return list(_units_of(text))


# Each check and each fix of a message cuts the same texts again.
@lru_cache(maxsize=4_096)
def _units_of(text: str) -> tuple[Unit, ...]:
    units: list[Unit] = []
    start = 0
    for end in _ends(text):
        piece = text[start:end]
        if piece.strip():
            units.append(Unit(" ".join(piece.split()), _gap(text, start, piece)))
        elif units:
            continue
        start = end
    return tuple(units)


def join_units(units: Iterable[Unit]) -> str:
    """The text of the units, tidied: no gap before the first, at most one blank line between."""
    return "".join(unit.gap + unit.text for unit in units).strip()


def keep_units(units: Sequence[Unit], kept: Iterable[int]) -> list[Unit]:
    """The units at the indices `kept`; a line break before a dropped unit is not lost."""
    wanted = set(kept)
    result: list[Unit] = []
    pending = ""
    for index, unit in enumerate(units):
        gap = max(pending, unit.gap, key=len) if "\n" in pending else unit.gap
        if index in wanted:
            result.append(unit if gap == unit.gap else replace(unit, gap=gap))
            pending = ""
        else:
            pending = gap
    return result


def _ends(text: str) -> Iterable[int]:
    greeting = _GREETING.match(text, len(text) - len(text.lstrip()))
    first = greeting.end() if greeting and _is_short(greeting.group()) else 0
    if first:
        yield first
    for match in _BOUNDARY.finditer(text, first):
        if not _is_inside(text, match):
            yield match.end()
    yield len(text)


def _is_short(greeting: str) -> bool:
    return len(greeting.split()) <= MAX_GREETING_WORDS


def _is_inside(text: str, match: re.Match[str]) -> bool:
    """Whether this mark does not end a unit: an abbreviation, a list number, a wrapped line."""
    mark = match.group()
    line_start = text.rfind("\n", 0, match.start()) + 1
    if mark == "\n":
        before = text[line_start : match.start()].rstrip()
        after = text[match.end() : match.end() + 1]
        return bool(before) and after.islower() and before[-1] not in ",.!?:;|…"
    if mark != ".":
        return False
    before = text[line_start : match.start()]
    if _LIST_NUMBER.fullmatch(before):
        return True
    word = before.rsplit(None, 1)[-1] if before.strip() else ""
    word = word.lstrip("(\"'“‘[").lower()  # noqa: RUF001 - as people type
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and before[-1].isupper())


def _gap(text: str, start: int, piece: str) -> str:
    lead = start + len(piece) - len(piece.lstrip())
    # The line break that ended the unit before was cut off with it.
    begin = start
    while begin > 0 and text[begin - 1].isspace():
        begin -= 1
    breaks = text[begin:lead].count("\n")
    if begin == 0:
        return ""
    return "\n\n" if breaks > 1 else "\n" if breaks == 1 else " "
