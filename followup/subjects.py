"""The plans, customers and other named things that a sentence speaks of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from followup.claims import ClaimKind, ReadSentence
from followup.english import is_english
from followup.tokens import Token
from followup.vocabulary import (
    COMMON_WORDS,
    GENERIC_CAPITALS,
    STOP_WORDS,
    is_common,
    stem,
    words_of,
)

PLAN_WORDS = frozenset({"plan", "plans", "tier", "tiers", "edition", "package", "subscription"})
_NO_PLAN_NAMES = STOP_WORDS | frozenset(
    """annual any available best billing cheaper cheapest current different first higher highest
    lower lowest monthly new next other paid payment price priced pricing quarterly right second
    service single subscription suitable three two whichever yearly action business-continuity
    project implementation onboarding rollout several better larger smaller""".split()  # noqa: SIM905
)
_COMPANY_ENDINGS = frozenset({"inc", "corp", "corporation", "ltd", "llc", "gmbh", "co", "company"})

Name = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A named thing in tokens `place` to `end`; its name in lower case without "plan" or "Inc"."""

    name: Name
    place: int
    end: int
    is_plan: bool
    is_role: bool = False
    """Written in lower case, as "mid-tier plan" is: what a plan is called, not its name."""


@dataclass(frozen=True)
class KnownNames:
    """The names that the sources hold, and which of them are plans and aliases of each other."""

    by_first_word: dict[str, tuple[Name, ...]]
    plans: frozenset[Name]
    aliases: dict[Name, Name]
    own: frozenset[str]
    """Word streams of the lead's, product's and company's names: they set nothing apart."""
    streams: tuple[str, ...] = ()
    """Word streams of all sources."""
    headings: str = ""
    """Word stream of all titles, sections and document names."""
    rows: str = ""
    """Word stream of the names of all table rows."""
    acting: frozenset[Name] = frozenset()
    """Names that open a sentence of a source and do or are something, as customers do."""
    num_plans: frozenset[int] = frozenset()
    """How many plans the tables and lists of the sources have."""
    lower_words: frozenset[str] = frozenset()
    """Words that the sources also write in lower case."""

    def canonical(self, name: Name) -> Name:
        """One name for all aliases: mid-tier plan and Growth plan."""
        return self.aliases.get(name, name)

    @cached_property
    def own_stems(self) -> frozenset[str]:
        """Stems of the request's own names."""
        return frozenset(stem(word) for line in self.own for word in line.split())

    def is_headed(self, name: Name) -> bool:
        """Whether a title, section or document name holds the name."""
        return f" {' '.join(name)} " in self.headings

    def is_told_of(self, name: Name) -> bool:
        """Whether the sources tell things of this name, so that a figure may be another's.

        Tools, towns and standards are merely mentioned: they set no figure apart.
        """
        stream = f" {' '.join(name)} "
        is_acting = any(same_subject(name, acting, is_plan=False) for acting in self.acting)
        return is_acting or stream in self.headings or stream in self.rows

    def is_only_own(self, name: Name) -> bool:
        """Whether the name is the request's own and stands in no document."""
        stream = f" {' '.join(name)} "
        return self.is_own(name) and not any(stream in found for found in self.streams[:-1])

    def is_only_asked(self, name: Name) -> bool:
        """Whether only the request has the name: what the lead uses, of which no document tells."""
        stream = f" {' '.join(name)} "
        *documents, request = self.streams
        return stream in request and not any(stream in found for found in documents)

    def is_own(self, name: Name) -> bool:
        """Whether the name belongs to the request's own lead, product or company."""
        return any(f" {' '.join(name)} " in line for line in self.own)


