"""What a sentence of a message says of one of its subjects, in the stems that tell."""

from collections.abc import Sequence

from followup.claims import ReadSentence
from followup.parts import is_verb, part_of
from followup.subjects import Subject
from followup.tokens import Token
from followup.topics import GENERIC_STEMS, strong_ends
from followup.value_subjects import CLAUSE_ENDS, coordinated, is_all_of, word_before
from followup.vocabulary import content_stems

MIN_WORDS = 2
_FILLERS = content_stems(
    "short brief briefly sum summary answer question know ask asked clear word simply put note say"
)
"""What only opens a sentence: "In short, ", "To answer your question: "."""
_CONTRASTS = frozenset("unlike than versus vs from to over like".split())  # noqa: SIM905


def says_enough(
    read: ReadSentence, subjects: Sequence[Subject], subject: Subject, said: frozenset[str]
) -> bool:
    """Whether two words, a name, or the word after "X is a" say something of the subject."""
    names = {word for s in subjects if s.is_plan != subject.is_plan for word in s.name}
    is_defined = bool(said) and [t.lower for t in read.tokens[subject.end :][:1]] == ["is"]
    return len(said) >= MIN_WORDS or bool(said & content_stems(" ".join(names))) or is_defined


def said_of(
    read: ReadSentence, subjects: Sequence[Subject], subject: Subject, *, in_piece: bool = False
) -> frozenset[str]:
    """Telling stems of the part of the sentence that is about a subject, without its like.

    A piece ends where a second verb or a list's last item says something else.
    """
    tokens = read.tokens
    low, high = part_of(tokens, subject.place)
    low = max(low, _end_of_filler(tokens))
    together = [subject, *coordinated(read, subjects, subject)]
    ends = strong_ends(read)
    ends += [
        other.place
        for other in subjects
        if other.is_plan == subject.is_plan
        and other not in together
        and word_before(tokens, other.place) in CLAUSE_ENDS
    ]
    if in_piece:
        ends += [place for place in range(low + 1, high - 1) if _ends_piece(tokens, place)]
    for place in ends:
        if place > subject.place:
            high = min(high, place)
        else:
            low = max(low, place)
    like = [s for s in subjects if s.is_plan == subject.is_plan]
    named = {place for s in like for place in range(s.place, s.end)}
    words = [tokens[i].lower for i in range(low, high) if i not in named]
    return content_stems(" ".join(words)) - GENERIC_STEMS


def _end_of_filler(tokens: Sequence[Token]) -> int:
    """Behind the mark that ends what only opens the sentence; 0 where nothing does."""
    mark = next((place for place, token in enumerate(tokens) if token.text in {",", ":"}), 0)
    return mark if content_stems(" ".join(t.lower for t in tokens[:mark])) <= _FILLERS else 0


def _ends_piece(tokens: Sequence[Token], place: int) -> bool:
    """Whether "and costs nothing" or ", and reports on Max" begins at a token."""
    after_comma = tokens[place - 1].text == ","
    return tokens[place].lower == "and" and (after_comma or is_verb(tokens[place + 1].lower))


def is_contrasted(read: ReadSentence, subject: Subject) -> bool:
    """Whether the sentence only compares with the subject: "unlike Starter", "everything in X"."""
    is_contrast = word_before(read.tokens, subject.place) in _CONTRASTS
    return is_contrast or is_all_of(read.tokens, subject.place)
