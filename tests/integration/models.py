"""Where the real models lie that integration tests use."""

import os
from pathlib import Path

import pytest

MODEL_CACHE_DIR = Path(
    os.environ.get("MODEL_CACHE_DIR", Path(__file__).parents[2] / ".lead-assistant" / "models")
)


def embedding_model_path() -> Path:
    """Folder of all-MiniLM-L6-v2; the test fails, naming the remedy, where it is not."""
    path = MODEL_CACHE_DIR / "all-minilm-l6-v2"
    if not path.is_dir():
        pytest.fail(f"'{path}' is missing. Run: lead-assistant models pull", pytrace=False)
    return path


def base_model_file() -> Path:
    """The GGUF file of SmolLM2-135M-Instruct; the test fails, naming the remedy, without it."""
    path = MODEL_CACHE_DIR / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q8_0.gguf"
    if not path.is_file():
        pytest.fail(f"'{path}' is missing. Run: lead-assistant models pull", pytrace=False)
    return path
