"""Cuts an interaction history into clauses in one plain form, with what tells their order in time.

A clause is the unit in which words belong together: "not interested in the basic plan, but tell me
about pro" is two, and the no of the first does not reach the second.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from followup.lead import Lead
from followup.lookalikes import latin_lookalikes
from followup.tokens import fold
from followup.vocabulary import COMMON_WORDS, is_common

MAX_CLAUSE_WORDS = 40
"""A clause without any punctuation is cut here, so that no pattern sees an endless text."""
LEAD_WORD = "lead"
"""Stands in clauses for the name of the lead: "stop e-mailing Sarah"."""

_SENTENCE_END = re.compile(r"[.!?;…]+(?=\s|$)[\s\"')\]]*|\s+[-•·|>]+\s+|\s*[•|]\s*")
_CLAUSE_END = re.compile(
    r"(?!,?\s+(?:but )?(?:no longer|not anymore)\s*$)(?:(?<!\bno),\s+|\s+(?:but|however|though|although|whereas|while|because|so that|then|yet)\s+|\s*,?\s+and\s+"
    r"(?=(?:then|now|later|i|he|she|they|we|lead|asked|asks|wants?|wrote|writes|said|says|told|"
    r"would|requested|do not|never|no|stop|remove|opted|unsubscribed|signed|needs|wishes)\b))",
    re.IGNORECASE,
)
_CONTRACTION = re.compile(r"(\w+)'(t|ll|d|re|ve|m|s)\b", re.IGNORECASE)
_NOT = {"won": "will not", "can": "can not", "shan": "shall not", "ain": "is not"}
_AFTER_APOSTROPHE = {"ll": "will", "d": "would", "re": "are", "ve": "have", "m": "am"}
_IS = frozenset("it that he she there what who where how this lead".split())  # noqa: SIM905
_FLAG = re.compile(
    r"\s*[:=]\s*(?:(yes|true|y|1|on|checked)|(no|none|false|n|0|off|unchecked))\b", re.IGNORECASE
)
_SPACED_LETTERS = re.compile(r"(?<![\w'])(?:\w[ .*_-]){3,}\w(?![\w'])")
_JOINERS = re.compile(r"(?<=\w)[-_/](?=\w)|[\"*~#()\[\]{}<>\\^]+")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    r"(?P<iso>(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d))"
    r"|(?P<dotted>(?<!\d)(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d))"
    rf"|\b(?:(?P<day>\d{{1,2}})\.? )?{_MONTH}(?: (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,?)? "
    r"(?P<year>(?:19|20)\d\d)\b|\b(?:in|since|during) (?P<alone>(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\b", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_UNIT = "(?P<unit>day|week|month|quarter|year)"
_AGO = re.compile(
    rf"\b(?P<count>\d{{1,3}}|an?|one|two|three|four|five|six|couple of|few|several) {_UNIT}s? "
    r"(?:ago|earlier|before|back)\b"
    r"|\blast (?P<last>week|month|quarter|year|spring|summer|autumn|fall|winter)\b"
    r"|\b(?P<named>yesterday|today|this (?:morning|week|afternoon)|just now|now|at first|initially|"
    r"back then|originally|previously|in the past|used to)\b",
    re.IGNORECASE,
)
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "couple of": 2, "three": 3, "few": 3}
_NAMED = {"yesterday": 1, "today": 0, "just now": 0, "now": 0}
_LONG_AGO_DAYS = 365
_DEFAULT_COUNT = 5

Day = tuple[int, int, int]


class Spelling(BaseModel):
    """How words are written, put into one form before anything is looked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instead: dict[str, str] = Field(
        description="A word or two as people mistype or shorten it: the words that are meant."
    )
    fillers: tuple[str, ...] = Field(description="Words that change nothing; left out.")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `date` and `age_days` say when, as far as the history does."""

    text: str
    words: frozenset[str]
    sentence: str
    next_sentence: str
    is_question: bool
    date: Day | None
    age_days: int | None


def read_clauses(lead: Lead, spelling: Spelling) -> list[Clause]:
    """The clauses of the history, then those of the objections, each as "objection: ..."."""
    told = [lead.interaction_history, *(f"objection: {item}" for item in lead.objections_raised)]
    sentences = [found for text in told for found in _sentences(_plain(text, lead), spelling)]
    clauses: list[Clause] = []
    since: Day | None = None
    for index, (text, mark) in enumerate(sentences):
        date, age, leads = _when(text)
        since = date if leads else since
        following = sentences[index + 1][0] if index + 1 < len(sentences) else ""
        bare = _undated(text)
        for part in _parts(bare):
            clauses.append(
                Clause(
                    text=part,
                    words=frozenset(part.lower().split()),
                    sentence=bare,
                    next_sentence=following,
                    is_question="?" in mark,
                    date=date or since,
                    age_days=_first_known(_age(part), age),
                )
            )
    return clauses


def _plain(text: str, lead: Lead) -> str:
    """One form for letters, contractions, flags and the lead's own name."""
    text = latin_lookalikes(fold(text))
    text = _SPACED_LETTERS.sub(lambda match: re.sub(r"\W|_", "", match.group()), text)
    name = _own_name(lead.lead_name)
    if name:
        text = name.sub(LEAD_WORD, text)
    text = _CONTRACTION.sub(_expanded, text)
    text = _CLOCK.sub(" ", text)
    return _FLAG.sub(lambda match: " is yes " if match.group(1) else " is no ", text)


