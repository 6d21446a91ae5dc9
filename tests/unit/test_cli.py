"""What the command line prints and how it exits; `up` and `down` run in the integration tests."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from cluster import demo, ray_cluster
from cluster.application import base_url
from cluster.cli import EXIT_FAILED, EXIT_INTERRUPTED, app
from cluster.local import UpOptions
from cluster.ray_cluster import REPLICA_PACKAGES, hash_settings, ray_environment
from cluster.reporting import Reporter
from cluster.state import StateFolder
from config.environment import Environment
from config.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", ["up", "down", "status", "ingest", "models pull", "keys list"])
def test_help_says_what_the_exit_codes_mean(command: str) -> None:
    result = _run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "1 failed or not healthy" in " ".join(result.stdout.split())


def test_a_key_is_made_listed_and_revoked() -> None:
    made = _run(
        "keys", "create", "--tenant", "acme", "--name", "crm", "--scope", "generate", "--json"
    )
    key = json.loads(made.stdout)
    assert key["token"].startswith(f"la_{key['key_id']}_")
    listed = json.loads(_run("keys", "list", "--json").stdout)
    assert [(item["key_id"], item["tenant"]) for item in listed] == [(key["key_id"], "acme")]
    assert "token" not in listed[0]
    assert _run("keys", "revoke", key["key_id"]).exit_code == 0
    assert _run("keys", "list").stdout.split("\t")[-1].strip() == "revoked"


def test_the_token_is_all_that_stands_on_stdout() -> None:
    made = _run("keys", "create", "--tenant", "acme", "--name", "crm", "--scope", "admin")
    assert made.stdout.startswith("la_")
    assert len(made.stdout.split()) == 1
    assert "cannot be shown again" in made.stderr


def test_a_known_error_is_one_line_and_no_traceback() -> None:
    result = _run("keys", "revoke", "nothing")
    assert result.exit_code == EXIT_FAILED
    assert result.stderr == (
        "error: There is no key 'nothing'. List them with: lead-assistant keys list\n"
    )


def test_a_wrong_setting_names_key_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "many")
    result = _run("status")
    assert result.exit_code == EXIT_FAILED
    assert "'API_PORT' has value 'many'" in result.stderr


def test_an_unknown_scope_is_wrong_usage() -> None:
    result = _run("keys", "create", "--tenant", "a", "--name", "b", "--scope", "fly")
    assert result.exit_code == 2


def test_an_interrupt_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cluster.local.up", interrupt)
    result = _run("up", "--config", str(ROOT / "serve_config.yaml"))
    assert result.exit_code == EXIT_INTERRUPTED
    assert "Run it again to go on" in result.stderr


def test_up_runs_with_the_models_that_the_serve_config_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[Settings, UpOptions]] = []
    monkeypatch.setattr(
        "cluster.local.up", lambda settings, options, _reporter: started.append((settings, options))
    )
    config = tmp_path / "serve.yaml"
    config.write_text(
        "applications: [{import_path: 'deployments.graph:build_app', "
        "args: {models_file: models.gpu.yaml}}]"
    )
    assert _run("up", "--config", str(config)).exit_code == 0
    [(settings, options)] = started
    assert settings.engine.engine == "vllm"
    assert options.documents is None


def test_up_refuses_embedded_parts_on_several_nodes_before_it_starts_any() -> None:
    result = _run("up", "--config", str(ROOT / "serve_config.gpu.yaml"))
    assert result.exit_code == EXIT_FAILED
    assert "DATABASE_URL is not set" in result.stderr


def test_the_models_of_another_file_can_be_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[str] = []
    monkeypatch.setattr(
        "cluster.local.pull_models",
        lambda settings, _reporter: pulled.append(settings.models.base_model.name),
    )
    assert _run("models", "pull").exit_code == 0
    assert _run("models", "pull", "--models-file", "models.gpu.yaml").exit_code == 0
    assert pulled == ["SmolLM2-135M-Instruct", "Qwen2.5-7B-Instruct"]


def test_status_of_what_never_ran_is_json_and_a_failure() -> None:
    result = _run("status", "--json")
    assert result.exit_code == EXIT_FAILED
    found = json.loads(result.stdout)
    assert not found["healthy"]
    assert {part["name"]: part["status"] for part in found["parts"]} == {
        "milvus": "stopped",
        "ray": "stopped",
        "api": "no answer",
    }


def test_stopping_what_never_ran_succeeds() -> None:
    result = _run("down")
    assert result.exit_code == 0
    assert "Nothing was running" in result.stdout


def test_a_wrong_setting_does_not_keep_the_product_from_stopping(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_PORT=many\nRATE_LIMIT=x\n")
    assert _run("status").exit_code == EXIT_FAILED
    assert _run("down").exit_code == 0


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - the point of the test
        ("::", "http://[::1]:8000"),
        ("api.internal", "http://api.internal:8000"),
    ],
)
def test_this_machine_reaches_the_api_at(host: str, url: str) -> None:
    assert base_url(Environment(_env_file=None, api_host=host)) == url


def test_the_callers_own_key_restarts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_settings(load_settings())
    monkeypatch.setenv("API_KEY", "la_1")
    assert hash_settings(load_settings()) == before
    monkeypatch.setenv("RATE_LIMIT", "1/minute")
    assert hash_settings(load_settings()) != before


@pytest.mark.parametrize("package", REPLICA_PACKAGES)
def test_changed_code_restarts_the_replicas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setattr(ray_cluster, "PROJECT", tmp_path)
    module = tmp_path / package / "parts" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("A = 1")
    settings = load_settings()
    before = hash_settings(settings)
    assert hash_settings(settings) == before
    module.write_text("A = 2")
    assert hash_settings(settings) != before


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("127.0.0.1", "True"), ("::1", "True"), ("0.0.0.0", "False"), ("192.0.2.7", "False")],  # noqa: S104 - the point of the test
)
def test_replicas_admit_callers_without_a_key_on_a_loopback_address_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, allowed: str
) -> None:
    monkeypatch.setenv("API_HOST", host)
    monkeypatch.setenv("ALLOW_KEYLESS", "true")
    environment = ray_environment(StateFolder(tmp_path), load_settings())
    assert environment["ALLOW_KEYLESS"] == allowed


def test_serve_runs_in_its_throughput_mode_unless_the_caller_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "RAY_SERVE_THROUGHPUT_OPTIMIZED"
    assert ray_environment(StateFolder(tmp_path), load_settings())[name] == "1"
    monkeypatch.setenv(name, "0")
    assert ray_environment(StateFolder(tmp_path), load_settings())[name] == "0"


def test_replicas_get_no_secret_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "s3cret")
    monkeypatch.setenv("API_KEY", "s3cret")
    assert "s3cret" not in ray_environment(StateFolder(tmp_path), load_settings()).values()


@pytest.mark.parametrize(
    ("status", "body", "failed", "said"),
    [
        pytest.param(
            200, {"message": "Hi Ann.", "retrieval_sources": ["pricing/a.pdf"]}, [],
            ["Hi Ann.", "Sources: pricing/a.pdf"], id="reply",
        ),
        pytest.param(
            503, {"error": {"code": "adapter_missing", "message": "Publish one."}}, [],
            ["note: rag: 503 adapter_missing Publish one."], id="no-adapter-yet",
        ),
        pytest.param(
            401, {"error": {"code": "unauthenticated", "message": "No key."}}, [],
            ["Set API_KEY"], id="no-key-at-hand",
        ),
        pytest.param(
            500, {"error": {"code": "internal_error", "message": "Bad."}},
            ["rag", "hybrid", "finetuned", "score"], ["500 internal_error Bad."], id="failure",
        ),
    ],
)  # fmt: skip
def test_the_examples_show_replies_and_name_failures(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: dict[str, object],
    failed: list[str],
    said: list[str],
) -> None:
    for example in demo.EXAMPLES:
        (tmp_path / f"{example.name}.json").write_text("{}")
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, json=body))
    client = httpx.Client(transport=transport, base_url="http://api")
    monkeypatch.setattr(httpx, "Client", lambda **_options: client)
    assert demo.run_demo(Environment(_env_file=None), tmp_path, Reporter()) == failed
    out = capsys.readouterr().out
    for text in said:
        assert text in out
