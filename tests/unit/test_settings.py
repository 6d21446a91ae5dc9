"""Settings: read once, refused by key, value and what is allowed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from config import settings as settings_module
from config.environment import PACKAGED_CONFIG, Environment
from config.models_file import LocalSource, ModelsFile, ModelSpec, model_version
from config.settings import Settings, load_settings
from followup.approval import ApprovalRules
from followup.backends.relevance import load_relevance_model
from followup.backends.reranking import load_feature_weights
from followup.backends.settings import (
    CacheOptions,
    CacheSettings,
    DatabaseSettings,
    EmbedderOptions,
    EmbedderSettings,
    EngineOptions,
    EngineSettings,
    VectorStoreSettings,
)
from followup.errors import SettingError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the packaged configuration."""
    for source in PACKAGED_CONFIG.rglob("*.yaml"):
        target = tmp_path / source.relative_to(PACKAGED_CONFIG)
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text())
    return tmp_path


def _change(path: Path, keys: str, value: object) -> None:
    """Set a value in a YAML file; `keys` are joined by dots."""
    data = yaml.safe_load(path.read_text())
    *above, last = keys.split(".")
    section: dict[str, Any] = data
    for key in above:
        section = section[key]
    section[last] = value
    path.write_text(yaml.safe_dump(data))


def test_the_packaged_configuration_is_valid() -> None:
    settings = load_settings()
    assert settings.models.fusion_weight_rag == 0.6
    assert settings.models.min_confidence_threshold == 0.65
    assert settings.cache.response_ttl_seconds == 1_800
    assert settings.cache.retrieval_ttl_seconds == 3_600
    assert settings.cache.model_ttl_seconds == 86_400


def test_the_packaged_files_say_what_holds_without_them() -> None:
    settings = load_settings()
    assert settings.approval == ApprovalRules()
    assert settings.models.engine == EngineOptions()
    assert settings.models.embedder == EmbedderOptions()
    assert settings.cache.model_dump(exclude={"redis_url"}) == CacheOptions().model_dump()


def test_the_gpu_models_are_valid() -> None:
    assert load_settings(models_file="models.gpu.yaml").engine.engine == "vllm"


