"""The commands that the README and the CI stand on exist and call what they should."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("serve", ".venv/bin/lead-assistant up --demo"),
        ("stop", ".venv/bin/lead-assistant down"),
        ("check", ".venv/bin/lint-imports"),
        ("test", '.venv/bin/pytest -m "not slow"'),
        ("test-slow", ".venv/bin/pytest -m slow"),
        ("bench", ".venv/bin/python -m benchmarks.serving"),
        ("bench-reading", ".venv/bin/python -m benchmarks.reading"),
        ("bench-retrieval", ".venv/bin/python -m benchmarks.retrieval"),
        ("bench-adapters", ".venv/bin/python -m benchmarks.adapters"),
        ("install-dev", '-e ".[cpu,postgres,dev]"'),
    ],
)
def test_a_target_runs_its_command(target: str, command: str) -> None:
    dry_run = ["make", "--dry-run", "--always-make", "--directory", str(ROOT), target]
    done = subprocess.run(dry_run, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    assert command in done.stdout


def test_the_pins_are_exact_and_have_no_local_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert lines[0].startswith("#")
    assert pins == sorted(pins, key=str.lower)
    assert all(line.count("==") == 1 and "+" not in line and "@" not in line for line in pins)


def test_ci_runs_the_checks_and_the_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.splitlines()[-2:] == ["make check", "make test"]
