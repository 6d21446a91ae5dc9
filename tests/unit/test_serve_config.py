"""The Serve config files: Ray takes them, and they fit the models files that they name."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.serve.schema import ServeDeploySchema

from cluster.errors import StartError
from cluster.serve_config import read_arguments, write_effective_config
from config.environment import Environment
from config.settings import load_settings
from deployments.arguments import GraphArguments, load_graph_settings
from deployments.graph import build_app
from deployments.service import name_settings
from followup.errors import SettingError
from tests.fakes import FakeNodes

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "serve_config.yaml", ROOT / "serve_config.gpu.yaml"]
NODES = {"ingress", "embedder", "retriever", "generator", "validator", "batches"}
SERVERS = {
    "DATABASE_URL": "postgresql://db/leads",
    "REDIS_URL": "redis://cache",
    "MILVUS_URI": "http://milvus:19530",
    "MODEL_CACHE_DIR": "/models",
    "BATCH_DIR": "/batches",
}

both_files = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


@pytest.fixture(autouse=True)
def _no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read


def _deployments(file: Path) -> dict[str, dict[str, Any]]:
    [application] = yaml.safe_load(file.read_text())["applications"]
    return {deployment["name"]: deployment for deployment in application["deployments"]}


# Ray 2.60 says that two variables will replace this option, but does not read them yet.
@pytest.mark.filterwarnings("ignore:The `metrics_interval_s` field:DeprecationWarning")
@both_files
def test_ray_takes_the_file(file: Path) -> None:
    schema = ServeDeploySchema.model_validate(yaml.safe_load(file.read_text()))
    [application] = schema.applications
    assert {deployment.name for deployment in application.deployments} == NODES


@both_files
def test_a_full_queue_before_the_ingress_is_429_with_retry_after(file: Path) -> None:
    assert _deployments(file)["ingress"]["backpressure_config"] == {
        "status_code": 429,
        "retry_after_s": 1,
    }


@both_files
def test_every_node_scales_and_has_bounded_queues(file: Path) -> None:
    for deployment in _deployments(file).values():
        assert {"autoscaling_config", "max_ongoing_requests", "max_queued_requests"} <= set(
            deployment
        ), deployment["name"]
        assert deployment["max_queued_requests"] > 0


@both_files
def test_serve_lets_into_the_generator_what_the_engine_runs_at_once(file: Path) -> None:
    engine = load_settings(models_file=read_arguments(file).models_file).engine
    generator = _deployments(file)["generator"]
    assert generator["max_ongoing_requests"] == engine.max_running_requests


@both_files
def test_serve_waits_longer_than_any_request_may_take(file: Path) -> None:
    timeout = yaml.safe_load(file.read_text())["http_options"].get("request_timeout_s")
    assert timeout is None or timeout > 600


def test_a_generator_has_a_bundle_for_each_gpu() -> None:
    file = ROOT / "serve_config.gpu.yaml"
    engine = load_settings(models_file=read_arguments(file).models_file).engine
    bundles = _deployments(file)["generator"]["placement_group_bundles"]
    assert sum("GPU" in bundle for bundle in bundles) == engine.tensor_parallel_size


def test_the_gpu_file_names_its_models_and_refuses_embedded_parts() -> None:
    arguments = read_arguments(ROOT / "serve_config.gpu.yaml")
    assert arguments == GraphArguments(models_file="models.gpu.yaml", require_servers=True)


@pytest.mark.parametrize("missing", SERVERS)
def test_a_part_that_only_one_node_has_is_refused(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    arguments = GraphArguments(require_servers=True)
    load_graph_settings(arguments)
    monkeypatch.delenv(missing)
    with pytest.raises(SettingError, match=f"{missing} is not set"):
        build_app(arguments)
    build_app(GraphArguments())


def test_a_model_folder_that_depends_on_the_working_directory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**SERVERS, "MODEL_CACHE_DIR": "models"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=r"MODEL_CACHE_DIR has value 'models'.*absolute"):
        load_graph_settings(GraphArguments(require_servers=True))


def test_the_replicas_get_no_secret_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "API_KEY"):
        monkeypatch.setenv(name, "s3cret")
    [settings, *_nodes] = build_app(GraphArguments())._bound_deployment.init_args
    assert settings.environment.hf_token.get_secret_value() == ""
    assert settings.environment.api_key.get_secret_value() == ""


def test_passages_are_cached_under_the_settings_that_they_were_found_with() -> None:
    calls: list[tuple[str, float, str]] = []

    def nodes_for(tenant: str, deadline: float, knowledge_base_version: str) -> FakeNodes:
        calls.append((tenant, deadline, knowledge_base_version))
        return FakeNodes(load_settings().compliance, [])

    for settings_version in ("s1", "s2"):
        name_settings(nodes_for, settings_version)("acme", 1.0, "kb1")
    assert calls == [("acme", 1.0, "kb1:s1"), ("acme", 1.0, "kb1:s2")]


def test_relevance_of_another_embedding_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prompts").symlink_to(ROOT / "config" / "prompts")
    for source in (ROOT / "config").glob("*.yaml"):
        (tmp_path / source.name).write_text(source.read_text())
    models = tmp_path / "models.yaml"
    models.write_text(models.read_text().replace("name: all-MiniLM-L6-v2", "name: bge-small-en"))
    with pytest.raises(SettingError, match=r"'bge-small-en'.*python -m training\.fit_relevance"):
        build_app(GraphArguments(config_dir=tmp_path))


def _write(tmp_path: Path, text: str) -> Path:
    source = tmp_path / "serve.yaml"
    source.write_text(text)
    return source


def test_what_up_deploys_has_the_address_and_log_level_of_the_settings(tmp_path: Path) -> None:
    source = _write(
        tmp_path,
        "applications: [{name: a, import_path: 'a:b'}]\n"
        "http_options: {port: 1, root_path: /x}\nlogging_config: {encoding: JSON}\n",
    )
    environment = Environment(
        _env_file=None, api_host="127.0.0.2", api_port=8123, log_level="DEBUG"
    )
    write_effective_config(source, tmp_path / "out.yaml", environment)
    written = yaml.safe_load((tmp_path / "out.yaml").read_text())
    assert written["http_options"] == {"host": "127.0.0.2", "port": 8123, "root_path": "/x"}
    assert written["logging_config"] == {"encoding": "JSON", "log_level": "DEBUG"}


@pytest.mark.parametrize("text", [None, "[", "a: 1"], ids=["missing", "no-yaml", "no-config"])
def test_a_config_that_cannot_be_deployed_is_named(tmp_path: Path, text: str | None) -> None:
    source = tmp_path / "serve.yaml" if text is None else _write(tmp_path, text)
    with pytest.raises(StartError, match=r"serve\.yaml' (cannot be read|has no 'applications')"):
        write_effective_config(source, tmp_path / "out.yaml", Environment(_env_file=None))


@pytest.mark.parametrize(
    ("application", "message"),
    [
        ("{import_path: 'a:b'}", "has no application with import_path"),
        (
            "{import_path: 'deployments.graph:build_app', args: {models_file: /etc/x.yaml}}",
            r"serve\.yaml', args: 'models_file' has value '/etc/x.yaml'",
        ),
        (
            "{import_path: 'deployments.graph:build_app', args: {speed: 1}}",
            r"'speed' has value 1.*not permitted",
        ),
    ],
    ids=["another-application", "a-path", "unknown"],
)
def test_wrong_arguments_are_one_line(tmp_path: Path, application: str, message: str) -> None:
    source = _write(tmp_path, f"applications: [{application}]")
    with pytest.raises((SettingError, StartError), match=message) as raised:
        read_arguments(source)
    assert "\n" not in str(raised.value)
