"""Reads proper names: runs of capitalised words that are not merely the start of a sentence."""

from collections.abc import Collection, Iterator, Sequence

from followup.english import is_english
from followup.numerals import read_numeral
from followup.tokens import Token
from followup.vocabulary import GENERIC_CAPITALS, STOP_WORDS, is_common

_OPENERS = frozenset({":", '"', "(", "[", "|", ";", "*"})
_MAX_LIST_MARK = 2
OF_CUSTOMERS = frozenset(
    """cut cuts saves saved uses used reduced reduces chose chooses switched recovers recovered
    gained gains grew doubled tripled trusts relies adopted went won closes closed moved""".split()  # noqa: SIM905
)


def read_names(
    tokens: Sequence[Token], taken: Collection[int] = ()
) -> Iterator[tuple[int, int, str]]:
    """(first token, token after the last, name in lower case) of each name, in order.

    `taken` are the tokens that other claims hold. A capital at a sentence's start counts when the
    word is not a common one; words such as CRM or Monday alone are no names.
    """
    index = 0
    while index < len(tokens):
        if index in taken or not _is_capitalised(tokens[index]):
            index += 1
            continue
        end = _run_end(tokens, index, taken)
        word = tokens[index].lower
        is_lone = end == index + 1 and is_english(word) and not _acts_as_customer(tokens, end)
        is_plain = is_common(word) or is_lone
        if _is_start(tokens, index) and is_plain:
            index += 1
            continue
        words = [_bare(token) for token in tokens[index:end] if token.kind == "word"]
        if not all(word in GENERIC_CAPITALS or word in STOP_WORDS for word in words):
            yield index, end, " ".join(words)
        index = end


def _is_capitalised(token: Token) -> bool:
    """Whether a word is written with a capital; "I" and "I'm" always are, and name nobody."""
    is_writer = token.lower.partition("'")[0] == "i"
    return token.kind == "word" and token.text != token.lower and not is_writer


def _acts_as_customer(tokens: Sequence[Token], place: int) -> bool:
    """Whether the word at `place` tells what a customer does: "Shell cut its costs"."""
    return place < len(tokens) and tokens[place].lower in OF_CUSTOMERS


def _is_start(tokens: Sequence[Token], index: int) -> bool:
    before = index - 1
    return (
        before < 0 or tokens[before].text in _OPENERS or tokens[before].text in {".", "!", "?", "-"}
    )


def _run_end(tokens: Sequence[Token], index: int, taken: Collection[int]) -> int:
    """The index after the last capitalised word that follows with only a space, "-" or "&"."""
    end = index + 1
    while end < len(tokens) and not tokens[end - 1].lower.endswith("'s"):
        joined = end
        if tokens[end].text in {"&", "-"} and end + 1 < len(tokens):
            joined = end + 1
        token = tokens[joined]
        if joined in taken or not _is_capitalised(token):
            break
        if tokens[end].text == "-" and tokens[end].start != tokens[end - 1].end:
            break
        if read_numeral(tokens, joined):
            break
        end = joined + 1
    return end


def _bare(token: Token) -> str:
    return token.lower.removesuffix("'s").rstrip("'").replace("'", "")
