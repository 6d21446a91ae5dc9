""".env.example says what can be set, all of it, and what holds without it."""

import re
from pathlib import Path

import pytest

from config.environment import PACKAGED_CONFIG, Environment

ROOT = Path(__file__).parents[2]
LINES = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
ASSIGNMENT = re.compile(r"# ([A-Z_]+)=(.*)")
FIELDS = sorted(name.upper() for name in Environment.model_fields)


def _shown() -> dict[str, str]:
    found = [match for line in LINES if (match := ASSIGNMENT.fullmatch(line))]
    return {match[1]: match[2] for match in found}


def test_it_lists_exactly_the_variables_that_are_read() -> None:
    assert sorted(_shown()) == FIELDS


@pytest.mark.parametrize("name", FIELDS)
def test_a_variable_has_one_line_of_explanation(name: str) -> None:
    [at] = [number for number, line in enumerate(LINES) if line.startswith(f"# {name}=")]
    assert re.fullmatch(r"# \S.{10,}\.", LINES[at - 1])
    assert not ASSIGNMENT.fullmatch(LINES[at - 1])


def test_what_it_shows_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "env"
    file.write_text("\n".join(f"{name}={value}" for name, value in _shown().items()))
    shown = Environment(_env_file=file)
    assert (ROOT / shown.config_dir).resolve() == PACKAGED_CONFIG.resolve()
    assert shown.model_cache_dir == shown.state_dir / "models"
    defaults = Environment(_env_file=None)
    folders = {"config_dir", "model_cache_dir"}
    assert shown.model_dump(exclude=folders) == defaults.model_dump(exclude=folders)
