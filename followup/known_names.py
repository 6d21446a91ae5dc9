"""Collects from the sources which names there are, which of them are plans, and their aliases."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from followup.claims import ClaimKind, ReadSentence
from followup.english import is_english
from followup.names import OF_CUSTOMERS
from followup.sources import Source, SourceUnit, word_stream
from followup.subjects import PLAN_WORDS, KnownNames, Name, Subject, subjects_by_form
from followup.things_sold import cell_plans, things_sold
from followup.value_subjects import is_all_of

_ALIAS_LINKS = frozenset({"plan", "tier", "is", "the", "our", "-", "also", "called", "known", "as"})
_NAMES_OF_INNER_CELL = 3
_MAX_OPENING = 3
_ADVERBS = frozenset({"now", "then", "also", "already", "today", "still", "has", "had"})
_OF_PLACE = frozenset({"in", "from", "at", "near"})
_LIST_JOINTS = frozenset({",", "and", "or", "&", "/", "the"})
_APPOSITION = frozenset({",", "(", "-", "the", "our", "a"})


class _SourceNames(NamedTuple):
    names: frozenset[Name]
    plans: frozenset[Name]
    aliases: tuple[tuple[Name, Name], ...]
    columns: tuple[frozenset[Name], ...]
    """The column names of each table row, without the first column's."""
    lists: tuple[frozenset[Name], ...]
    """The names of each list: Scout, Ranger and Convoy."""
    acting: frozenset[Name]
    rows: str
    row_names: frozenset[Name]


def known_names(
    sources: Sequence[Source], own: frozenset[str], said: frozenset[Name] = frozenset()
) -> KnownNames:
    """Collects names, plans and aliases from all sources.

    `said` are names that the message calls plans: they are plans where the sources name them too.
    """
    read = [_names_in(source) for source in sources]
    named = frozenset[Name]().union(*(names.names for names in read))
    capitals = frozenset[str]().union(*(source.capital_words for source in sources))
    plans = frozenset(name for name in said if name in named or capitals.issuperset(name))
    plans = plans.union(*(names.plans for names in read))
    # "A Gitpod subscription" is any plan of the product; a product may be a plan, though.
    plans = frozenset(name for name in plans if f" {' '.join(name)} " not in own)
    # Where one column of a table is a plan's, so are the others.
    plans = plans.union(*(row for names in read for row in names.columns if row & plans))
    # What stands in one list with a plan is one: "Scout, Ranger and Convoy".
    lists = [group for names in read for group in names.lists]
    for _ in range(2):
        plans = plans.union(*(group for group in lists if group & plans))
    aliases: dict[Name, Name] = {}
    for first, second in sorted({pair for names in read for pair in names.aliases}):
        target = aliases.get(first) or aliases.get(second) or min(first, second)
        aliases[first] = aliases[second] = target
    by_first: dict[str, list[Name]] = {}
    every = plans.union(*(names.names for names in read))
    for name in sorted(every, key=lambda name: (-len(name), name)):
        by_first.setdefault(name[0], []).append(name)
    groups = [*lists, *(row for names in read for row in names.columns)]
    groups += [names.row_names for names in read]
    return KnownNames(
        num_plans=frozenset(len(group) for group in groups if group and group <= plans),
        by_first_word={word: tuple(group) for word, group in by_first.items()},
        plans=plans,
        aliases=aliases,
        own=own,
        streams=tuple(source.word_stream for source in sources),
        headings="".join(source.heading_stream for source in sources),
        rows="".join(names.rows for names in read),
        acting=frozenset[Name]().union(*(names.acting for names in read)),
        lower_words=frozenset[str]().union(*(source.lower_words for source in sources)),
    )


def equated(sentence: ReadSentence, subjects: Sequence[Subject]) -> list[tuple[Subject, Subject]]:
    """Pairs of plans that the sentence says are one.

    "The Growth plan is the mid-tier plan"; "Growth, our mid-tier plan".
    """
    pairs = []
    for first, second in pairwise(subjects):
        if not (first.is_plan or second.is_plan):
            continue
        between = [token.lower for token in sentence.tokens[first.end : second.place]]
        says_is = "is" in between and set(between) <= _ALIAS_LINKS
        # Of two names side by side, "Starter, Growth", neither says what the other is.
        is_apposition = (
            first.is_role != second.is_role
            and between[:1] in ([","], ["("], ["-"])
            and set(between) <= _APPOSITION
        )
        if says_is or is_apposition:
            pairs.append((first, second))
    return pairs


