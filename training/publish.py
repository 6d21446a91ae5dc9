"""Publish an adapter: check it, hold it to the gate, make an immutable version of it.

    lead-assistant train publish runs/techcorp --name techcorp-sales

A source is a finished run (`adapter/`, `run.json`, `evaluation.json`) or a bare PEFT folder, beside
whose files the same two may lie.
"""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from followup.adapter_gate import GateResult, GateRules, check_gate
from followup.backends.adapter_library import (
    CARD_FILE,
    MERGED_FILE,
    NAME_PATTERN,
    PEFT_FOLDER,
    AdapterCard,
    AdapterLibrary,
)
from followup.backends.adapter_merge import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    merge_into_gguf,
    read_adapter_config,
)
from followup.backends.settings import EngineSettings
from followup.errors import InvalidInputError, SettingError
from training.base_model import BaseModel
from training.run_folder import ADAPTER_FOLDER, RUN_FILE

EVALUATION_FILE = "evaluation.json"
README_FILE = "README.md"
VERSION_CHARACTERS = 12
ARTIFACT_FORMAT = "1"
"""Part of every version: raise it when the same adapter is made into other artifacts."""
# What PEFT writes into the configuration that changes nothing of what the adapter does.
IDLE_KEYS = frozenset({"base_model_name_or_path", "inference_mode", "peft_version", "revision"})


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What is published, by whom, and whether past the gate."""

    source: Path
    name: str
    published_by: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """The version's card; `is_new` is False where the same content was published before."""

    card: AdapterCard
    is_new: bool


def publish(request: PublishRequest, engine: EngineSettings, gate: GateRules) -> Published:
    """Make the version. The same content for the same base model is the same version.

    Raises InvalidInputError for a name or an adapter that cannot be published, for one that belongs
    to another base model, and for one that does not pass the gate unless forced.
    """
    library = _library(engine)
    adapter = _adapter_folder(request.source)
    version = version_of(request.source, request.name, engine)
    if library.has(version):
        return Published(library.card(version), is_new=False)
    run = _read_json(request.source, adapter, RUN_FILE)
    _check_base(run, engine)
    evaluation = _read_json(request.source, adapter, EVALUATION_FILE)
    result = check_gate(gate, evaluation)
    if not result.passed:
        if not request.force:
            message = (
                f"The adapter does not pass the gate of adapters.yaml: {result.explain()}. "
                "Publish it all the same, which its card will say, with: --force"
            )
            raise InvalidInputError(message, field="source")
        result = result.overruled()
    card = _card(request, version, engine, run=run, evaluation=evaluation, gate=result)
    is_new = library.add(version, lambda folder: _write(folder, adapter, engine.model_path, card))
    return Published(library.card(version), is_new)


def version_of(source: Path, name: str, engine: EngineSettings) -> str:
    """The version that publishing this source would make. Errors: as `publish`."""
    if re.fullmatch(NAME_PATTERN, name) is None:
        message = (
            f"'name' has value '{name}'. Allowed: lower-case letters, digits, - and _, "
            "at most 63, a letter or digit first."
        )
        raise InvalidInputError(message, field="name")
    adapter = _adapter_folder(source)
    config = read_adapter_config(adapter)
    kept = {key: _sorted(value) for key, value in config.items() if key not in IDLE_KEYS}
    with (adapter / WEIGHTS_FILE).open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    content = (ARTIFACT_FORMAT, _base_model(engine), json.dumps(kept, sort_keys=True), weights)
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()
    return f"{name}@{digest[:VERSION_CHARACTERS]}"


def _library(engine: EngineSettings) -> AdapterLibrary:
    if engine.adapters is None:
        message = "There is no folder for adapters. Set adapter_path in models.yaml."
        raise SettingError(message, field="adapter_path")
    return AdapterLibrary(engine.adapters.folder)


def _base_model(engine: EngineSettings) -> str:
    return engine.adapters.base_model if engine.adapters else engine.model_name


def _adapter_folder(source: Path) -> Path:
    return source / ADAPTER_FOLDER if (source / ADAPTER_FOLDER).is_dir() else source


def _read_json(source: Path, adapter: Path, name: str) -> dict[str, JsonValue] | None:
    """A file of the run, or one that lies beside a bare adapter's files."""
    found = [folder / name for folder in (source, adapter) if (folder / name).is_file()]
    if not found:
        return None
    try:
        content = json.loads(found[0].read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"'{found[0]}' is not JSON: {error}"
        raise InvalidInputError(message, field="source") from error
    return dict(content)


def _check_base(run: dict[str, JsonValue] | None, engine: EngineSettings) -> None:
    trained = _base_of(run)
    if trained is None:
        return
    fingerprint = BaseModel(engine).identity.fingerprint
    if trained.get("fingerprint") != fingerprint:
        message = (
            f"The adapter was trained on '{trained.get('name')}' with the fingerprint "
            f"{str(trained.get('fingerprint'))[:12]}; the base model of models.yaml is "
            f"'{engine.model_name}' with {fingerprint[:12]}. Train it on this model: "
            "lead-assistant train finetune"
        )
        raise InvalidInputError(message, field="base_model")


def _base_of(run: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    request = (run or {}).get("request")
    base = request.get("base_model") if isinstance(request, dict) else None
    return base if isinstance(base, dict) else None


def _card(
    request: PublishRequest,
    version: str,
    engine: EngineSettings,
    *,
    run: dict[str, JsonValue] | None,
    evaluation: dict[str, JsonValue] | None,
    gate: GateResult,
) -> AdapterCard:
    asked = (run or {}).get("request")
    data = asked.get("data_sha256") if isinstance(asked, dict) else None
    return AdapterCard(
        version=version,
        base_model=_base_model(engine),
        published_at=datetime.now(UTC),
        published_by=request.published_by,
        gate=gate,
        data_sha256=data if isinstance(data, str) else None,
        run=run,
        evaluation=_without_samples(evaluation),
        has_merged_weights=_is_merged(engine.model_path),
    )


def _without_samples(evaluation: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    """The measures alone: samples quote conversations, which stay with the run."""
    return evaluation and {name: value for name, value in evaluation.items() if name != "samples"}


def _is_merged(base: Path) -> bool:
    """OpenVINO serves from GGUF; the other engines take the PEFT files as they are."""
    return base.suffix == ".gguf"


def _write(folder: Path, adapter: Path, base: Path, card: AdapterCard) -> None:
    peft = folder / PEFT_FOLDER
    peft.mkdir()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        shutil.copyfile(adapter / name, peft / name)
    if card.has_merged_weights:
        merge_into_gguf(base, peft, folder / MERGED_FILE)
    (folder / README_FILE).write_text(_readme(card), encoding="utf-8")
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2), encoding="utf-8")


def _readme(card: AdapterCard) -> str:
    gate = "passed" if card.gate.passed else f"**forced** past: {card.gate.explain()}"
    lines = [
        f"# {card.version}",
        "",
        f"- Base model: {card.base_model}",
        f"- Published: {card.published_at:%Y-%m-%d %H:%M} UTC by {card.published_by}",
        f"- Training data, SHA-256: {card.data_sha256 or 'unknown'}",
        f"- Gate: {gate}",
        *(
            f"  - {check.rule}: {'unknown' if check.value is None else f'{check.value:.4g}'}"
            f" (limit {check.limit:g})"
            for check in card.gate.checks
        ),
        "",
        "Run and evaluation in full: card.json.",
    ]
    return "\n".join(lines) + "\n"


def _sorted(value: JsonValue) -> JsonValue:
    """Lists of names in one order: PEFT writes sets of modules as they come."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sorted(value, key=str)
    return value
