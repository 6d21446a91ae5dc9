"""The adapter commands on a folder and a database; publishing with a model: test_publish.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cluster import adapters
from cluster.cli import app
from cluster.reporting import Reporter
from config.environment import Environment
from config.settings import load_settings
from followup.adapter_gate import GateResult, GateRules
from followup.backends.adapter_library import AdapterCard, AdapterLibrary
from followup.backends.settings import EngineSettings
from training.publish import Published, PublishRequest, version_of

V1, V2 = "acme@000000000001", "acme@000000000002"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The library, with two versions."""
    library = tmp_path / "state" / "models" / "adapters"
    put(library, V1)
    put(library, V2, forced=True)
    return library


def put(library: Path, version: str, *, forced: bool = False, base_model: str = "") -> None:
    card = AdapterCard(
        version=version,
        base_model=base_model or load_settings().model_version,
        published_at=datetime.now(UTC),
        published_by="ann",
        gate=GateResult(passed=not forced, forced=forced),
        data_sha256=None,
        run=None,
        evaluation=None,
        has_merged_weights=True,
    )
    (library / version).mkdir(parents=True)
    (library / version / "card.json").write_text(card.model_dump_json())


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def ok(*arguments: str) -> str:
    result = _run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("folder")
def test_versions_are_promoted_listed_rolled_back_and_their_history_told() -> None:
    ok("adapters", "promote", V1, "--by", "ann")
    ok("adapters", "promote", V2, "--by", "bob")
    ok("adapters", "promote", V1, "--industry", "Health Care", "--alias", "canary")
    listed = ok("adapters", "list")
    first, second = listed.splitlines()
    assert first.startswith(V1)
    assert first.endswith("passed\tcanary of default/health-care")
    assert second.endswith("forced\tproduction of default")
    assert f"production of default: {V1} (before: {V2})" in ok(
        "adapters", "rollback", "--by", "cat"
    )
    rows = [line.split("\t")[1:] for line in ok("adapters", "history").splitlines()]
    assert rows == [
        ["promote", V1, "ann"], ["promote", V2, "bob", "forced"], ["rollback", V1, "cat"],
    ]  # fmt: skip
    as_json = json.loads(ok("adapters", "list", "--json"))
    assert [card["version"] for card in as_json["versions"]] == [V1, V2]
    assert {change["version"] for change in as_json["aliases"]} == {V1}


def test_a_version_that_an_alias_names_is_not_removed(folder: Path) -> None:
    ok("adapters", "promote", V1)
    refused = _run("adapters", "remove", V1)
    assert refused.exit_code == 1
    assert "production of default names" in refused.stderr
    assert (folder / V1).is_dir()
    ok("adapters", "promote", V2)
    ok("adapters", "remove", V1)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [V2]
    gone = _run("adapters", "rollback")
    assert gone.exit_code == 1
    assert f"'{V1}', was removed" in gone.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "acme@00000000000f"), "is not in"),
        (("promote", "latest"), "no adapter version"),
        (("promote", "../../etc@000000000001"), "no adapter version"),
        (("promote", V1, "--alias", "Live!"), "'alias' has value"),
        (("promote", V1, "--industry", "?"), "--industry has value '?'"),
        (("rollback",), "names no version"),
        (("remove", "acme@00000000000f"), "is not in"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_done_is_one_line_that_says_why(
    arguments: tuple[str, ...], said: str
) -> None:
    result = _run("adapters", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_version_for_another_base_model_is_not_promoted(folder: Path) -> None:
    put(folder, "other@000000000001", base_model="Qwen@0123456789ab")
    result = _run("adapters", "promote", "other@000000000001")
    assert result.exit_code == 1
    assert "published for the base model 'Qwen@0123456789ab'" in result.stderr


def test_without_an_example_adapter_a_start_publishes_nothing(tmp_path: Path) -> None:
    adapters.publish_example(load_settings(), tmp_path / "none", "default", Reporter(quiet=True))
    assert ok("adapters", "list") == ""


def test_a_start_publishes_the_example_once_and_then_leaves_the_alias_alone(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = tmp_path / "techcorp"
    example.mkdir()
    (example / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (example / "adapter_model.safetensors").write_bytes(b"weights")
    settings = load_settings()
    made: list[str] = []

    def publish(request: PublishRequest, engine: EngineSettings, gate: GateRules) -> Published:
        version = version_of(request.source, request.name, engine)
        library = AdapterLibrary(folder)
        is_new = not library.has(version)
        if is_new:
            put(folder, version)
            made.append(version)
        return Published(library.card(version), is_new)

    monkeypatch.setattr("training.publish.publish", publish)
    for _ in range(2):
        adapters.publish_example(settings, example, "default", Reporter(quiet=True))
    assert len(made) == 1
    history = ok("adapters", "history").splitlines()
    assert [line.split("\t")[1:] for line in history] == [["promote", made[0], "lead-assistant up"]]
    ok("adapters", "rollback")
    adapters.publish_example(settings, example, "default", Reporter(quiet=True))
    assert len(ok("adapters", "history").splitlines()) == 2


def test_publishing_what_is_no_adapter_says_what_is_missing(tmp_path: Path) -> None:
    result = _run("train", "publish", str(tmp_path), "--name", "acme")
    assert result.exit_code == 1
    assert "has no adapter_config.json" in result.stderr
