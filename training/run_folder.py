"""A fine-tuning run as a folder: what it was asked, what came of it, its curves.

`started.json` is written first, and a run that goes on must be asked the same again. `run.json` is
written last, so its existence means that the adapter beside it is whole.
"""

import io
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.training import FinetuneSettings
from followup.backends.whole_file import write_whole
from followup.errors import InvalidInputError

ADAPTER_FOLDER = "adapter"
CURVES_FILE = "curves.jsonl"
PLOT_FILE = "loss.png"
RUN_FILE = "run.json"
STARTED_FILE = "started.json"
PACKAGES = ("torch", "transformers", "peft", "accelerate", "ray", "numpy", "safetensors")
_DOTS_PER_INCH = 120


class BaseModelId(BaseModel):
    """The base model that an adapter belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str = Field(description="SHA-256 of its weights and tokenizer files.")


class RunRequest(BaseModel):
    """What a run was asked: equal requests on equal data give the same curve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: FinetuneSettings
    base_model: BaseModelId
    data_sha256: str
    prompt_version: str
    precision: str


class RunRecord(BaseModel):
    """`run.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: RunRequest
    packages: dict[str, str]
    seed: int
    num_workers: str = Field(description="Such as '1' or '2-4'.")
    num_train_rows: int
    num_validation_rows: int
    num_rows_left_out: int = Field(description="Longer than max_tokens.")
    num_opened_as_served: int = Field(description="Train rows that begin as serving makes them.")
    num_parameters: int = Field(description="Trained numbers of the adapter.")
    seconds: float = Field(description="Of the last start; a resumed run took longer in all.")
    num_steps: int
    best_step: int
    best_validation_loss: float
    final_validation_loss: float


def package_versions() -> dict[str, str]:
    """The versions that a run depends on."""
    return {name: version(name) for name in PACKAGES}


def open_run(folder: Path, request: RunRequest) -> bool:
    """Write what is asked; True when the run had begun before and goes on.

    Raises InvalidInputError for a finished run, or one that was asked something else.
    """
    if (folder / RUN_FILE).exists():
        message = f"The run '{folder}' is finished. Give another folder with -o."
        raise InvalidInputError(message, field="run")
    begun = read_started(folder)
    if begun is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / STARTED_FILE, request.model_dump_json(indent=2).encode())
        return False
    asked, before = request.model_dump(mode="json"), begun.model_dump(mode="json")
    changed = sorted(name for name in asked if asked[name] != before[name])
    if changed:
        message = (
            f"The run '{folder}' began with other values of: {', '.join(changed)}. "
            "Restore them to go on, or give another folder with -o."
        )
        raise InvalidInputError(message, field="run")
    return True


def read_started(folder: Path) -> RunRequest | None:
    """What the run in this folder was asked, or None. Raises InvalidInputError."""
    path = folder / STARTED_FILE
    try:
        return RunRequest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        message = f"'{path}' cannot be read: {error.errors()[0]['msg']}. Give another folder."
        raise InvalidInputError(message, field="run") from error


def read_run(folder: Path) -> RunRecord:
    """A finished run's record. Raises InvalidInputError."""
    path = folder / RUN_FILE
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        message = (
            f"'{folder}' holds no finished run. Make one with: "
            f"lead-assistant train finetune DATA -o {folder}"
        )
        raise InvalidInputError(message, field="run") from None
    except ValidationError as error:
        message = f"'{path}' cannot be read: {error.errors()[0]['msg']}"
        raise InvalidInputError(message, field="run") from error


def write_curves(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """curves.jsonl, one line for each log entry, and loss.png."""
    lines = "".join(json.dumps(entry) + "\n" for entry in history)
    write_whole(folder / CURVES_FILE, lines.encode())
    write_whole(folder / PLOT_FILE, _draw(history))


def _draw(history: Sequence[dict[str, Any]]) -> bytes:
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, label, style in (
        ("loss", "training", "-"),
        ("eval_loss", "validation", "o-"),
    ):
        points = [(entry["step"], entry[name]) for entry in history if name in entry]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label, markersize=4)
    axes.set_xlabel("step")
    axes.set_ylabel("loss a reply token (nats)")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH)
    return buffer.getvalue()
