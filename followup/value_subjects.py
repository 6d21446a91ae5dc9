"""Which of the named things of a sentence a value is about."""

from collections.abc import Sequence
from itertools import pairwise

from followup.claims import Claim, ReadSentence
from followup.parts import part_of
from followup.subjects import Subject
from followup.tokens import Token

_OBLIQUE = frozenset(
    """in than from with of unlike to over plus includes including include via using through at by
    for on like into against versus vs""".split()  # noqa: SIM905
)
_ASIDE = frozenset("from in to into via through using than unlike versus vs".split())  # noqa: SIM905
_ASIDE_AFTER = _ASIDE | {"with", "by", "as"}
CLAUSE_ENDS = frozenset({",", ";", "and", "while", "but", "whereas", "or"})
_SPEAKING = frozenset({"says", "said", "tells", "told", "reports"})
_JOINTS = frozenset(
    {",", "and", "or", "&", "/", "the", "our", "both", "plans", "plan", "as", "well"}
)
_MAX_TOKENS_BETWEEN_VALUES = 8
ALL_OF = frozenset({"everything", "all"})


def subjects_of_value(
    sentence: ReadSentence, subjects: Sequence[Subject], claim: Claim
) -> list[Subject]:
    """The subjects that a value may be about, the likeliest first.

    In a list of values beside one of subjects, the one at the same place: "Starter and Growth cost
    $99 and $299". Else those of its own clause before it, else after it; else those of the clauses
    before, else after. A name in an oblique place ("everything in Starter") gives way to one that
    is not.
    """
    paired = paired_subject(sentence, subjects, claim)
    if paired:
        return [paired]
    tokens, place = sentence.tokens, claim.start
    first, end = part_of(tokens, place)
    subjects = _without_asides(tokens, [s for s in subjects if first <= s.place < end], place)
    low, high = clause_of(tokens, place)
    before = [s for s in subjects if low <= s.place < place]
    after = [s for s in subjects if place < s.place < high]
    if after and (not before or _is_for(tokens, place, after[0].place)):
        return [after[0]]
    if before:
        return _foremost(tokens, before)
    earlier = [s for s in subjects if s.place < low]
    if earlier:
        return _foremost(tokens, earlier)
    later = [s for s in subjects if s.place >= high and not _has_own_value(sentence, s, claim)]
    return later[:1]


def coordinated(
    sentence: ReadSentence, subjects: Sequence[Subject], chosen: Subject
) -> list[Subject]:
    """The subjects that "and" or commas put beside one, itself left out."""
    group: list[Subject] = []
    is_chosen_in = False
    for subject in subjects:
        between = sentence.tokens[group[-1].end : subject.place] if group else ()
        if group and any(token.lower not in _JOINTS for token in between):
            if is_chosen_in:
                break
            group = []
        group.append(subject)
        is_chosen_in = is_chosen_in or subject == chosen
    return [s for s in group if s != chosen and s.is_plan == chosen.is_plan] if is_chosen_in else []


