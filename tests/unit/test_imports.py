"""Importing any module does nothing: no output, no Ray, no event loop, no file written."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("followup", "deployments", "training", "ingestion", "cluster", "config", "benchmarks")
# Alembic runs this file on import, by its own convention; the vLLM engine needs the gpu extra.
EXCEPTIONS = {"followup.backends.migrations.env", "followup.backends.engines.vllm_engine"}
SLOW_TO_IMPORT = {
    *("config.settings", "matplotlib", "numpy", "pandas", "pyarrow", "pymilvus", "ray", "redis"),
    *("scipy", "sqlalchemy", "torch", "transformers"),
}
CHECK = """
import importlib, logging, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
ray = sys.modules.get("ray")
assert ray is None or not ray.is_initialized(), "an import started Ray"
assert not logging.getLogger().handlers, "an import set up logging"
"""


def modules() -> list[str]:
    names = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "versions" not in parts:
                names.append(".".join(part for part in parts if part != "__init__"))
    return sorted(set(names) - EXCEPTIONS)


@pytest.mark.timeout(120)
def test_importing_every_module_does_nothing() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", CHECK, *modules()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_of_modules_is_a_package(package: str) -> None:
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    without = [
        folder
        for folder in folders
        if not (folder / "__init__.py").exists() and "migrations" not in folder.parts
    ]
    assert without == []


def test_the_import_contract_names_every_file_of_the_logic() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    named = {name for item in contracts["contracts"] for name in item.get("source_modules", [])}
    files = {f"followup.{path.stem}" for path in (ROOT / "followup").glob("*.py")}
    assert files - {"followup.__init__"} <= named


@pytest.mark.parametrize(
    "module", ["cluster.cli", "benchmarks.grounding", "benchmarks.ingest", "benchmarks.retrieval"]
)
def test_what_a_person_waits_for_starts_without_the_libraries_that_take_seconds(
    module: str,
) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert SLOW_TO_IMPORT & loaded == set()
