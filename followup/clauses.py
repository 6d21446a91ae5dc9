"""Cuts an interaction history into clauses in one plain form, with what tells their order in time.

A clause is the unit in which words belong together: "not interested in the basic plan, but tell me
about pro" is two, and the no of the first does not reach the second.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from followup.lead import Lead
from followup.lexicon import Lexicon, any_of
from followup.lookalikes import latin_lookalikes
from followup.tokens import fold
from followup.vocabulary import COMMON_WORDS, is_common

MAX_CLAUSE_WORDS = 40
"""A clause without any punctuation is cut here, so that no pattern sees an endless text."""
OWN_PRODUCT, OWN_COMPANY = "your product", "your company"
"""Stand for the names of what is sold and who sells it."""
LEAD_WORD = "lead"
"""Stands in clauses for the name of the lead: "stop e-mailing Sarah"."""

_SENTENCE_END = re.compile(r"[.!?;…]+(?=\s|$)[\s\"')\]]*|\s[-•·|>]+\s|[•|]")
_CLAUSE_END = re.compile(
    r"(?!,?\s+(?:but )?(?:no longer|not anymore)\s*$)(?:(?<!\bno),\s+|"
    r"\s+(?:but|however|though|although|whereas|while|because|so that|then|yet)\s+|\s*,?\s+and\s+"
    r"(?=(?:then|now|later|i|he|she|they|we|lead|asked|asks|wants?|wrote|writes|said|says|told|"
    r"would|requested|do not|never|no|stop|remove|opted|unsubscribed|signed|needs|wishes)\b))",
    re.IGNORECASE,
)
_CONTRACTION = re.compile(r"(?<!\w)(\w{1,20})'(t|ll|d|re|ve|m|s)\b", re.IGNORECASE)
_NOT = {"won": "will not", "can": "can not", "shan": "shall not", "ain": "is not"}
_AFTER_APOSTROPHE = {"ll": "will", "d": "would", "re": "are", "ve": "have", "m": "am"}
_IS = frozenset("it that he she there what who where how this lead".split())  # noqa: SIM905
_FLAG = re.compile(
    r"\s*[:=]\s*(?:(yes|true|y|1|on|checked)|(no|none|false|n|0|off|unchecked))\b", re.IGNORECASE
)
_SPACED_LETTERS = re.compile(r"(?<![\w'])(?:\w[ .*_-]){3,}\w(?![\w'])")
# Not between digits: there they may hold a date together.
_JOINERS = re.compile(r"(?<=[^\W\d])[-_/](?=\w)|(?<=\w)[-_/](?=[^\W\d])|[\"*~#()\[\]{}<\\^]+")
_DIGIT = re.compile(r"\d")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    r"(?P<iso>(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d))"
    r"|(?P<dotted>(?<!\d)(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?!\d))"
    rf"|\b(?:(?P<day>\d{{1,2}})\.? )?{_MONTH}(?: (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,?)? "
    r"(?P<year>(?:19|20)\d\d)\b|\b(?:in|since|during) (?P<alone>(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\b", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_UNIT = "(?P<unit>day|week|month|quarter|year)"
_AGO = re.compile(
    rf"\b(?P<count>\d{{1,3}}|an?|one|two|three|four|five|six|couple of|few|several) {_UNIT}s? "
    r"(?:ago|earlier|before|back)\b"
    r"|\blast (?P<last>week|month|quarter|year|spring|summer|autumn|fall|winter)\b"
    r"|\b(?P<named>yesterday|today|this (?:morning|week|afternoon)|just now|now|at first|initially|"
    r"back then|originally|previously|in the past|used to)\b"
)
_TIME_WORDS = frozenset(
    "ago earlier before back last yesterday today this just now at initially originally previously "  # noqa: SIM905
    "in used".split()
)
_JOINING = frozenset(
    "but however though although whereas while because so then yet and".split()  # noqa: SIM905
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
    _meant: dict[str, str] = PrivateAttr()
    _pattern: re.Pattern[str] = PrivateAttr()
    _first_words: frozenset[str] = PrivateAttr()

    @model_validator(mode="after")
    def _compile(self) -> Self:
        # Hyphens between words are gone by then.
        self._meant = {key.lower().replace("-", " "): to for key, to in self.instead.items()}
        word, filler = any_of(tuple(self._meant)), any_of(self.fillers)
        self._pattern = re.compile(
            rf"(?P<word>(?<!\w){word}(?!\w))|(?:,\s*)?(?<!\w){filler}(?!\w)(?:\s*,)?", re.IGNORECASE
        )
        phrases = (*self._meant, *map(str.lower, self.fillers))
        self._first_words = frozenset(found[0] for p in phrases if (found := _WORD.findall(p)))
        return self

    @property
    def meant(self) -> dict[str, str]:
        """The words that are meant, by what is written in lower case and without hyphens."""
        return self._meant

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds what is to be replaced, in the group `word`, and fillers with their commas."""
        return self._pattern

    @property
    def first_words(self) -> frozenset[str]:
        """The first words of all that the pattern finds: a text without them needs no look."""
        return self._first_words


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `date` and `age_days` say when, as far as the history does."""

    text: str
    lower: str
    classes: frozenset[str]
    sentence: str
    next_sentence: str
    date: Day | None
    age_days: int | None


@dataclass(frozen=True, slots=True)
class _Dated:
    text: str
    date: Day | None
    opens: bool


def read_clauses(lead: Lead, spelling: Spelling, lexicon: Lexicon) -> list[Clause]:
    """The clauses of the history, then those of the objections, each as "objection: ..."."""
    told = [lead.interaction_history, *(f"objection: {item}" for item in lead.objections_raised)]
    sentences = [found for text in told for found in _sentences(_plain(text, lead), spelling)]
    clauses: list[Clause] = []
    since: Day | None = None
    for index, sentence in enumerate(sentences):
        dated = _dated(sentence)
        since = dated.date if dated.opens else since
        following = sentences[index + 1] if index + 1 < len(sentences) else ""
        age = _age(dated.text)
        for part in _parts(dated.text):
            lower = part.lower()
            own_age = age if part is dated.text else _age(part)
            clauses.append(
                Clause(
                    text=part,
                    lower=lower,
                    classes=lexicon.classes(_WORD.findall(lower)),
                    sentence=dated.text,
                    next_sentence=following,
                    date=dated.date or since,
                    age_days=age if own_age is None else own_age,
                )
            )
    return clauses


def _plain(text: str, lead: Lead) -> str:
    """One form for letters, contractions, flags and the lead's own name."""
    text = latin_lookalikes(fold(text))
    text = _SPACED_LETTERS.sub(lambda match: re.sub(r"\W|_", "", match.group()), text)
    for own, stand_in in ((lead.product_name, OWN_PRODUCT), (lead.company_name, OWN_COMPANY)):
        text = _naming(own).sub(stand_in, text) if own else text
    name = _own_name(lead.lead_name)
    if name:
        text = name.sub(LEAD_WORD, text)
    if "'" in text:
        text = _CONTRACTION.sub(_expanded, text)
    if ":" in text or "=" in text:
        text = _CLOCK.sub(" ", text)
        text = _FLAG.sub(lambda match: " is yes " if match.group(1) else " is no ", text)
    return _JOINERS.sub(" ", text)


