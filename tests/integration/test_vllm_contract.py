"""The engine contract, and adapters, on vLLM's CPU build, which lives in an environment of its own.

Its pins exclude the project's others, so the contract runs there in a process of its own. The
environment is made by `make test-slow`; VLLM_PYTHON names its interpreter.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.published_adapters import published_versions

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("VLLM_PYTHON", ROOT / ".venv-vllm" / "bin" / "python"))
TIMEOUT_SECONDS = 1_500


pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_SECONDS + 60)]


def test_vllm_keeps_the_engine_contract() -> None:
    run_on_vllm("tests/integration/test_engine_contract.py")


def test_vllm_writes_with_each_adapter_what_it_writes_alone() -> None:
    published_versions(4)  # with this environment's packages, where they are not there yet
    run_on_vllm("tests/integration/test_engine_adapters.py", "-k", "alone")


def run_on_vllm(*tests: str) -> None:
    if not PYTHON.is_file():
        pytest.fail(f"'{PYTHON}' is missing. Make it and run this with: make test-slow")
    contract = [
        *(str(PYTHON), "-m", "pytest", *tests),
        # The conftest starts the whole graph for other tests, on packages that are not there.
        # vLLM's own imports warn; in this project warnings are errors.
        *("-W", "default", "-v", "--timeout", "600", "-p", "no:cacheprovider", "--noconftest"),
    ]
    done = subprocess.run(  # noqa: S603
        contract,
        cwd=ROOT,
        env={**os.environ, "CONTRACT_ENGINES": "vllm"},
        timeout=TIMEOUT_SECONDS,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-4_000:]
    assert "skipped" not in done.stdout
