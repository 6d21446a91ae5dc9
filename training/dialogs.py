"""Questions of guests to hotels and restaurants (DSTC11 track 5), and the passages that answer.

A place's frequently asked questions and reviews are its passages. What a question's annotation does
not name is taken as irrelevant, and so are passages of the other kind of place.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NUM_STRANGERS = 20

Key = tuple[str, str, str, str]
"""Domain, place, "faq" or "review", and number of a passage."""


@dataclass(frozen=True)
class JudgedQuestion:
    """A question, and which of these passages answer it."""

    text: str
    passages: tuple[Key, ...]
    is_relevant: tuple[bool, ...]


@dataclass(frozen=True)
class JudgedQuestions:
    """Passages (title and text) and the questions about them."""

    passages: dict[Key, tuple[str, str]]
    questions: tuple[JudgedQuestion, ...]


def read_dialogs(folder: Path) -> JudgedQuestions:
    """Every dialogue whose last turn asks about one place."""
    knowledge = json.loads((folder / "knowledge.json").read_text(encoding="utf-8"))
    passages = dict(_passages(knowledge))
    places: dict[tuple[str, str], list[Key]] = {}
    for key in passages:
        places.setdefault(key[:2], []).append(key)
    generator = np.random.default_rng(0)
    questions = []
    for line in (folder / "dialogs.jsonl").read_text(encoding="utf-8").splitlines():
        dialog = json.loads(line)
        right = {
            (item["domain"], str(item["entity_id"]), item["doc_type"], str(item["doc_id"]))
            for item in dialog["knowledge"]
        }
        if len({key[:2] for key in right}) != 1:
            continue
        place = next(iter(right))[:2]
        others = [key for key in passages if key[0] != place[0]]
        drawn = generator.choice(len(others), NUM_STRANGERS, replace=False)
        shown = (*places[place], *(others[row] for row in drawn))
        questions.append(
            JudgedQuestion(
                text=dialog["turns"][-1]["text"],
                passages=shown,
                is_relevant=tuple(key in right for key in shown),
            )
        )
    return JudgedQuestions(passages=passages, questions=tuple(questions))


def _passages(knowledge: dict[str, dict[str, Any]]) -> Iterator[tuple[Key, tuple[str, str]]]:
    for domain, places in knowledge.items():
        for place, known in places.items():
            title = known["name"]
            for number, item in known.get("faqs", {}).items():
                yield (
                    (domain, place, "faq", number),
                    (title, f"{item['question']} {item['answer']}"),
                )
            for number, item in known.get("reviews", {}).items():
                yield (
                    (domain, place, "review", number),
                    (title, " ".join(item["sentences"].values())),
                )