def find_subjects(sentence: ReadSentence, known: KnownNames) -> list[Subject]:
    """The subjects of a sentence in order, without the request's own names."""
    covered: set[int] = set()
    found: list[Subject] = []
    models = [s for s in _models(sentence) if known.is_told_of(s.name)]
    for subject in (*models, *subjects_by_form(sentence), *_looked_up(sentence, known)):
        span = range(subject.place, subject.end)
        is_plan = subject.is_plan or subject.name in known.plans
        # A plan sets prices apart even where the product is named like it.
        is_own = known.is_own(subject.name) and not is_plan
        is_opening_word = (
            subject.place == 0
            and not is_plan
            and len(subject.name) == 1
            and subject.name[0] in known.lower_words
        )
        is_generic = (
            not is_plan
            and len(subject.name) == 1
            and is_english(subject.name[0])
            and not known.is_told_of(subject.name)
            and (
                subject.name[0] in known.lower_words or not known.by_first_word.get(subject.name[0])
            )
        )
        if covered.intersection(span) or is_own or is_opening_word or is_generic:
            continue
        covered.update(span)
        name = known.canonical(subject.name)
        found.append(Subject(name, subject.place, subject.end, is_plan, subject.is_role))
    return _merged(sentence, sorted(found, key=lambda subject: subject.place), known)


def _merged(
    sentence: ReadSentence, subjects: Sequence[Subject], known: KnownNames
) -> list[Subject]:
    """The subjects, two as one where a heading writes them so: "Oak and Ivy Vets"."""
    merged: list[Subject] = []
    for subject in subjects:
        before = merged[-1] if merged else None
        if before and not (before.is_plan or subject.is_plan):
            tokens = sentence.tokens[before.place : subject.end]
            lowered = sentence.lowered[before.place : subject.end]
            name = tuple(w for w, t in zip(lowered, tokens, strict=True) if t.kind == "word")
            if subject.place - before.end <= 1 and known.is_headed(name):
                merged[-1] = Subject(name, before.place, subject.end, is_plan=False)
                continue
        merged.append(subject)
    return merged


@lru_cache(maxsize=16_384)
def subjects_by_form(sentence: ReadSentence) -> tuple[Subject, ...]:
    """What is a name by its form alone: "X plan", and capitals. They may overlap."""
    found = (*_plans(sentence), *_capitalised(sentence))
    return tuple(subject for subject in found if subject.name)


def is_alike(first: Subject, second: Subject) -> bool:
    """Whether two names may be of one kind: plans, or both none.

    A lone English word, Ranger or Scout, may be a plan that the sources at hand never call one.
    """
    if first.is_plan == second.is_plan:
        return True
    return may_be_plan(second if first.is_plan else first)


def may_be_plan(subject: Subject) -> bool:
    """Whether a subject is a plan, or a lone English word that may be one's name."""
    return subject.is_plan or (len(subject.name) == 1 and is_english(subject.name[0]))


def same_subject(ours: Name, theirs: Name, *, is_plan: bool) -> bool:
    """Plans must be equal; of other names one may begin or end the other: Globex Traders."""
    if ours == theirs:
        return True
    if is_plan:
        return False
    shorter, longer = sorted((ours, theirs), key=len)
    return shorter in (longer[: len(shorter)], longer[-len(shorter) :])


def cell_subject_names(cell_name: str, known: KnownNames) -> Iterator[Name]:
    """The names that a row or column name may stand for: "growth (mid-tier)" is two."""
    for part in cell_name.replace(")", "(").replace(",", "(").split("("):
        name = trimmed_name(part.replace("-", " ").split())
        if name:
            yield known.canonical(name)


def trimmed_name(words: Iterable[str]) -> Name:
    """The words of a name without articles before and "plan" or "Inc" behind."""
    kept = list(words)
    while kept and (kept[-1] in PLAN_WORDS or (len(kept) > 1 and kept[-1] in _COMPANY_ENDINGS)):
        kept.pop()
    while len(kept) > 1 and kept[0] in STOP_WORDS:
        kept.pop(0)
    return tuple(kept)


