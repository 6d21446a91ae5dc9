"""The parts of a sentence that state something of their own: "A costs $9, and you get B"."""

from collections.abc import Sequence

from followup.claims import ReadSentence
from followup.english import is_english
from followup.tokens import Token
from followup.vocabulary import STOP_WORDS

_JOINERS = frozenset("while whereas but because although though since so".split())  # noqa: SIM905
_CONTRASTS = frozenset({"while", "whereas", "although", "though"})
_COMMA_JOINERS = _JOINERS | {"and", "or", "yet"}
_MAY_JOIN = _COMMA_JOINERS | {";"}
_FILLERS = frozenset("also then even often only just now still already in addition".split())  # noqa: SIM905
# What opens a part that speaks on of the subject before: "..., and it covers", "..., and covers".
_LEANING = frozenset("it its they their them this that these those which who".split())  # noqa: SIM905
_VERBS = frozenset(
    """is are was were be been has have had do does did can could may might must shall should will
    would isn't aren't don't doesn't can't won't
    cost costs cover covers include includes come comes take takes took give gives get gets gain
    offer offers save saves saved add adds support supports start starts begin begins began run runs
    need needs allow allows keep keeps kept work works provide provides bring brings help helps cut
    cuts reduce reduces reduced last lasts pay pays say says said tell tells told mention mentioned
    ask asked want wants write writes send sends use uses used make makes made go goes went cancel
    install installs connect connects import imports export exports sync syncs copy copies handle
    handles let lets see plan expect allow count counts grow grew drop dropped fall fell rise rose
    raise raised lead led build built ship ships stay stays store stores answer answers respond
    responds reply replies know thank hope announce announced deploy deployed measure measured
    recommend recommends guarantee guarantees require requires remain remains switch switched
    move moved serve serves scale scales apply applies stop stops
    charge sell buy rent lend hold turn manage meet look drink win lose find fit""".split()  # noqa: SIM905
)
_ORDERS = frozenset({"plan", "allow", "expect", "thank", "see"})
_OF_EXPLETIVE = frozenset("it's is was takes took costs can may will means only about".split())  # noqa: SIM905
_PERSONS = frozenset({"you", "we", "i"})
_MAX_BEFORE_VERB = 3
_MIN_PART = 3


def part_of(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    """First token, and token after the last, of the part around a token.

    A part ends at ";", and at ", and" or "while" where what follows has a verb and a subject of its
    own. Where it has none ("and covers ..."), or speaks on of "it", it belongs to the part before.
    """
    low, high = 0, len(tokens)
    for joint in _joints(tokens):
        if joint < place:
            low = joint + 1
        elif joint > place:
            high = joint
            break
    return low, high


def _joints(tokens: Sequence[Token]) -> list[int]:
    may_join = (i for i, token in enumerate(tokens) if i and token.lower in _MAY_JOIN)
    return [i for i in may_join if _is_joint(tokens, i)]


def _is_joint(tokens: Sequence[Token], place: int) -> bool:
    word = tokens[place].lower
    after_comma = tokens[place - 1].text == ","
    if word == ";":
        return True
    if not (word in _JOINERS or (after_comma and word in _COMMA_JOINERS)):
        return False
    start = place + 1
    while start < len(tokens) and tokens[start].lower in _FILLERS:
        start += 1
    rest = [token.lower for token in tokens[start:]]
    if len(rest) < _MIN_PART or (_opens_with_verb(rest) and tokens[start].text.islower()):
        return False
    if rest[0] in _LEANING and not is_expletive(tokens[start:]):
        return False
    return (
        word in _CONTRASTS
        or rest[0] in _PERSONS
        or rest[0] in _ORDERS
        or any(other in _VERBS or _may_be_verb(other) for other in rest[1:])
    )


def is_verb(word: str) -> bool:
    """Whether a word is one of the verbs of such messages."""
    return word in _VERBS


def _may_be_verb(word: str) -> bool:
    is_like = (word.endswith("s") and not word.endswith("ss")) or word.endswith("ed")
    is_like = is_like and word not in STOP_WORDS
    return is_like and is_english(word)


def leans(sentence: ReadSentence) -> bool:
    """Whether a sentence speaks on of what the one before does: it starts with a pronoun."""
    tokens = sentence.tokens
    return bool(tokens) and tokens[0].lower in _LEANING and not is_expletive(tokens)


def is_expletive(tokens: Sequence[Token]) -> bool:
    """Whether "it" stands for nothing before: "It takes 15 minutes to connect a tool"."""
    words = [token.lower for token in tokens]
    return (
        words[:1] in (["it"], ["it's"])
        and any(word in _OF_EXPLETIVE for word in words[:_MAX_BEFORE_VERB])
        and bool({"to", "that"} & set(words))
    )


def _opens_with_verb(rest: Sequence[str]) -> bool:
    """Whether the part goes on with a verb; "plan two weeks", "allow 30 minutes" are orders."""
    return rest[0] in _VERBS and rest[0] not in _ORDERS
