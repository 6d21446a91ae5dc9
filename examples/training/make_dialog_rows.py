"""python -m examples.training.make_dialog_rows FOLDER FILE [--rows N]

Turns the knowledge-seeking turns of DSTC11 track 5 (dialogs.jsonl and knowledge.json in FOLDER)
into the training CSV: what a guest asked, the sentences of reviews and FAQs that answer it, and the
reply of a person. The names of the guests are made up; the replies are as they were written.
"""

import argparse
import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from training.sources import REQUIRED

COLUMNS = ("lead_id", *REQUIRED, "company_name", "passages")
COMPANY = "Cambridge Travel Desk"
INDUSTRIES = {"hotel": "hotels", "restaurant": "restaurants"}
MAX_TURNS = 3
"""The last turns of a dialogue: what was asked and what it refers to."""


def rows_of(folder: Path) -> Iterator[dict[str, str]]:
    """One row for each reply that rests on knowledge."""
    knowledge = json.loads((folder / "knowledge.json").read_text(encoding="utf-8"))
    words = yaml.safe_load((Path(__file__).parent / "wording.yaml").read_text(encoding="utf-8"))
    for line in (folder / "dialogs.jsonl").read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        turn = json.loads(line)
        # Turns of one dialogue begin with the same words, and must stay on one side of the split.
        dialogue = hashlib.sha256(turn["turns"][0]["text"].encode()).hexdigest()[:12]
        first = turn["knowledge"][0]
        domain = first["domain"]
        entity = knowledge[domain][str(first["entity_id"])]["name"].title()
        yield {
            "lead_id": dialogue,
            "lead_name": words["first_names"][int(dialogue, 16) % len(words["first_names"])],
            "product": entity,
            "industry": INDUSTRIES.get(domain, domain),
            "lead_score": "",
            "interaction_history": _history(turn["turns"]),
            "successful_response": turn["response"],
            "company_name": COMPANY,
            "passages": json.dumps(_passages(turn["knowledge"], knowledge), ensure_ascii=False),
        }


def _history(turns: list[dict[str, str]]) -> str:
    names = {"U": "Guest", "S": "Desk"}
    return " ".join(f"{names[turn['speaker']]}: {turn['text']}" for turn in turns[-MAX_TURNS:])


def _passages(
    references: list[dict[str, Any]], knowledge: Mapping[str, Any]
) -> list[dict[str, str]]:
    """The sentences that the reply draws on, those of one review or FAQ together."""
    texts: dict[str, list[str]] = defaultdict(list)
    for item in references:
        entity = knowledge[item["domain"]][str(item["entity_id"])]
        name = entity["name"].title()
        if item["doc_type"] == "review":
            review = entity["reviews"][str(item["doc_id"])]
            texts[f"reviews/{name}/{item['doc_id']}"].append(
                review["sentences"][str(item["sent_id"])]
            )
        else:
            faq = entity["faqs"][str(item["doc_id"])]
            texts[f"faq/{name}/{item['doc_id']}"].append(f"{faq['question']} {faq['answer']}")
    return [
        {"document": document, "title": document.split("/")[1], "text": " ".join(found)}
        for document, found in texts.items()
    ]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=None, help="The first N rows only.")
    options = parser.parse_args()
    made = list(rows_of(options.folder))[: options.rows]
    with options.file.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    print(f"{len(made)} conversations in {options.file}")


if __name__ == "__main__":
    main()
