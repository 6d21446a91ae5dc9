"""What the documents name exists: files, commands, options."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cluster.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")))
PATH = re.compile(
    r"\b(?:followup|deployments|cluster|config|docs|ingestion|tests|training|examples|benchmarks)"
    r"/[\w./-]+\w(?![\w*])"
)
LINK = re.compile(r"\]\((?!http)([^)#]+)\)")
COMMAND = re.compile(r"lead-assistant ([a-z][^`|\"#)\n]*)")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    named = {ROOT / path for path in PATH.findall(text)}
    named |= {(ROOT / name).parent / link for link in LINK.findall(text)}
    assert [path for path in sorted(named) if not path.exists()] == []
    assert "@@" not in text, "a figure is still to be filled in"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_and_option_that_a_document_names_exists(name: str) -> None:
    commands = COMMAND.findall((ROOT / name).read_text())
    unknown = {command: first_unknown(command) for command in commands}
    assert {command: word for command, word in unknown.items() if word} == {}


def first_unknown(written: str) -> str:
    """The first word that is neither a command nor one of its options; empty: none."""
    command: Any = typer.main.get_command(app)  # a class that typer does not export
    for word in written.replace("[", "").replace("]", "").split():
        commands = getattr(command, "commands", None)
        if commands:
            command = commands.get(word) or commands.get("run")  # `ingest FOLDER` is `ingest run`
            if command is None:
                return word
        elif word.startswith("-") and word not in {
            "--help",
            *(option for parameter in command.params for option in parameter.opts),
        }:
            return word
    return ""
