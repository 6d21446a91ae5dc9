"""Versions of random adapters, published for the real base model; made once for all tests."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from followup.adapter_gate import GateRules
from followup.backends.settings import EngineSettings
from tests.integration.models import MODEL_CACHE_DIR, base_model_file
from tests.integration.random_adapters import random_adapter
from training.publish import PublishRequest, publish, version_of

BASE_MODEL = "SmolLM2-135M-Instruct@0123456789ab"
FOLDER = Path(os.environ.get("TEST_ADAPTERS", MODEL_CACHE_DIR / "test-adapters"))
NO_GATE = GateRules()


def engine_settings(folder: Path, engine: str = "openvino", **adapters: object) -> EngineSettings:
    """Settings of an engine that finds its adapters in a folder."""
    return EngineSettings.model_validate(
        {
            "engine": engine,
            "model_name": "SmolLM2-135M-Instruct",
            "model_path": base_model_file(),
            "context_tokens": 1_024,
            "kv_cache_gib": 1,
            "adapters": {"folder": folder, "base_model": BASE_MODEL, **adapters},
        }
    )


@cache
def published(number: int) -> str:
    """The version of the `number`th random adapter in FOLDER. Made once: that takes seconds."""
    source = FOLDER / "sources" / str(number)
    if not source.is_dir():
        random_adapter(source, seed=100 + number)
    settings = engine_settings(FOLDER)
    request = PublishRequest(source, f"random-{number}", "the tests", force=True)
    publish(request, settings, NO_GATE)
    return version_of(source, request.name, settings)


def published_versions(count: int) -> Sequence[str]:
    """The first few."""
    return [published(number) for number in range(count)]