def _plans(sentence: ReadSentence) -> Iterator[Subject]:
    """X plan, X tier, X-tier plan; a capitalised X may be several words."""
    tokens = sentence.tokens
    names = {claim.start: claim.value.split() for claim in sentence.claims if claim.kind == "name"}
    for place, token in enumerate(tokens):
        if token.lower not in PLAN_WORDS:
            continue
        first = place - 2 if place > 1 and tokens[place - 1].text == "-" else place - 1
        if first < 0 or tokens[first].kind != "word" or tokens[first].lower in PLAN_WORDS:
            continue
        for start, words in names.items():
            if start < first < start + len(words):
                first = start
        lowered = zip(sentence.lowered[first:place], tokens[first:place], strict=True)
        words = [word for word, t in lowered if t.kind == "word"]
        is_role = tokens[first].text.islower() or (
            first == 0 and token.lower == "plans" and is_english(tokens[0].lower)
        )
        # "Change plans at any time", "no floor plans"
        is_name = not (is_role and token.lower == "plans")
        if words and is_name and words[-1] not in _NO_PLAN_NAMES:
            end = place + 1
            while end < len(tokens) and tokens[end].lower in PLAN_WORDS:
                end += 1
            yield Subject(trimmed_name(words), first, end, is_plan=True, is_role=is_role)
            if token.lower.endswith("s") and not is_role:
                yield from _plans_before(tokens, first)


def _plans_before(tokens: Sequence[Token], place: int) -> Iterator[Subject]:
    """The further names of "the Scout, Ranger and Convoy plans", from the last to the first."""
    while place > 1 and tokens[place - 1].lower in {"and", "or", ",", "&"}:
        before = place - 1
        while before > 0 and tokens[before].lower in {"and", "or", ",", "&", "the"}:
            before -= 1
        token = tokens[before]
        if token.kind != "word" or token.text == token.lower:
            return
        yield Subject((token.lower,), before, before + 1, is_plan=True)
        place = before


def _capitalised(sentence: ReadSentence) -> Iterator[Subject]:
    for claim in sentence.claims:
        # The number of a model sets nothing apart beside the model's name.
        if claim.kind is ClaimKind.NAME and sentence.tokens[claim.start].kind == "word":
            words = claim.value.split()
            # "Teams" with a capital inside a sentence is unlikely to be the name of a customer.
            is_lone_common = len(words) == 1 and is_common(words[0])
            if not is_lone_common and not all(word in GENERIC_CAPITALS for word in words):
                end = claim.start + len(words)
                yield Subject(trimmed_name(words), claim.start, end, is_plan=False)


def _models(sentence: ReadSentence) -> Iterator[Subject]:
    """What is named by letters and digits, with a word behind: HX-80, HX-80 Ex."""
    tokens = sentence.tokens
    for claim in sentence.claims:
        token = tokens[claim.start]
        if claim.kind is not ClaimKind.CODE or not (
            token.text[0].isalpha() and token.text[0].isupper()
        ):
            continue
        end = claim.end
        if end < len(tokens) and tokens[end].kind == "word" and tokens[end].text[0].isupper():
            yield Subject(
                (*words_of(claim.value), tokens[end].lower), claim.start, end + 1, is_plan=False
            )
        yield Subject(tuple(words_of(claim.value)), claim.start, end, is_plan=False)


def _looked_up(sentence: ReadSentence, known: KnownNames) -> Iterator[Subject]:
    """Names of the sources written in any case, but for plain words in lower case."""
    tokens, lowered, by_first = sentence.tokens, sentence.lowered, known.by_first_word
    for place, word in [(i, word) for i, word in enumerate(lowered) if word in by_first]:
        for name in by_first[word]:
            if lowered[place : place + len(name)] != name:
                continue
            is_plan = name in known.plans and not _is_plain(word, known)
            written = tokens[place : place + len(name)]
            is_lower = all(t.text.islower() for t in written)
            is_lone = len(name) == 1 or all(_is_plain(t.lower, known) for t in written)
            if is_lower and is_lone and not is_plan:
                continue
            yield Subject(name, place, place + len(name), is_plan=False)
            break


def _is_plain(word: str, known: KnownNames) -> bool:
    return word in COMMON_WORDS or word in known.lower_words or is_english(word)