@lru_cache(maxsize=4_096)
def _names_in(source: Source) -> _SourceNames:
    names: set[Name] = set()
    plans: set[Name] = set()
    aliases: set[tuple[Name, Name]] = set()
    columns: defaultdict[str, set[Name]] = defaultdict(set)
    lists: list[frozenset[Name]] = []
    for unit in source.units:
        found = subjects_by_form(unit.sentence)
        # Headings write plain words with capitals.
        if not unit.is_heading:
            names.update(s.name for s in found if not _is_plain_word(s, source, unit))
        plans.update(s.name for s in found if s.is_plan)
        plans.update(_held_plans(unit, found))
        if unit.cell_names and unit.cell_names[-1] in PLAN_WORDS:
            # A table of plans: the first column names them.
            plans.update(cell_plans(unit.cell_names[0]))
        columns[unit.shown].update(_column_names(unit))
        lists.extend(_lists(unit, found))
        for first, second in equated(unit.sentence, [s for s in found if s.is_plan]):
            if first.name != second.name:
                aliases.add((first.name, second.name))
    sold = things_sold(source)
    lists.append(sold.defined)
    names |= sold.defined | sold.names
    plans |= sold.names | sold.columns | {short for short, _ in sold.shortened}
    aliases |= sold.shortened
    return _SourceNames(
        names=frozenset(names),
        plans=frozenset(plans),
        aliases=tuple(aliases),
        columns=tuple(map(frozenset, columns.values())),
        lists=tuple(lists),
        acting=frozenset()
        if source.is_request
        else frozenset(s.name for u in source.units for s in _acting(u, source)),
        row_names=frozenset(
            name for u in source.units if u.cell_names for name in cell_plans(u.cell_names[0])
        ),
        # Each on its own: two rows beside each other make no name.
        rows="".join(
            dict.fromkeys(word_stream(u.cell_names[0]) for u in source.units if u.cell_names)
        ),
    )


def _held_plans(unit: SourceUnit, found: Sequence[Subject]) -> list[Name]:
    """What a plan is said to hold all of is a plan: "Enterprise includes everything in Growth"."""
    if not any(s.is_plan for s in found):
        return []
    named = (c for c in unit.sentence.claims if c.kind is ClaimKind.NAME and " " not in c.value)
    return [(c.value,) for c in named if is_all_of(unit.sentence.tokens, c.start)]


def _column_names(unit: SourceUnit) -> list[Name]:
    """What stands above a cell, which may be a plan; nothing above the first column's."""
    inner = len(unit.cell_names) == _NAMES_OF_INNER_CELL
    if inner and unit.cell_names[1] == unit.cell_names[2]:
        return []
    # Where only two are named, the first column has no name.
    is_named = inner or len(unit.cell_names) == _NAMES_OF_INNER_CELL - 1
    return cell_plans(unit.cell_names[1]) if is_named else []


def _acting(unit: SourceUnit, source: Source) -> Iterator[Subject]:
    """The names that a sentence is about.

    One opens it and does what customers do, "Odell, a dairy, saves $9", or opens it on a page about
    customers; or plain words beside each other are names, "Corner has 3 logins, Commons 10".
    """
    tokens = unit.sentence.tokens
    named = subjects_by_form(unit.sentence)
    peers = [
        s
        for s in named
        if len(s.name) == 1
        and s.place
        and is_english(s.name[0])
        and tokens[s.place - 1].lower not in _OF_PLACE
    ]
    if len({s.name for s in peers}) > 1:
        yield from peers
        yield from (s for s in named if s.place == 0)
    for subject in named:
        if source.is_of_customers and subject.place < _MAX_OPENING and len(subject.name) > 1:
            yield subject
        behind = [token.lower for token in tokens[subject.end : subject.end + 3]]
        after = behind[1:] if behind[0:1] and behind[0] in _ADVERBS else behind[:2]
        is_described = after[:1] == [","] and after[1:] in (["a"], ["an"], ["the"])
        goes_live = after[1:] == ["live"]
        does = is_described or goes_live or (after and after[0] in OF_CUSTOMERS)
        # "Corvane Software now closes the month in 3 days"
        does = does or (behind[:1] == ["now"] and len(subject.name) > 1)
        if subject.place == 0 and does:
            yield subject


def _lists(unit: SourceUnit, found: Sequence[Subject]) -> Iterator[frozenset[Name]]:
    """The names that only commas, "and" or "or" part."""
    ordered = sorted(
        {(s.place, s.end): s for s in found if not s.is_role}.values(), key=lambda s: s.place
    )
    group: list[Subject] = []
    for subject in ordered:
        between = (
            [t.lower for t in unit.sentence.tokens[group[-1].end : subject.place]] if group else []
        )
        if group and (not between or not set(between) <= _LIST_JOINTS):
            if len(group) > 1:
                yield frozenset(s.name for s in group)
            group = []
        group.append(subject)
    if len(group) > 1:
        yield frozenset(s.name for s in group)


def _is_plain_word(subject: Subject, source: Source, unit: SourceUnit) -> bool:
    """Whether a capital that opens a sentence is a plain word elsewhere, or a column's name."""
    is_lone = len(subject.name) == 1 and not subject.is_plan
    is_column = bool(unit.cell_names)
    return is_lone and subject.place == 0 and (is_column or subject.name[0] in source.lower_words)
