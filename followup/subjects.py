"""Which plan, customer or other named thing a figure is about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from followup.claims import ClaimKind, ReadSentence
from followup.sources import Source
from followup.tokens import Token
from followup.vocabulary import COMMON_WORDS, GENERIC_CAPITALS, STOP_WORDS, is_common

_PLAN_WORDS = frozenset({"plan", "plans", "tier", "tiers", "edition", "package", "subscription"})
_NO_PLAN_NAMES = STOP_WORDS | frozenset(
    """annual any available best billing cheaper cheapest current different first higher highest
    lower lowest monthly new next other paid payment price priced pricing quarterly right second
    service single subscription suitable three two whichever yearly action business-continuity
    project implementation onboarding rollout several better larger smaller""".split()  # noqa: SIM905
)
_COMPANY_ENDINGS = frozenset({"inc", "corp", "corporation", "ltd", "llc", "gmbh", "co", "company"})
_OBLIQUE = frozenset(
    """in than from with of unlike to over plus includes including include via using through at by
    for on like into against versus vs""".split()  # noqa: SIM905
)
_CLAUSE_ENDS = frozenset({",", ";", "and", "while", "but", "whereas", "or"})
_ALIAS_LINKS = frozenset({"plan", "tier", "is", "the", "our", "-", "also", "called", "known", "as"})

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A named thing in a sentence; its name in lower case without "plan" or "Inc"."""

    name: Name
    place: int
    is_plan: bool


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that the sources hold, and which of them are plans and aliases of each other."""

    by_first_word: dict[str, tuple[Name, ...]]
    plans: frozenset[Name]
    aliases: dict[Name, Name]
    own: frozenset[str]
    """Word streams of the lead's, product's and company's names: they set nothing apart."""

    def canonical(self, name: Name) -> Name:
        """One name for all aliases: mid-tier plan and Growth plan."""
        return self.aliases.get(name, name)

    def is_own(self, name: Name) -> bool:
        """Whether the name belongs to the request's own lead, product or company."""
        return any(f" {' '.join(name)} " in line for line in self.own)


def known_names(sources: Sequence[Source], own: frozenset[str]) -> KnownNames:
    """Collects names, plans and aliases from all sources."""
    names: set[Name] = set()
    plans: set[Name] = set()
    aliases: dict[Name, Name] = {}
    nothing = KnownNames({}, frozenset(), {}, own)
    for source in sources:
        for unit in source.units:
            found = find_subjects(unit.sentence, nothing)
            names.update(s.name for s in found if not _is_plain_word(s, source))
            plans.update(s.name for s in found if s.is_plan)
            _learn_aliases(unit.sentence, [s for s in found if s.is_plan], aliases)
    by_first: dict[str, list[Name]] = {}
    for name in sorted(names | plans, key=lambda name: (-len(name), name)):
        by_first.setdefault(name[0], []).append(name)
    return KnownNames(
        {word: tuple(group) for word, group in by_first.items()}, frozenset(plans), aliases, own
    )


def find_subjects(sentence: ReadSentence, known: KnownNames) -> list[Subject]:
    """The subjects of a sentence in order, without the request's own names."""
    covered: set[int] = set()
    found: list[Subject] = []
    for place, name, called_plan, width in (
        *_plans(sentence),
        *_capitalised(sentence),
        *_looked_up(sentence.tokens, known),
    ):
        span = range(place, place + width)
        is_plan = called_plan or name in known.plans
        # A plan sets prices apart even where the product is named like it.
        if not name or covered.intersection(span) or (known.is_own(name) and not is_plan):
            continue
        covered.update(span)
        found.append(Subject(known.canonical(name), place, is_plan))
    return sorted(found, key=lambda subject: subject.place)


def subjects_of_value(
    tokens: Sequence[Token], subjects: Sequence[Subject], place: int
) -> list[Subject]:
    """The subjects that the value at token `place` may be about.

    Those of its own clause before it, else after it; else those of the clauses before, else after.
    A name in an oblique place ("everything in Starter") gives way to one that is not.
    """
    low, high = _clause(tokens, place)
    before = [s for s in subjects if low <= s.place < place]
    after = [s for s in subjects if place < s.place < high]
    if after and (not before or _is_for(tokens, place, after[0].place)):
        return [after[0]]
    if before:
        return _foremost(tokens, before)
    earlier = [s for s in subjects if s.place < low]
    return _foremost(tokens, earlier) if earlier else list(subjects[:1])


def leading_subjects(tokens: Sequence[Token], subjects: Sequence[Subject]) -> list[Subject]:
    """The subjects that the next sentence's "it" may mean."""
    upright = [s for s in subjects if not _is_oblique(tokens, s.place)]
    return [*(upright[:1] or subjects[:1])]


def same_subject(ours: Subject, theirs: Name, *, is_plan: bool) -> bool:
    """Plans must be equal; of other names one may be the other's beginning: Globex Traders."""
    if ours.name == theirs:
        return True
    if ours.is_plan or is_plan:
        return False
    shorter, longer = sorted((ours.name, theirs), key=len)
    return longer[: len(shorter)] == shorter


