"""What each worker of a training run does: the transformers Trainer on its share of each step."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray.train
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    Trainer,
    TrainerControl,
    TrainingArguments,
    set_seed,
)

from config.training import FinetuneSettings
from training.batches import OrderedExamples, collate, training_order
from training.callbacks import (
    BEST_FOLDER,
    CHECKPOINT_FOLDER,
    VALIDATION_LOSS,
    KeepBest,
    ReportToRay,
    ShowProgress,
)
from training.examples import Example
from training.loss import reply_losses, row_losses


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker needs to know; it is sent to each."""

    settings: FinetuneSettings
    base_model: str
    """Hugging Face folder, at the same path on every node."""
    train: Sequence[Example]
    validation: Sequence[Example]
    pad_token_id: int
    precision: str
    num_threads: int
    use_gpu: bool
    progress_file: Path
    """Where the first worker writes lines for people; on every node, as the run's folder is."""


def train_worker(config: dict[str, Any]) -> None:
    """Entry point of a Ray Train worker; `config["task"]` is a reference to a WorkerTask."""
    task: WorkerTask = ray.get(config["task"])
    context = ray.train.get_context()
    torch.set_num_threads(task.num_threads)
    set_seed(task.settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        resumed = _restore(scratch)
        trainer = build_trainer(task, scratch, context.get_world_size())
        trainer.add_callback(ReportToRay(scratch))
        trainer.train(resume_from_checkpoint=resumed)


def _restore(scratch: Path) -> str | None:
    """Copy the last checkpoint into the worker's own folder; where it then lies, or None."""
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        return None
    with checkpoint.as_directory() as saved:
        shutil.copytree(saved, scratch, dirs_exist_ok=True)
    return str(scratch / CHECKPOINT_FOLDER)


def build_trainer(task: WorkerTask, scratch: Path, num_workers: int) -> "ReplyTrainer":
    """The Trainer of one worker, of `num_workers`, which writes to `scratch`."""
    settings = task.settings
    order = training_order(
        [example.num_tokens for example in task.train],
        settings.batch_size,
        settings.num_epochs,
        settings.seed,
    )
    trainer = ReplyTrainer(
        model=adapted_model(task.base_model, task.precision, settings),
        args=_arguments(task, scratch, num_workers),
        train_dataset=OrderedExamples(task.train, order),
        eval_dataset=OrderedExamples(task.validation, range(len(task.validation))),
        data_collator=lambda rows: collate(rows, task.pad_token_id),
    )
    trainer.task = task
    trainer.add_callback(KeepBest(trainer, scratch / BEST_FOLDER, settings.patience))
    num_tokens = [task.train[index].num_tokens for index in order]
    trainer.add_callback(ShowProgress(num_tokens, settings, task.progress_file))
    return trainer


def _arguments(task: WorkerTask, scratch: Path, num_workers: int) -> TrainingArguments:
    settings = task.settings
    rows_per_pass, num_passes = split_step(settings, num_workers)
    return TrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=1,  # the order holds every epoch
        per_device_train_batch_size=rows_per_pass,
        gradient_accumulation_steps=num_passes,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=settings.warmup_share,
        weight_decay=settings.weight_decay,
        train_sampling_strategy="sequential",
        gradient_checkpointing=settings.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        eval_strategy="steps",
        eval_steps=settings.evaluate_every,
        save_strategy="steps",
        save_steps=settings.evaluate_every,
        save_total_limit=1,
        logging_steps=1,
        seed=settings.seed,
        use_cpu=not task.use_gpu,
        ddp_backend="gloo" if num_workers > 1 and not task.use_gpu else None,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=task.use_gpu,
        fsdp=settings.fsdp is not None,
        fsdp_config=settings.fsdp,
        deepspeed=settings.deepspeed,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to=[],
    )


def split_step(settings: FinetuneSettings, num_workers: int) -> tuple[int, int]:
    """Rows that a worker computes at once, and how often, for a step of `batch_size` rows.

    `batch_size` must be a multiple of `num_workers`, which `check_workers` has seen to.
    """
    share = settings.batch_size // num_workers
    fitting = range(1, min(settings.rows_per_pass, share) + 1)
    rows = max(size for size in fitting if share % size == 0)
    return rows, share // rows


def adapted_model(base_model: str, precision: str, settings: FinetuneSettings) -> PeftModel:
    """The frozen base model in its precision, with a new adapter in float32."""
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=getattr(torch, precision))
    lora = settings.lora
    targets = lora.target_modules
    adapter = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, adapter)
    for module in adapted.modules():
        if isinstance(module, BaseTunerLayer):
            # Left on, every layer copies its input to float32 and back: half the time of a step.
            module.cast_input_dtype_enabled = False
    return adapted


class ReplyTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer whose loss is the mean over the reply tokens of a whole step, of all workers."""

    task: WorkerTask
    control: TrainerControl
    loss_is_scaled_for_ga = True

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        """Sum of this pass over the tokens of the step. Workers' gradients are averaged, so the
        loss is multiplied by their number: the sum of their shares is the mean over the step."""
        losses, counts = reply_losses(model, inputs)
        tokens = counts.sum() if num_items_in_batch is None else num_items_in_batch
        loss: Tensor = losses.sum() / tokens * self.accelerator.num_processes
        return loss

    def evaluate(self, *_args: Any, **_options: Any) -> dict[str, float]:
        """Mean loss over all reply tokens of the validation rows, each worker on its share."""
        self.model.eval()
        task = self.task
        rank, num_workers = self.args.process_index, self.args.world_size
        mine = [example for example in list(task.validation)[rank::num_workers]]
        found = row_losses(
            self.model,
            mine,
            pad_token_id=task.pad_token_id,
            rows_per_pass=task.settings.rows_per_pass,
            device=self.args.device,
        )
        totals = torch.tensor(
            [sum(loss for loss, _ in found), sum(count for _, count in found)],
            dtype=torch.float64,
            device=self.args.device,
        )
        loss, count = self.accelerator.reduce(totals, reduction="sum").tolist()
        self.model.train()
        metrics = {VALIDATION_LOSS: loss / count}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics
