"""One worker's Trainer, without Ray: when it stops, what it keeps, how a step is shared."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from config.training import FinetuneSettings
from followup.errors import InvalidInputError, SettingError
from tests.training_data import write_tiny_model
from training.batches import training_order
from training.callbacks import BEST_FOLDER, VALIDATION_LOSS
from training.examples import Example
from training.finetune import FinetuneOptions, check_workers
from training.progress import shown_progress, write_progress
from training.worker import WorkerTask, build_trainer, split_step

EXAMPLES = [
    Example([65 + number % 20] * (5 + number % 7), [70, 71, 72 + number % 3, 257])
    for number in range(24)
]


def make_task(folder: Path, **changes: object) -> WorkerTask:
    settings = FinetuneSettings.model_validate(
        {"batch_size": 4, "evaluate_every": 1, "precision": "float32"} | changes
    )
    return WorkerTask(
        settings=settings,
        base_model=str(write_tiny_model(folder / "model")),
        train=EXAMPLES[:16],
        validation=EXAMPLES[16:],
        pad_token_id=0,
        precision=settings.precision,
        num_threads=1,
        use_gpu=False,
        progress_file=folder / "progress.log",
    )


def test_it_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(
    tmp_path: Path,
) -> None:
    task = make_task(
        tmp_path, learning_rate=0.2, num_epochs=30, patience=2, warmup_share=0.0, lora={"rank": 4}
    )
    trainer = build_trainer(task, tmp_path / "run", num_workers=1)
    trainer.train()
    losses = [
        entry[VALIDATION_LOSS] for entry in trainer.state.log_history if VALIDATION_LOSS in entry
    ]
    best = min(range(len(losses)), key=losses.__getitem__)
    assert len(losses) - 1 - best == 2
    assert trainer.state.global_step < trainer.state.max_steps == 120
    kept = load_file(tmp_path / "run" / BEST_FOLDER / "adapter_model.safetensors")
    now = trainer.model.state_dict()
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_B"
    assert not torch.equal(kept[f"{name}.weight"], now[f"{name}.default.weight"])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_only_the_adapter_learns_in_either_precision(tmp_path: Path, precision: str) -> None:
    task = make_task(tmp_path, precision=precision, learning_rate=0.02, num_epochs=3)
    trainer = build_trainer(task, tmp_path / "run", num_workers=1)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.train()
    changed = {
        name
        for name, value in trainer.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed
    assert all("lora_" in name for name in changed)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]


def test_passes_of_a_step_add_up_to_one_larger_pass(tmp_path: Path) -> None:
    curves = []
    for rows_per_pass in (4, 2, 1):
        task = make_task(tmp_path / str(rows_per_pass), rows_per_pass=rows_per_pass, num_epochs=2)
        trainer = build_trainer(task, tmp_path / str(rows_per_pass) / "run", num_workers=1)
        trainer.train()
        curves.append([e["loss"] for e in trainer.state.log_history if "loss" in e])
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
    assert curves[2] == pytest.approx(curves[0], rel=1e-4)


@pytest.mark.parametrize(
    ("workers", "expected"), [(1, (4, 3)), (2, (3, 2)), (3, (4, 1)), (4, (3, 1)), (12, (1, 1))]
)
def test_a_step_is_shared_without_rest(workers: int, expected: tuple[int, int]) -> None:
    rows, passes = split_step(FinetuneSettings(batch_size=12, rows_per_pass=4), workers)
    assert (rows, passes) == expected
    assert rows * passes * workers == 12


def test_workers_that_cannot_share_a_step_are_refused(tmp_path: Path) -> None:
    check_workers(FinetuneOptions(tmp_path, tmp_path, 1, 4), 12)
    with pytest.raises(InvalidInputError, match="which 3 workers cannot share"):
        check_workers(FinetuneOptions(tmp_path, tmp_path, 1, 4), 16)
    with pytest.raises(InvalidInputError, match="--workers has value 0-1"):
        check_workers(FinetuneOptions(tmp_path, tmp_path, 0, 1), 16)


def test_fewer_rows_than_a_step_has_are_refused() -> None:
    with pytest.raises(SettingError, match="batch_size has value 16, but there are only 3"):
        training_order([5, 6, 7], batch_size=16, num_epochs=1, seed=0)


def test_progress_shows_what_is_written_while_it_runs_and_nothing_older(tmp_path: Path) -> None:
    path = tmp_path / "progress.log"
    write_progress(path, "of an earlier start")
    shown: list[str] = []
    with shown_progress(path, shown.append):
        write_progress(path, "step 1")
        write_progress(path, "step 2")
    assert shown == ["step 1", "step 2"]
