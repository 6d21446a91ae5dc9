"""How the claim checker does on messages with one thing changed, and on sound ones.

Next to it, on the same messages, the check that many products stop at: every number, link and
e-mail address of the message stands somewhere in the passages or the request.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from benchmarks.altered_messages.alterations import Change
from benchmarks.altered_messages.messages import ExamMessage
from benchmarks.altered_messages.sets import load_knowledge_base, write_messages
from benchmarks.results import Target
from followup.grounding import Verdict, check_claims, split_sentences
from followup.validation import request_text
from ingestion.chunking import CountTokens

_FIGURE = re.compile(r"https?://\S+|\S+@\S+\w|\d[\d,.]*\d|\d")


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of change with one goal: the share that is to be caught, or at most accused."""

    name: str
    changes: tuple[Change, ...]
    goal: float


GROUPS = (
    Group(
        "changed values and links caught",
        (
            Change.PRICE,
            Change.PERCENTAGE,
            Change.DURATION,
            Change.QUANTITY,
            Change.DATE,
            Change.ADDRESS,
        ),
        0.98,
    ),
    Group(
        "swapped subjects and names caught",
        (Change.PLAN, Change.CUSTOMER, Change.WRONG_SUBJECT),
        0.90,
    ),
    Group("negations caught", (Change.NEGATION,), 0.80),
    Group("sound messages falsely accused", (Change.NONE,), 0.03),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the checkers said of one message."""

    message: ExamMessage
    verdicts: tuple[Verdict, ...]
    accused: bool
    """Some claim of the message is unsupported."""
    in_place: bool
    """An unsupported claim stands in the changed sentence itself."""
    by_figures: bool
    """The plain comparison of figures accuses it."""

    @property
    def is_right(self) -> bool:
        """A sound message is not accused; a false one is, for its changed sentence."""
        return not self.accused if self.message.change is Change.NONE else self.in_place


def measure_altered_messages(
    facts_files: Sequence[Path], num_messages: int, seed: int, count_tokens: CountTokens
) -> tuple[list[dict[str, Any]], list[Target]]:
    """Check each message once; a row for each kind of change, and one for each wrong answer."""
    bases = [load_knowledge_base(path, count_tokens) for path in facts_files]
    answers = [_answer(message) for message in write_messages(bases, num_messages, seed)]
    occurring = {answer.message.change for answer in answers}
    rows = [_summary(change.value, [change], answers) for change in Change if change in occurring]
    groups = [_summary(group.name, group.changes, answers) for group in GROUPS]
    _print(rows + groups)
    targets = [
        Target(
            group.name,
            row["accused"] / row["messages"]
            if group.changes == (Change.NONE,)
            else row["caught_in_place"] / row["messages"],
            group.goal,
            "share",
            at_least=group.changes != (Change.NONE,),
        )
        for group, row in zip(GROUPS, groups, strict=True)
    ]
    wrong = [_as_row(answer) for answer in answers if not answer.is_right]
    return [*rows, *groups, *wrong], targets


def accused_by_figures(message: ExamMessage) -> bool:
    """The alternative: whether a figure or address of the message stands in no source."""
    sources = "\n".join(
        [request_text(message.lead), *(item.chunk.text for item in message.passages)]
    )
    known = set(_FIGURE.findall(sources))
    return any(figure not in known for figure in _FIGURE.findall(message.text))


def _answer(message: ExamMessage) -> Answer:
    verdicts = tuple(check_claims(message.text, message.passages, request_text(message.lead)))
    bad = {verdict.sentence_index for verdict in verdicts if not verdict.supported}
    return Answer(
        message=message,
        verdicts=verdicts,
        accused=bool(bad),
        in_place=bool(bad & _places(message)),
        by_figures=accused_by_figures(message),
    )


def _places(message: ExamMessage) -> set[int]:
    """Indices of the sentences that hold the changed one, which may be joined or split there."""
    core = _core(message.altered)
    return {
        index
        for index, sentence in enumerate(split_sentences(message.text))
        if core and (core in _core(sentence) or _core(sentence) in core)
    }


def _core(sentence: str) -> str:
    """Without the first letter, whose case depends on what stands before it, and the full stop."""
    return " ".join(sentence.split()).rstrip(".!?")[1:]


def _summary(name: str, changes: Sequence[Change], answers: Sequence[Answer]) -> dict[str, Any]:
    chosen = [answer for answer in answers if answer.message.change in changes]
    num_right = sum(answer.is_right for answer in chosen)
    interval = binomtest(num_right, len(chosen)).proportion_ci(method="wilson")
    return {
        "measurement": "altered messages",
        "change": name,
        "messages": len(chosen),
        "right": num_right,
        "right_share": round(num_right / len(chosen), 4),
        "wilson_95": [round(interval.low, 4), round(interval.high, 4)],
        "accused": sum(answer.accused for answer in chosen),
        "caught_in_place": sum(answer.in_place for answer in chosen),
        "accused_by_figures_alone": sum(answer.by_figures for answer in chosen),
    }


def _as_row(answer: Answer) -> dict[str, Any]:
    message = answer.message
    is_sound = message.change is Change.NONE
    return {
        "measurement": "false accusation" if is_sound else "miss",
        "knowledge_base": message.knowledge_base,
        "change": message.change.value,
        "what": message.what,
        "altered": message.altered,
        "message": message.text,
        "history": message.lead.interaction_history,
        "passages": [item.chunk.chunk_id for item in message.passages],
        "verdicts": [
            verdict.model_dump(mode="json", exclude_defaults=True)
            for verdict in answer.verdicts
            if not is_sound or not verdict.supported
        ],
    }


def _print(rows: Sequence[dict[str, Any]]) -> None:
    table = Table("change", "messages", "right", "95% interval", "accused", "figures alone")
    for row in rows:
        low, high = row["wilson_95"]
        table.add_row(
            row["change"],
            str(row["messages"]),
            f"{row['right_share']:.1%}",
            f"{low:.1%} to {high:.1%}",
            str(row["accused"]),
            str(row["accused_by_figures_alone"]),
        )
    Console(width=110).print(table)