def cell_subject_names(cell_name: str, known: KnownNames) -> Iterator[Name]:
    """The names that a row or column name may stand for: "growth (mid-tier)" is two."""
    for part in cell_name.replace(")", "(").replace(",", "(").split("("):
        name = _trimmed(part.replace("-", " ").split())
        if name:
            yield known.canonical(name)


def _plans(sentence: ReadSentence) -> Iterator[tuple[int, Name, bool, int]]:
    """X plan, X tier, X-tier plan; a capitalised X may be several words."""
    tokens = sentence.tokens
    names = {claim.start: claim.value.split() for claim in sentence.claims if claim.kind == "name"}
    for place, token in enumerate(tokens):
        if token.lower not in _PLAN_WORDS:
            continue
        first = place - 2 if place > 1 and tokens[place - 1].text == "-" else place - 1
        if first < 0 or tokens[first].kind != "word" or tokens[first].lower in _PLAN_WORDS:
            continue
        for start, words in names.items():
            if start < first < start + len(words):
                first = start
        words = [t.lower.removesuffix("'s") for t in tokens[first:place] if t.kind == "word"]
        if words and words[-1] not in _NO_PLAN_NAMES:
            yield first, _trimmed(words), True, place - first + 1


def _capitalised(sentence: ReadSentence) -> Iterator[tuple[int, Name, bool, int]]:
    for claim in sentence.claims:
        if claim.kind is ClaimKind.NAME:
            words = claim.value.split()
            # "Teams" with a capital inside a sentence is unlikely to be the name of a customer.
            is_lone_common = len(words) == 1 and is_common(words[0])
            if not is_lone_common and not all(word in GENERIC_CAPITALS for word in words):
                yield claim.start, _trimmed(words), False, len(words)


def _looked_up(tokens: Sequence[Token], known: KnownNames) -> Iterator[tuple[int, Name, bool, int]]:
    """Names of the sources written in any case, but for common words in lower case."""
    lowered = [token.lower.removesuffix("'s") for token in tokens]
    for place, word in enumerate(lowered):
        for name in known.by_first_word.get(word, ()):
            is_it = tuple(lowered[place : place + len(name)]) == name
            plain = len(name) == 1 and word in COMMON_WORDS and tokens[place].text.islower()
            if is_it and not plain:
                yield place, name, False, len(name)
                break


def _trimmed(words: Iterable[str]) -> Name:
    kept = list(words)
    while kept and (kept[-1] in _PLAN_WORDS or (len(kept) > 1 and kept[-1] in _COMPANY_ENDINGS)):
        kept.pop()
    while len(kept) > 1 and kept[0] in STOP_WORDS:
        kept.pop(0)
    return tuple(kept)


def _is_plain_word(subject: Subject, source: Source) -> bool:
    """Whether a lone capital at a sentence's start is an ordinary word elsewhere in the source."""
    return (
        subject.place == 0
        and len(subject.name) == 1
        and not subject.is_plan
        and any(
            token.text == subject.name[0] for unit in source.units for token in unit.sentence.tokens
        )
    )


def _learn_aliases(
    sentence: ReadSentence, plans: Sequence[Subject], aliases: dict[Name, Name]
) -> None:
    """ "The Growth plan is the mid-tier plan": two names of one plan."""
    for first, second in pairwise(plans):
        between = {
            token.lower for token in sentence.tokens[first.place + len(first.name) : second.place]
        }
        if "is" in between and between <= _ALIAS_LINKS and first.name != second.name:
            target = (
                aliases.get(first.name) or aliases.get(second.name) or min(first.name, second.name)
            )
            aliases[first.name] = aliases[second.name] = target


def _clause(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    low = high = place
    while low > 0 and tokens[low - 1].lower not in _CLAUSE_ENDS:
        low -= 1
    while high < len(tokens) and tokens[high].lower not in _CLAUSE_ENDS:
        high += 1
    return low, high


def _foremost(tokens: Sequence[Token], subjects: Sequence[Subject]) -> list[Subject]:
    """The last subject that is not oblique, the last that is no plan, and the plan.

    The plan is the last one that is not oblique, else the last.
    """
    upright = [s for s in subjects if not _is_oblique(tokens, s.place)]
    plans = [s for s in upright if s.is_plan] or [s for s in subjects if s.is_plan]
    chosen = [*upright[-1:], *[s for s in subjects if not s.is_plan][-1:], *plans[-1:]]
    return chosen or list(subjects[-1:])


def _is_oblique(tokens: Sequence[Token], place: int) -> bool:
    before = place - 1
    while before >= 0 and tokens[before].lower in {"the", "our", "a", "your"}:
        before -= 1
    return before >= 0 and tokens[before].lower in _OBLIQUE


def _is_for(tokens: Sequence[Token], place: int, subject_place: int) -> bool:
    """Whether the value is said to be the subject's: "$299 for the Growth plan"."""
    return any(token.lower in {"for", "on", "off"} for token in tokens[place:subject_place])