def leading_subjects(tokens: Sequence[Token], subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects that the next sentence's "it" may mean."""
    upright = [s for s in subjects if not is_oblique(tokens, s.place)]
    return [*(upright[:1] or subjects[:1])]


def of_last_part(tokens: Sequence[Token], subjects: Sequence[Subject]) -> Sequence[Subject]:
    """The subjects behind the last ";", all where none is: "Elm stops at 9; Oak does 30."."""
    last = max((i for i, token in enumerate(tokens) if token.text == ";"), default=-1)
    return [s for s in subjects if s.place > last] or subjects


def clause_of(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    """First token, and token after the last, of the clause around a token."""
    low = high = place
    while low > 0 and tokens[low - 1].lower not in CLAUSE_ENDS:
        low -= 1
    while high < len(tokens) and tokens[high].lower not in CLAUSE_ENDS:
        high += 1
    return low, high


def is_oblique(tokens: Sequence[Token], place: int) -> bool:
    """Whether a preposition makes the name at `place` a mere circumstance."""
    return word_before(tokens, place) in _OBLIQUE


def upright_subjects(sentence: ReadSentence, subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects that no preposition makes a circumstance, alone or with others."""
    oblique = [s for s in subjects if is_oblique(sentence.tokens, s.place)]
    beside = [other for s in oblique for other in coordinated(sentence, subjects, s)]
    return [s for s in subjects if s not in oblique and s not in beside]


def _without_asides(
    tokens: Sequence[Token], subjects: Sequence[Subject], place: int
) -> list[Subject]:
    """Without names that only say whence or with what: "7 years from QuickBooks or Xero"."""
    kept: list[Subject] = []
    aside: Subject | None = None
    for subject in subjects:
        words = _ASIDE_AFTER if subject.place > place else _ASIDE
        joined = tokens[aside.end : subject.place] if aside else ()
        is_with_aside = aside is not None and all(token.lower in _JOINTS for token in joined)
        word = word_before(tokens, subject.place)
        is_example = word == "as" and tokens[max(0, subject.place - 2)].lower == "such"
        said = {token.lower for token in tokens[place : subject.place]}
        if not (subject.is_plan or said.isdisjoint(_SPEAKING)):
            # "They save $9, says the owner, Ann Lee."
            continue
        is_compared = word == "unlike" or (word == "than" and subject.place > place)
        if is_compared or (not subject.is_plan and (is_with_aside or is_example or word in words)):
            aside = subject
        else:
            kept.append(subject)
    return kept


def is_all_of(tokens: Sequence[Token], place: int) -> bool:
    """Whether "everything in" or "all of the" stands before a name."""
    before = [token.lower for token in tokens[max(0, place - 3) : place]]
    return any(
        first in ALL_OF and second in {"in", "of", "from"} for first, second in pairwise(before)
    )


def word_before(tokens: Sequence[Token], place: int) -> str:
    """The word before a name, articles skipped; "" at the start."""
    before = place - 1
    while before >= 0 and tokens[before].lower in {"the", "our", "a", "your"}:
        before -= 1
    return tokens[before].lower if before >= 0 else ""


def paired_subject(
    sentence: ReadSentence, subjects: Sequence[Subject], claim: Claim
) -> Subject | None:
    """The subject at the value's place where as many subjects as values stand in two lists."""
    values = [c for c in sentence.claims if c.kind is claim.kind and c.unit == claim.unit]
    place = next((i for i, value in enumerate(values) if value.start == claim.start), None)
    if place is None or len(values) == 1 or not _is_list(sentence.tokens, values):
        return None
    low, high = part_of(sentence.tokens, claim.start)
    for is_plan in (True, False):
        group = [
            s for s in subjects if s.is_plan is is_plan and not s.is_role and low <= s.place < high
        ]
        is_apart = bool(group) and (
            group[-1].place < values[0].start or group[0].place > values[-1].start
        )
        if is_apart and len(group) == len(values):
            return group[place]
    return None


def _is_list(tokens: Sequence[Token], values: Sequence[Claim]) -> bool:
    """Whether only commas, "and" and a few words stand between the values."""
    for first, second in pairwise(values):
        between = [token.lower for token in tokens[first.start : second.start]]
        if len(between) > _MAX_TOKENS_BETWEEN_VALUES or not CLAUSE_ENDS.intersection(between):
            return False
    return True


def _has_own_value(sentence: ReadSentence, subject: Subject, claim: Claim) -> bool:
    """Whether another value of the claim's kind follows the subject and is its own."""
    return any(c.kind is claim.kind and c.start > subject.place for c in sentence.claims)


def _foremost(tokens: Sequence[Token], subjects: Sequence[Subject]) -> list[Subject]:
    """The last subject that is not oblique, the last that is no plan, and the plan.

    The plan is the last one that is not oblique, else the last.
    """
    upright = [s for s in subjects if not is_oblique(tokens, s.place)]
    plans = [s for s in upright if s.is_plan] or [s for s in subjects if s.is_plan]
    chosen = [*upright[-1:], *[s for s in subjects if not s.is_plan][-1:], *plans[-1:]]
    return chosen or list(subjects[-1:])


def _is_for(tokens: Sequence[Token], place: int, subject_place: int) -> bool:
    """Whether the value is said to be the subject's: "$299 for the Growth plan"."""
    return any(token.lower in {"for", "on", "off"} for token in tokens[place:subject_place])
