"""What a training run does beside its steps: keeps the best adapter, reports, shows progress."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray.train
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from config.training import FinetuneSettings
from training.progress import write_progress

CHECKPOINT_FOLDER = "checkpoint"
BEST_FOLDER = "best"
VALIDATION_LOSS = "eval_loss"


class KeepBest(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Keeps the adapter with the lowest validation loss; stops when it has not fallen for long.

    It has no state but the Trainer's log, which a checkpoint holds: a run that goes on decides as
    if it had never stopped.
    """

    def __init__(self, trainer: Trainer, folder: Path, patience: int) -> None:
        self._trainer = trainer
        self._folder = folder
        self._patience = patience

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Called after every validation, on every worker."""
        losses = [entry[VALIDATION_LOSS] for entry in state.log_history if VALIDATION_LOSS in entry]
        best = min(range(len(losses)), key=losses.__getitem__)
        if best == len(losses) - 1:
            self._trainer.save_model(str(self._folder))
        if len(losses) - 1 - best >= self._patience:
            control.should_training_stop = True


class ReportToRay(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Hands each checkpoint to Ray Train, with the best adapter so far in it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Called on every worker; each adds its own files, so that each can go on."""
        saved = get_last_checkpoint(str(self._scratch))
        with tempfile.TemporaryDirectory() as folder:
            parts = Path(folder)
            shutil.copytree(saved, parts / CHECKPOINT_FOLDER)
            if (self._scratch / BEST_FOLDER).is_dir():
                shutil.copytree(self._scratch / BEST_FOLDER, parts / BEST_FOLDER)
            last = {name: entry[name] for entry in state.log_history for name in entry}
            ray.train.report(
                {name: last[name] for name in ("step", "loss", VALIDATION_LOSS) if name in last},
                checkpoint=ray.train.Checkpoint.from_directory(parts),
            )


class ShowProgress(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """A line now and then: step, loss, tokens a second, time left. Written by the first worker."""

    def __init__(
        self, num_tokens: Sequence[int], settings: FinetuneSettings, progress_file: Path
    ) -> None:
        self._num_tokens = num_tokens
        self._file = progress_file
        self._batch_size = settings.batch_size
        self._every = max(1, settings.evaluate_every // 2)
        self._start = (0, 0.0)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """The clock starts here, also where a run goes on."""
        self._start = (state.global_step, time.perf_counter())

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        **_: Any,
    ) -> None:
        """Called after every step and every validation."""
        if not state.is_world_process_zero:
            return
        first, began = self._start
        seconds = time.perf_counter() - began
        done = self._tokens_until(state.global_step) - self._tokens_until(first)
        rate = done / seconds if seconds > 0 else 0.0
        logs["tokens_per_second"] = round(rate, 1)
        state.log_history[-1]["tokens_per_second"] = round(rate, 1)
        if VALIDATION_LOSS in logs:
            shown = f"validation loss {logs[VALIDATION_LOSS]:.4f}"
        elif state.global_step % self._every == 0 and "loss" in logs:
            shown = f"loss {logs['loss']:.4f}"
        else:
            return
        left = (len(self._num_tokens) - state.global_step * self._batch_size) * seconds
        left_seconds = left / max(1, (state.global_step - first) * self._batch_size)
        write_progress(
            self._file,
            f"step {state.global_step}/{state.max_steps}  {shown}  {rate:,.0f} tokens/s  "
            f"{left_seconds / 60:.1f} min left",
        )

    def _tokens_until(self, step: int) -> int:
        return sum(self._num_tokens[: step * self._batch_size])