def _models(kind: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and those that its fields are, each once."""
    found = [kind]
    for field in kind.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += [model for model in _models(field.annotation) if model not in found]
    return found


@pytest.mark.parametrize(
    "kind",
    [Environment, *_models(ModelsFile), ApprovalRules, CacheSettings, DatabaseSettings,
     EmbedderSettings, EngineSettings, Settings, VectorStoreSettings],
    ids=lambda kind: kind.__name__,
)  # fmt: skip
def test_every_field_says_what_it_controls(kind: type[BaseModel]) -> None:
    silent = [name for name, field in kind.model_fields.items() if not field.description]
    assert silent == []


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("API_PORT", "0", r"'API_PORT' has value '0'.*greater than or equal to 1"),
        ("API_PORT", "http", r"'API_PORT' has value 'http'.*integer"),
        ("REDIS_URL", "localhost:6379", r"'REDIS_URL' has value.*redis://"),
        ("MILVUS_URI", "milvus", r"'MILVUS_URI' has value 'milvus'.*http://"),
        ("REQUEST_TIMEOUT_SECONDS", "-1", r"'REQUEST_TIMEOUT_SECONDS' has value '-1'"),
        ("LOG_LEVEL", "loud", r"'LOG_LEVEL' has value 'loud'.*'DEBUG'"),
        ("RATE_LIMIT", "x", r"'RATE_LIMIT' has value 'x'.*such as 60/minute"),
        ("ALLOW_KEYLESS", "perhaps", r"'ALLOW_KEYLESS' has value 'perhaps'"),
    ],
)
def test_a_wrong_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=message):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REDIS_URL", "http://user:s3cret@cache:6379"),
        ("REDIS_URL", "user:s3cret@cache:6379"),
        ("REDIS_URL", "cache:6379?password=s3cret"),
        ("REDIS_URL", "http://user:p@s3cret@cache:6379"),
        ("MILVUS_URI", "milvus://root:s3cret@milvus"),
        ("MILVUS_URI", "http://root:s3cret@milvus"),
    ],
    ids=["scheme", "no-scheme", "query", "two-ats", "milvus", "milvus-user"],
)
def test_a_secret_in_a_wrong_variable_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=f"'{variable}' has value '.*\\*\\*\\*") as raised:
        load_settings()
    assert "s3cret" not in str(raised.value)


def test_secrets_stand_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:s3cret@db/leads")
    monkeypatch.setenv("REDIS_URL", "redis://:s3cret@cache")
    for name in ("MILVUS_TOKEN", "HF_TOKEN", "API_KEY"):
        monkeypatch.setenv(name, "s3cret")
    assert "s3cret" not in repr(load_settings())


@pytest.mark.parametrize(
    ("file", "keys", "value", "message"),
    [
        ("models.yaml", "fusion_weight_rag", 2, "'fusion_weight_rag' has value 2"),
        ("models.yaml", "speed", 2, "'speed' has value 2.*not permitted"),
        ("models.yaml", "engine.context_tokens", 10, r"'engine\.context_tokens' has value 10"),
        ("models.yaml", "embedder.batch_size", 0, r"'embedder\.batch_size' has value 0"),
        ("cache.yaml", "max_entries", 0, "'max_entries' has value 0"),
        ("approval.yaml", "random_share", 1.1, r"'random_share' has value 1\.1"),
        ("approval.yaml", "situations", ["angry"], r"'situations\.0' has value 'angry'"),
        ("approval.yaml", "unsound_edits", "send", "'unsound_edits' has value 'send'"),
        ("scoring.yaml", "high_intent_from", 30, "must be below high_intent_from"),
        ("prompts/rag.yaml", "role", "{{ lead.", "'role' has value"),
        (
            "models.yaml",
            "base_model.source",
            {"kind": "hub", "repo_id": "a/b", "revision": "main"},
            r"'base_model\.source\.hub\.revision' has value 'main'",
        ),
    ],
    ids=[
        "range",
        "unknown",
        "engine",
        "embedder",
        "small",
        "share",
        "situation",
        "edits",
        "bands",
        "template",
        "branch",
    ],
)
def test_a_wrong_file_stops_the_start(
    folder: Path, file: str, keys: str, value: object, message: str
) -> None:
    _change(folder / file, keys, value)
    with pytest.raises(SettingError, match=message) as raised:
        load_settings(folder)
    assert str(raised.value).startswith(f"'{folder / file}': ")


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("file", "keys", "value"),
    [
        ("models.yaml", "min_confidence_threshold", 0.5),
        ("models.yaml", "sampling.seed", 21),
        ("models.yaml", "sampling.repetition_penalty", 1.2),
        ("models.yaml", "sampling.top_p", 0.8),
        ("models.yaml", "fusion_weight_rag", 0.5),
        ("models.yaml", "require_grounding", False),
        ("models.yaml", "embedding_model.name", "another"),
        ("models.yaml", "embedding_model.source.sha256", "0" * 64),
        ("models.yaml", "engine.engine", "transformers"),
        ("models.yaml", "engine.batch_invariant", False),
        ("models.yaml", "embedder.precision", "float32"),
        ("scoring.yaml", "high_intent_from", 71),
        ("compliance.yaml", "max_words", 110),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else None,
)
def test_what_shapes_a_reply_changes_the_version(
    folder: Path, file: str, keys: str, value: object
) -> None:
    before = load_settings(folder).settings_version
    _change(folder / file, keys, value)
    assert load_settings(folder).settings_version != before


def _another_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "version", lambda _name: "99.0")


def _another_relevance(monkeypatch: pytest.MonkeyPatch) -> None:
    relevance = load_relevance_model().model_copy(update={"intercept": -1.0})
    monkeypatch.setattr(settings_module, "load_relevance_model", lambda: relevance)


def _another_reranking(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = load_feature_weights().model_copy(update={"weights": {"cosine": 1.0}})
    monkeypatch.setattr(settings_module, "load_feature_weights", lambda: weights)


def _another_ranking(field: str, value: float) -> Callable[[pytest.MonkeyPatch], None]:
    def change(monkeypatch: pytest.MonkeyPatch) -> None:
        ranking = VectorStoreSettings.model_validate({"uri": "http://milvus", field: value})
        monkeypatch.setattr(settings_module, "_vector_store", lambda _environment: ranking)

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_another_distribution, id="distribution"),
        pytest.param(_another_relevance, id="relevance"),
        pytest.param(_another_ranking("dense_weight", 0.5), id="dense_weight"),
        pytest.param(_another_ranking("num_candidates", 40), id="num_candidates"),
        pytest.param(_another_ranking("relevance_weight", 0.5), id="relevance_weight"),
        pytest.param(_another_reranking, id="reranking"),
    ],
)
def test_what_the_package_brings_changes_the_version(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    before = load_settings().settings_version
    change(monkeypatch)
    assert load_settings().settings_version != before


def test_equal_settings_have_equal_versions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings()
    monkeypatch.setenv("MODEL_CACHE_DIR", "/elsewhere")
    monkeypatch.setenv("MILVUS_URI", "http://milvus")
    _change(folder / "models.yaml", "engine.kv_cache_gib", 7)
    after = load_settings(folder)
    assert after.settings_version == before.settings_version
    assert after.model_version == before.model_version
    assert len(before.settings_version) == 12


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "file"])
def test_a_changed_local_model_has_another_version(tmp_path: Path, *, is_folder: bool) -> None:
    spec = ModelSpec(name="own", path=Path("own"), source=LocalSource(kind="local"))
    target = tmp_path / "own"
    if is_folder:
        target.mkdir()
    file = target / "weights" if is_folder else target
    file.write_text("one")
    first = model_version(spec, tmp_path)
    assert model_version(spec, tmp_path) == first
    modified = file.stat().st_mtime_ns
    file.write_text("two")
    os.utime(file, ns=(modified + 1, modified + 1))
    second = model_version(spec, tmp_path)
    file.write_text("three")
    os.utime(file, ns=(modified + 1, modified + 1))
    assert len({first, second, model_version(spec, tmp_path)}) == 3
