"""Figures that state nothing: a proposed day, what is supposed, and counts of the talk itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from followup.amounts import Amount
from followup.dates import WEEKDAYS
from followup.tokens import Token
from followup.vocabulary import stem

# "Shall we begin with ten pumps?"
_BEGINS = re.compile(
    r"(?:shall|should|could) we\b|(?:how|what) about\b|what if\b|"
    r"(?:do|would) you (?:want|like|prefer) to (?:start|begin|try|test)\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"\bI(?:'d| could| can|'ll| will| would)\b.*\b(?:call|chat|talk|demo|join|meet)\b|"
    r"^(?i:(?:\w+, )?(?:happy|glad|pleased|delighted) to "
    r"(?:show|walk|take|call|talk|chat|meet|demo)\b)"
)
_PROMISES = re.compile(
    r"(?i:^(?:\w+, )?(?:happy|glad|pleased|delighted) to\b)|"
    r"\bI(?:'ll|'d|'m| (?:can|could|will|would|shall|am|have))\b"
)
_SUPPOSES = re.compile(r"\b(?:let's say|let us say|suppose|supposing|assume|assuming)\b", re.I)
_MAX_SUPPOSED = 2
_COUNTED = frozenset({"quantity", "number"})
_POINTERS = frozenset({"the", "all", "both", "these", "those", "other"})
_FURTHER = frozenset({"more", "other", "further", "quick"})
_REPORTED = re.compile(
    r"\bas you\b|\b(?:you|your)\b.*\b(?:asked|said|told|mentioned|suggested|wanted|want|wish\w*|"
    r"request\w*|prefer\w*|propos\w*)\b",
    re.IGNORECASE,
)
_TALKED_OF = frozenset(
    map(
        stem,
        """question point thing note detail reason way idea thought concern topic remark answer
        must-have musts follow-up example suggestion option word line""".split(),  # noqa: SIM905
    )
)
_PROPOSALS = frozenset(
    """would could can shall should may how what worth free got have any open up fancy
    care""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence speaks of times and figures."""

    proposes: bool
    """It asks for a time: "Would a call in the next two weeks suit you?"."""
    begins: bool
    """It asks for a size: "Shall we begin with ten pumps?"."""
    offers: bool
    """A question, "Happy to meet", "I could call you"; not what the reader said of days."""
    supposes: bool
    """It reckons with a number: "Let's say you pause five and pay seven"."""
    promises: bool
    """It offers time: "I could join your call for ten minutes"."""


def read_manner(folded: str, tokens: Sequence[Token]) -> Manner:
    """The manner of a folded sentence."""
    is_question = folded.endswith("?")
    has_writer = _PROMISES.search(folded) is not None
    return Manner(
        proposes=is_question and bool(tokens) and tokens[0].lower in _PROPOSALS,
        begins=is_question and _BEGINS.match(folded) is not None,
        offers=is_question or (has_writer and not _REPORTED.search(folded)),
        supposes=_SUPPOSES.search(folded) is not None,
        promises=_OFFERS.search(folded) is not None,
    )


def states_nothing(
    manner: Manner,
    tokens: Sequence[Token],
    place: int,
    kind: str,
    value: str,
    end: int,
    amount: Amount | None,
) -> bool:
    """Whether the figure in tokens `place` to `end`, of a claim's kind, is no claim."""
    if kind == "date":
        # A day of the year is no offer, whoever speaks.
        is_habit = tokens[end - 1].lower.endswith("days")
        return manner.offers and not is_habit and "-" not in value and not value[0].isdigit()
    if kind == "duration":
        is_short = amount is not None and amount.unit == "minute"
        is_offered = manner.promises or _is_asked_of_reader(tokens, place)
        return manner.proposes or (is_offered and is_short) or _is_age(tokens, end)
    if kind not in _COUNTED or amount is None:
        return False
    if manner.supposes and len(amount.value) <= _MAX_SUPPOSED:
        return True
    # "Would Wednesday at 10 work?"
    is_hour = manner.offers and tokens[place - 1].lower == "at" and _says_day(tokens)
    return manner.begins or is_hour or _counts_talk(tokens, place, amount)


def _counts_talk(tokens: Sequence[Token], place: int, amount: Amount) -> bool:
    """Whether a small count is of what the two talk about: "your two questions", "the two of"."""
    if tokens[place + 1 : place + 2] and _is_example(tokens, place):
        return True
    if amount.value == "0" and not amount.counted and tokens[place].text.isalpha():
        # "From zero" is from the start.
        return True
    if not tokens[place].lower.isalpha() or len(amount.value) > 1 or amount.unit:
        return False
    before = tokens[place - 1].lower if place else ""
    after = tokens[amount.end].lower if amount.end < len(tokens) else ""
    counted = tokens[place + 1].lower if place + 1 < len(tokens) else ""
    # "How well the two work together" counts nothing; "the two plans" does.
    is_none = not amount.counted or (before == "the" and not counted.endswith(("s", "n")))
    is_pointing = is_none and (before in _POINTERS or after == "of")
    is_pointing |= before == "your"
    return is_pointing or after in _FURTHER or bool(amount.counted & _TALKED_OF)


def _is_asked_of_reader(tokens: Sequence[Token], place: int) -> bool:
    """Whether "whenever you have", "if you can spare" stands before a time."""
    words = [token.lower for token in tokens[max(0, place - 5) : place]]
    is_condition = not {"if", "when", "whenever", "should"}.isdisjoint(words)
    return is_condition and "you" in words and words[-1] in {"have", "got", "spare", "find"}


def _is_age(tokens: Sequence[Token], place: int) -> bool:
    """Whether "old" follows: "your eight-year-old"; not "30 days, old workspaces"."""
    after = [token.lower for token in tokens[place : place + 2]]
    return "old" in after and after[0] != ","


def _is_example(tokens: Sequence[Token], place: int) -> bool:
    """Whether a size is only supposed: "a 45-person team would pay"."""
    is_joined = tokens[place + 1].text == "-" and tokens[place - 1].lower in {"a", "an", "any"}
    return is_joined and any(token.lower in {"would", "could"} for token in tokens[place:])


def _says_day(tokens: Sequence[Token]) -> bool:
    return any(token.lower in WEEKDAYS | {"tomorrow", "today"} for token in tokens)
