"""Common English opposites: words that turn a statement about the same thing around."""

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


def is_opposite(word: str, other: str) -> bool:
    """Whether two stems are opposites, by the list or by a prefix: available, unavailable."""
    if _sides().get(word, frozenset()) & _opposite_sides().get(other, frozenset()):
        return True
    longer, shorter = (word, other) if len(word) > len(other) else (other, word)
    if longer in _NO_PREFIXED:
        return False
    return len(shorter) >= _MIN_PREFIXED and any(longer == prefix + shorter for prefix in _PREFIXES)


def is_alike(word: str, other: str) -> bool:
    """Whether two stems stand on the same side of a line of the list: reduce, cut."""
    return bool(_sides().get(word, frozenset()) & _sides().get(other, frozenset()))


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
