"""What the documents name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "CHANGELOG.md", "docs/decisions.md", "docs/metrics.md")
PATH = re.compile(r"\b(?:followup|deployments|config|docs|tests|training|examples)/[\w./-]+\w")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    named = set(PATH.findall(text)) | set(re.findall(r"\]\((?!http)([^)#]+)\)", text))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert "@@" not in text, "a figure is still to be filled in"
