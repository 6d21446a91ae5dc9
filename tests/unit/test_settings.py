"""Settings: read once, refused by key, value and what is allowed."""

from pathlib import Path

import pytest
import yaml

from config.settings import PACKAGED_CONFIG, load_settings
from followup.errors import SettingError


def test_the_packaged_configuration_is_valid() -> None:
    settings = load_settings()
    assert settings.models.fusion_weight_rag == 0.6
    assert settings.models.min_confidence_threshold == 0.65
    assert settings.cache.response_ttl_seconds == 1_800
    assert settings.cache.retrieval_ttl_seconds == 3_600
    assert settings.cache.model_ttl_seconds == 86_400


def test_the_gpu_models_are_valid() -> None:
    assert load_settings(models_file="models.gpu.yaml").engine.engine == "vllm"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("API_PORT", "0", r"'API_PORT' has value '0'.*greater than or equal to 1"),
        ("API_PORT", "http", r"'API_PORT' has value 'http'.*integer"),
        ("REDIS_URL", "localhost:6379", r"'REDIS_URL' has value.*redis://"),
        ("MILVUS_URI", "milvus", r"'MILVUS_URI' has value 'milvus'.*http://"),
        ("REQUEST_TIMEOUT_SECONDS", "-1", r"'REQUEST_TIMEOUT_SECONDS' has value '-1'"),
        ("LOG_LEVEL", "loud", r"'LOG_LEVEL' has value 'loud'.*'DEBUG'"),
    ],
)
def test_a_wrong_variable_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError, match=message):
        load_settings()


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("models.yaml", {"fusion_weight_rag": 2}, "'fusion_weight_rag' has value 2"),
        ("models.yaml", {"speed": 2}, "'speed' has value 2.*not permitted"),
        ("cache.yaml", {"max_entries": 0}, "'max_entries' has value 0"),
        ("scoring.yaml", {"high_intent_from": 30}, "must be below high_intent_from"),
        ("prompts/rag.yaml", {"role": "{{ lead."}, "'role' has value"),
    ],
    ids=["out of range", "unknown key", "too small", "bands", "template"],
)
def test_a_wrong_file_stops_the_start(
    tmp_path: Path, file: str, change: dict[str, object], message: str
) -> None:
    for source in PACKAGED_CONFIG.rglob("*.yaml"):
        target = tmp_path / source.relative_to(PACKAGED_CONFIG)
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text())
    path = tmp_path / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(SettingError, match=message):
        load_settings(tmp_path)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist"):
        load_settings(tmp_path)


def test_any_change_of_the_rules_changes_their_version(tmp_path: Path) -> None:
    for source in PACKAGED_CONFIG.rglob("*.yaml"):
        target = tmp_path / source.relative_to(PACKAGED_CONFIG)
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text())
    rules = tmp_path / "compliance.yaml"
    rules.write_text(rules.read_text().replace("max_words: 120", "max_words: 110"))
    assert load_settings(tmp_path).rules_version != load_settings().rules_version