@lru_cache(maxsize=1_024)
def _own_name(name: str) -> re.Pattern[str] | None:
    words = [word for word in fold(name).split() if len(word) > 1]
    words = [word for word in words if word.lower() not in COMMON_WORDS and word[0].isupper()]
    if not words:
        return None
    one = "|".join(map(re.escape, words))
    return re.compile(rf"(?<!\w)(?:{one})(?: (?:{one}))*(?!\w)")


def _expanded(match: re.Match[str]) -> str:
    word, ending = match.group(1), match.group(2).lower()
    lower = word.lower()
    if ending == "t":
        if lower in _NOT:
            return _NOT[lower]
        return f"{word[:-1]} not" if lower.endswith("n") else match.group()
    if ending == "s":
        return f"{word} is" if lower in _IS else match.group()
    return f"{word} {_AFTER_APOSTROPHE[ending]}"


def _sentences(text: str, spelling: Spelling) -> Iterator[tuple[str, str]]:
    """Sentences in plain words, each with the mark that ended it."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        yield from _sentence(text[start : match.start()], match.group(), spelling)
        start = match.end()
    yield from _sentence(text[start:], "", spelling)


def _sentence(text: str, mark: str, spelling: Spelling) -> Iterator[tuple[str, str]]:
    spoken = _spelt(text.strip(" ,:"), spelling).strip(" ,:")
    first, _, rest = spoken.partition(" ")
    if first and is_common(first.lower()):
        spoken = f"{first.lower()} {rest}" if rest else first
    if spoken:
        yield spoken, mark


def _spelt(text: str, spelling: Spelling) -> str:
    pattern = _spelling_pattern(tuple(spelling.instead), spelling.fillers)
    if pattern is None:
        return text
    fixed = pattern.sub(lambda match: _instead(match, spelling), text)
    return re.sub(r"\s+", " ", fixed)


def _instead(match: re.Match[str], spelling: Spelling) -> str:
    found = match.group("word")
    if found is None:
        return " "
    return spelling.instead[found.lower()]


@lru_cache(maxsize=16)
def _spelling_pattern(words: tuple[str, ...], fillers: tuple[str, ...]) -> re.Pattern[str] | None:
    parts = []
    if words:
        parts.append(rf"(?P<word>(?<!\w)(?:{_any(words)})(?!\w))")
    if fillers:
        parts.append(rf"(?:,\s*)?(?<!\w)(?:{_any(fillers)})(?!\w)(?:\s*,)?")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _any(words: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def _parts(sentence: str) -> Iterator[str]:
    for piece in _CLAUSE_END.split(sentence):
        words = piece.split()
        for start in range(0, len(words), MAX_CLAUSE_WORDS):
            yield " ".join(words[start : start + MAX_CLAUSE_WORDS])


def _undated(text: str) -> str:
    return " ".join(_JOINERS.sub(" ", _DATE.sub(" ", text)).split()).strip(" ,:")


def _when(sentence: str) -> tuple[Day | None, int | None, bool]:
    """The date in a sentence, its age in days, and whether the date opens it, as in a log."""
    match = _DATE.search(sentence)
    opens = match is not None and not sentence[: match.start()].strip(" [(")
    return (_day(match) if match else None), _age(sentence), opens


def _day(match: re.Match[str]) -> Day:
    if match.group("iso"):
        return int(match.group(2)), int(match.group(3)), int(match.group(4))
    if match.group("dotted"):
        first, second, year = (int(match.group(i)) for i in (6, 7, 8))
        month_first = second > len(_MONTHS)
        return (year, first, second) if month_first else (year, second, first)
    if match.group("alone"):
        return int(match.group("alone")), 0, 0
    month = _MONTHS.index(match.group("month").lower()[:3]) + 1
    day = match.group("day") or match.group("day2") or "0"
    return int(match.group("year")), month, int(day)


def _first_known(*ages: int | None) -> int | None:
    return next((age for age in ages if age is not None), None)


def _age(text: str) -> int | None:
    match = _AGO.search(text)
    if match is None:
        return None
    if match.group("unit"):
        count = match.group("count").lower()
        number = int(count) if count.isdigit() else _COUNTS.get(count, _DEFAULT_COUNT)
        return number * _DAYS[match.group("unit").lower()]
    if match.group("last"):
        return _DAYS.get(match.group("last").lower(), _DAYS["quarter"])
    named = match.group("named").lower()
    return _NAMED.get(named, 0 if named.startswith("this") else _LONG_AGO_DAYS)
