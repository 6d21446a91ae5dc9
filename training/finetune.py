"""lead-assistant train finetune DATA -o RUN: an adapter, trained on Ray Train.

Started again with the same folder after a kill, a run goes on from its last checkpoint.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import torch
from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from safetensors.torch import load_file, save

from config.training import FinetuneSettings
from followup.backends.whole_file import write_whole
from followup.errors import InvalidInputError
from training.base_model import BaseModel
from training.callbacks import BEST_FOLDER, CHECKPOINT_FOLDER, VALIDATION_LOSS
from training.examples import Example, PromptRules, encode_rows, render_row, within
from training.precision import choose_precision
from training.progress import shown_progress
from training.rows import data_hash, read_prepared
from training.run_folder import (
    ADAPTER_FOLDER,
    RUN_FILE,
    RunRecord,
    RunRequest,
    open_run,
    package_versions,
    read_started,
    write_curves,
)
from training.worker import WorkerTask, train_worker

RAY_FOLDER = "ray"
PROGRESS_FILE = "progress.log"
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_NUM_CHECKPOINTS_KEPT = 2
WORKER_ENVIRONMENT = {
    # glibc gives large buffers back to the system after each use and takes them anew, page by page.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024**3),
    "MALLOC_TOP_PAD_": str(256 * 1024**2),
    # Threads that wait give way: on a busy machine they would hold back those that they wait for.
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True, slots=True)
class FinetuneOptions:
    """Where a run reads and writes, and on what it runs."""

    data: Path
    run: Path
    min_workers: int = 1
    max_workers: int = 1
    use_gpu: bool = False
    cores_per_worker: int = 1


def check_workers(options: FinetuneOptions, batch_size: int) -> None:
    """Raise InvalidInputError for a range of workers that cannot share `batch_size` rows."""
    low, high = options.min_workers, options.max_workers
    if not 1 <= low <= high:
        message = f"--workers has value {low}-{high}. Allowed: a number, or MIN-MAX, from 1 up."
        raise InvalidInputError(message, field="workers")
    unfit = [count for count in range(low, high + 1) if batch_size % count]
    if unfit:
        message = (
            f"finetune.batch_size has value {batch_size}, which {unfit[0]} workers cannot share "
            f"evenly. Set a multiple of every number from {low} to {high} in training.yaml."
        )
        raise InvalidInputError(message, field="batch_size")


def finetune(
    options: FinetuneOptions,
    settings: FinetuneSettings,
    rules: PromptRules,
    base: BaseModel,
    show: Callable[[str], None],
) -> RunRecord:
    """Train an adapter; its record, as run.json holds it. Ray must be initialised.

    `show` gets a line of progress now and then.

    Raises InvalidInputError and SettingError before anything is trained, and
    ray.train.TrainingFailedError when workers failed too often.
    """
    check_workers(options, settings.batch_size)
    examples = read_examples(options.data, settings, rules, base)
    begun = read_started(options.run)
    task = make_task(examples, options, settings, base, begun.precision if begun else None)
    request = RunRequest(
        settings=settings,
        base_model=base.identity,
        data_sha256=data_hash(options.data),
        prompt_version=rules.templates.version,
        precision=task.precision,
    )
    open_run(options.run, request)
    start = time.perf_counter()
    with shown_progress(task.progress_file, show):
        result = train_on_ray(task, options)
    history = _keep(result, options.run, settings.lora.saved_as, base.identity.name)
    losses = {e["step"]: e[VALIDATION_LOSS] for e in history if VALIDATION_LOSS in e}
    best_step = min(losses, key=lambda step: losses[step])
    record = RunRecord(
        request=request,
        packages=package_versions(),
        seed=settings.seed,
        num_workers=_range(options),
        num_train_rows=len(task.train),
        num_validation_rows=len(task.validation),
        num_rows_left_out=examples.num_left_out,
        num_opened_as_served=examples.num_opened_as_served,
        num_parameters=_num_parameters(options.run / ADAPTER_FOLDER),
        seconds=round(time.perf_counter() - start, 1),
        num_steps=max(entry["step"] for entry in history),
        best_step=best_step,
        best_validation_loss=losses[best_step],
        final_validation_loss=losses[max(losses)],
    )
    write_whole(options.run / RUN_FILE, record.model_dump_json(indent=2).encode())
    shutil.rmtree(options.run / RAY_FOLDER)
    return record


@dataclass(frozen=True, slots=True)
class RunExamples:
    """The rows of a run as token ids."""

    train: list[Example]
    validation: list[Example]
    num_left_out: int
    num_opened_as_served: int


def read_examples(
    data: Path, settings: FinetuneSettings, rules: PromptRules, base: BaseModel
) -> RunExamples:
    """The training and validation rows that fit. Raises InvalidInputError where none does."""
    rows = {split: read_prepared(data, split) for split in ("train", "validation")}
    fitting = {}
    for split, found in rows.items():
        encoded = encode_rows(found, rules, base.tokenizer, base.end_token_id)
        fitting[split] = within(encoded, settings.max_tokens)
        if not fitting[split]:
            message = (
                f"No {split} row has at most {settings.max_tokens} tokens (finetune.max_tokens)."
            )
            raise InvalidInputError(message, field="max_tokens")
    return RunExamples(
        train=fitting["train"],
        validation=fitting["validation"],
        num_left_out=sum(len(rows[split]) - len(fitting[split]) for split in rows),
        num_opened_as_served=sum(render_row(row, rules).opens_as_served for row in rows["train"]),
    )


def make_task(
    examples: RunExamples,
    options: FinetuneOptions,
    settings: FinetuneSettings,
    base: BaseModel,
    begun_in: str | None,
) -> WorkerTask:
    """What the workers get. `begun_in` is the precision of a run that goes on."""
    precision = begun_in or choose_precision(
        str(base.folder), settings, examples.train, use_gpu=options.use_gpu
    )
    return WorkerTask(
        settings=settings,
        base_model=str(base.folder),
        train=examples.train,
        validation=examples.validation[: settings.max_validation_rows],
        pad_token_id=base.pad_token_id,
        precision=precision,
        num_threads=options.cores_per_worker,
        use_gpu=options.use_gpu,
        progress_file=(options.run / PROGRESS_FILE).absolute(),
    )


def train_on_ray(task: WorkerTask, options: FinetuneOptions) -> ray.train.Result:
    """Run the workers to the end. The same folder goes on where an earlier start was ended."""
    low, high = options.min_workers, options.max_workers
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={"task": ray.put(task)},
        scaling_config=ScalingConfig(
            num_workers=low if low == high else (low, high),
            use_gpu=options.use_gpu,
            resources_per_worker={
                "CPU": options.cores_per_worker,
                **({"GPU": 1} if options.use_gpu else {}),
            },
        ),
        run_config=RunConfig(
            name=RAY_FOLDER,
            storage_path=str(options.run.absolute()),
            worker_runtime_env={"env_vars": WORKER_ENVIRONMENT},
            failure_config=FailureConfig(max_failures=task.settings.max_worker_failures),
            checkpoint_config=CheckpointConfig(num_to_keep=_NUM_CHECKPOINTS_KEPT),
        ),
    )
    return trainer.fit()


def _keep(
    result: ray.train.Result, run: Path, saved_as: str, base_name: str
) -> list[dict[str, Any]]:
    """Take adapter and curves out of the last checkpoint; returns the Trainer's log."""
    assert result.checkpoint is not None  # noqa: S101 - every run validates and saves at its end
    with result.checkpoint.as_directory() as folder:
        saved = Path(folder)
        unfinished = run / f".{ADAPTER_FOLDER}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        _save_as(saved / BEST_FOLDER, unfinished, saved_as, base_name)
        shutil.rmtree(run / ADAPTER_FOLDER, ignore_errors=True)
        unfinished.rename(run / ADAPTER_FOLDER)
        state = json.loads((saved / CHECKPOINT_FOLDER / "trainer_state.json").read_text())
    history: list[dict[str, Any]] = state["log_history"]
    write_curves(run, history)
    return history


def _save_as(source: Path, target: Path, number_format: str, base_name: str) -> None:
    """The adapter in another number format. Its base is named, not where it lies here."""
    config = json.loads((source / CONFIG_FILE).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_name
    (target / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tensors = load_file(source / WEIGHTS_FILE)
    converted = {name: value.to(getattr(torch, number_format)) for name, value in tensors.items()}
    (target / WEIGHTS_FILE).write_bytes(save(converted, metadata={"format": "pt"}))


def _num_parameters(adapter: Path) -> int:
    return sum(value.numel() for value in load_file(adapter / WEIGHTS_FILE).values())


def _range(options: FinetuneOptions) -> str:
    low, high = options.min_workers, options.max_workers
    return str(low) if low == high else f"{low}-{high}"