@lru_cache(maxsize=1_024)
def _naming(name: str) -> re.Pattern[str]:
    """Finds a product's or company's name as it is written."""
    return re.compile(rf"(?<!\w){re.escape(fold(name))}(?!\w)")


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


def _sentences(text: str, spelling: Spelling) -> Iterator[str]:
    """Sentences in plain words. A capital only stays at the start where it may be a name's."""
    for piece in _SENTENCE_END.split(text):
        spoken = _spelt(piece.strip(" ,:"), spelling).strip(" ,:")
        first, _, rest = spoken.partition(" ")
        if first and is_common(first.lower()):
            spoken = f"{first.lower()} {rest}".rstrip()
        if spoken:
            yield spoken


def _spelt(text: str, spelling: Spelling) -> str:
    """The words that are meant, without fillers."""
    if spelling.first_words.isdisjoint(_WORD.findall(text.lower())):
        return text
    meant = spelling.meant
    fixed = spelling.pattern.sub(lambda match: meant.get((match["word"] or "").lower(), " "), text)
    return " ".join(fixed.split())


def _parts(sentence: str) -> Iterator[str]:
    """The clauses of a sentence; the sentence itself where it is one."""
    is_one = "," not in sentence and _JOINING.isdisjoint(sentence.lower().split())
    for piece in (sentence,) if is_one else _CLAUSE_END.split(sentence):
        words = piece.split()
        if len(words) <= MAX_CLAUSE_WORDS:
            yield piece
            continue
        for start in range(0, len(words), MAX_CLAUSE_WORDS):
            yield " ".join(words[start : start + MAX_CLAUSE_WORDS])


def _dated(sentence: str) -> _Dated:
    """The sentence without its dates, the first date, and whether that opens it, as in a log."""
    match = _DATE.search(sentence) if _DIGIT.search(sentence) else None
    if match is None:
        return _Dated(sentence, None, opens=False)
    opens = not sentence[: match.start()].strip(" [(")
    text = " ".join(_DATE.sub(" ", sentence).split()).strip(" ,:")
    return _Dated(text, _day(match), opens=opens)


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


def _age(text: str) -> int | None:
    lower = text.lower()
    if _TIME_WORDS.isdisjoint(lower.split()):
        return None
    match = _AGO.search(lower)
    if match is None:
        return None
    if match.group("unit"):
        count = match.group("count")
        number = int(count) if count.isdigit() else _COUNTS.get(count, _DEFAULT_COUNT)
        return number * _DAYS[match.group("unit")]
    if match.group("last"):
        return _DAYS.get(match.group("last"), _DAYS["quarter"])
    named = match.group("named")
    return _NAMED.get(named, 0 if named.startswith("this") else _LONG_AGO_DAYS)
