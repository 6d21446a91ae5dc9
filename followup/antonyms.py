"""Common English opposites: words that turn a statement about the same thing around."""

from collections.abc import Iterable, Set
from functools import cache

from followup.vocabulary import stem

# Each line: words of one meaning, a bar, words of the opposite meaning.
_OPPOSITES = """
increase raise grow rise boost gain expand climb | reduce decrease cut lower drop shrink fall
more above over exceed | fewer less below under
maximum most highest largest | minimum least lowest smallest
include contain add | exclude omit remove
allow permit enable let support | forbid prohibit disallow prevent block disable
accept approve | reject refuse decline deny
before earlier sooner | after later
begin start open launch join | end stop close finish leave cancel
always every all | never none
free | paid charged
cheap cheaper cheapest | expensive dearer costlier
fast faster quick quicker quickly | slow slower slowly
easy easier simple | difficult harder hard complex
automatic automatically automated | manual manually
annual annually yearly | monthly weekly daily
first | last
win | lose
accelerate speed | delay slow
improve better best | worsen worse worst
strengthen | weaken
succeed success | fail failure
mandatory required compulsory | optional voluntary
public | private
internal | external
inbound incoming | outbound outgoing
online | offline
temporary | permanent
fixed | flexible variable
new | old
safe secure | unsafe insecure
import upload | export download
connect attach | disconnect detach
send | receive
major | minor
early | late
day | night
single | multiple several
seconds | minutes hours
minutes | hours days
"""
_PREFIXES = ("un", "non", "in", "im", "ir", "il", "dis")
_MIN_PREFIXED = 5
_NO_PREFIXED = frozenset(
    map(stem, ["discount", "display", "distance", "import", "invoice", "increase"])
)


def opposites_in(word: str, others: Set[str]) -> list[str]:
    """The stems among others that are opposites of one, by the list or by a prefix.

    Available and unavailable are by prefix.
    """
    sides = _opposite_sides().get(word)
    found = [other for other in others if _stands_on(other, sides)] if sides else []
    longer = [prefix + word for prefix in _PREFIXES] if len(word) >= _MIN_PREFIXED else []
    found += [other for other in longer if other in others and other not in _NO_PREFIXED]
    is_prefixed = word.startswith(_PREFIXES) and word not in _NO_PREFIXED
    bare = {word.removeprefix(prefix) for prefix in _PREFIXES} - {word} if is_prefixed else set()
    found += [other for other in bare & others if len(other) >= _MIN_PREFIXED]
    return found


def has_alike(word: str, others: Iterable[str]) -> bool:
    """Whether one of others stands on the same side of a line of the list: reduce, cut."""
    sides = _sides().get(word)
    return sides is not None and any(_stands_on(other, sides) for other in others)


def _stands_on(word: str, sides: frozenset[int]) -> bool:
    return not sides.isdisjoint(_sides().get(word, ()))


@cache
def _sides() -> dict[str, frozenset[int]]:
    """The sides that each stem stands on; opposite sides are 2 n and 2 n + 1."""
    found: dict[str, set[int]] = {}
    for line, words in enumerate(_OPPOSITES.strip().splitlines()):
        for side, half in enumerate(words.split("|")):
            for word in half.split():
                found.setdefault(stem(word), set()).add(2 * line + side)
    return {word: frozenset(sides) for word, sides in found.items()}


@cache
def _opposite_sides() -> dict[str, frozenset[int]]:
    return {word: frozenset(side ^ 1 for side in sides) for word, sides in _sides().items()}
