"""lead-assistant train evaluate RUN: the base model next to the adapter on the held-out rows."""

import asyncio
import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jinja2 import Environment, FileSystemLoader
from peft import PeftModel
from pydantic import BaseModel, ConfigDict
from transformers import AutoModelForCausalLM

from config.training import EvaluateSettings
from followup.backends.engines.protocol import Sampling
from followup.backends.engines.transformers_engine import TransformersEngine
from followup.backends.settings import EngineSettings
from followup.backends.whole_file import write_whole
from followup.compliance import check_rules
from followup.errors import InvalidInputError
from followup.grounding import check_claims, supported_share
from followup.personalization import personalization_score
from followup.validation import known_text
from training.base_model import BaseModel as TrainedModel
from training.examples import Example, PromptRules, RenderedRow, encode_rows, render_row
from training.loss import row_losses
from training.metrics import (
    Estimate,
    RowMeasures,
    chrf,
    estimate_all,
    estimate_differences,
    rouge_l,
)
from training.rows import TrainingRow, data_hash, read_prepared
from training.run_folder import ADAPTER_FOLDER, PLOT_FILE, read_run

JSON_FILE, PAGE_FILE = "evaluation.json", "evaluation.html"
_ROWS_PER_PASS = 4


class SideBySide(BaseModel):
    """One lead with both replies, as they were written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history: str
    reference: str
    base: str
    adapter: str


class Evaluation(BaseModel):
    """`evaluation.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: dict[str, Estimate]
    adapter: dict[str, Estimate]
    difference: dict[str, Estimate]
    """Adapter minus base, on the same rows."""
    num_rows: int
    base_model: str
    data_sha256: str
    sampling: str
    samples: tuple[SideBySide, ...]


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What is measured, with what."""

    run: Path
    data: Path
    engine: EngineSettings
    repetition_penalty: float


def evaluate(
    options: EvaluateOptions, settings: EvaluateSettings, rules: PromptRules
) -> Evaluation:
    """Measure both models on the test rows; writes nothing.

    Perplexity is that of the references. Replies are greedy, from the serving prompt, and are
    measured as the model wrote them, before any repair. Raises InvalidInputError for a run that is
    not finished, or that was trained on another base model or on other data.
    """
    record = read_run(options.run)
    model = TrainedModel(options.engine)
    _check_same("base model", record.request.base_model.fingerprint, model.identity.fingerprint)
    _check_same("training data", record.request.data_sha256, data_hash(options.data))
    rows = read_prepared(options.data, "test")[: settings.max_rows]
    rendered = [render_row(row, rules) for row in rows]
    examples = encode_rows(rows, rules, model.tokenizer, model.end_token_id)
    measured: dict[str, list[RowMeasures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        merged = merge_adapter(model, options.run / ADAPTER_FOLDER, Path(folder) / "merged")
        for name, path in (("base", model.folder), ("adapter", merged)):
            losses = reference_losses(path, examples, model.pad_token_id)
            engine = options.engine.model_copy(
                update={"model_path": path, "batch_invariant": False, "device": "cpu"}
            )
            texts = asyncio.run(
                write_replies(engine, rendered, settings, options.repetition_penalty)
            )
            measured[name] = [
                _measure(row, shown, text, loss, rules)
                for row, shown, text, loss in zip(rows, rendered, texts, losses, strict=True)
            ]
    base, adapter = measured["base"], measured["adapter"]
    return Evaluation(
        base=estimate_all(base, settings.num_resamples, settings.seed),
        adapter=estimate_all(adapter, settings.num_resamples, settings.seed),
        difference=estimate_differences(base, adapter, settings.num_resamples, settings.seed),
        num_rows=len(rows),
        base_model=model.identity.name,
        data_sha256=record.request.data_sha256,
        sampling=f"greedy, repetition penalty {options.repetition_penalty:g}, "
        f"at most {settings.max_new_tokens} tokens",
        samples=tuple(
            SideBySide(
                history=row.lead.interaction_history,
                reference=row.response,
                base=of_base.text,
                adapter=of_adapter.text,
            )
            for row, of_base, of_adapter in zip(rows, base, adapter, strict=True)
        )[: settings.num_samples],
    )


def write_evaluation(evaluation: Evaluation, run: Path) -> None:
    """evaluation.html and evaluation.json beside the adapter. Raises OSError."""
    write_whole(run / PAGE_FILE, render_page(evaluation, run).encode())
    write_whole(run / JSON_FILE, evaluation.model_dump_json(indent=2).encode())


def render_page(evaluation: Evaluation, run: Path) -> str:
    """The page, with the loss plot inside. It runs no script, and every text is escaped."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    plot = run / PLOT_FILE
    return environment.get_template("evaluation.html.jinja").render(
        evaluation=evaluation,
        run=run.name,
        plot=base64.b64encode(plot.read_bytes()).decode() if plot.exists() else "",
    )


def merge_adapter(model: TrainedModel, adapter: Path, target: Path) -> Path:
    """Write the base model with the adapter added to its weights, as a Hugging Face folder."""
    base = AutoModelForCausalLM.from_pretrained(model.folder, dtype=torch.float32)
    merged = PeftModel.from_pretrained(base, adapter).merge_and_unload()
    merged.save_pretrained(target)
    model.tokenizer.save_pretrained(target)
    return target


def reference_losses(
    folder: Path, examples: Sequence[Example], pad_token_id: int
) -> list[tuple[float, int]]:
    """Of each example its summed loss and its learned tokens, under the model of a folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return row_losses(
        model,
        examples,
        pad_token_id=pad_token_id,
        rows_per_pass=_ROWS_PER_PASS,
        device=torch.device("cpu"),
    )


async def write_replies(
    engine_settings: EngineSettings,
    rendered: Sequence[RenderedRow],
    settings: EvaluateSettings,
    repetition_penalty: float,
) -> list[str]:
    """One greedy reply to each prompt, the prompt's own beginning of the reply included."""
    engine = TransformersEngine(engine_settings)
    sampling = Sampling(max_tokens=settings.max_new_tokens, repetition_penalty=repetition_penalty)
    try:
        made = await asyncio.gather(*(engine.generate(row.prompt, sampling) for row in rendered))
    finally:
        await engine.close()
    return [
        row.prompt.reply_start + generation.text
        for row, generation in zip(rendered, made, strict=True)
    ]


def _measure(
    row: TrainingRow, rendered: RenderedRow, text: str, loss: tuple[float, int], rules: PromptRules
) -> RowMeasures:
    compliance, situation = rules.compliance, rendered.situation
    verdicts = check_claims(text, row.as_passages(), known_text(row.lead, situation, compliance))
    return RowMeasures(
        text=text,
        loss=loss[0],
        num_tokens=loss[1],
        chrf=chrf(text, row.response),
        rouge_l=rouge_l(text, row.response),
        rules_kept=float(not check_rules(text, row.lead, situation, compliance)),
        grounded_share=supported_share(verdicts),
        personalization=personalization_score(text, row.lead),
    )


def _check_same(what: str, trained: str, now: str) -> None:
    if trained != now:
        message = (
            f"The run was trained on another {what} ({trained[:12]}, not {now[:12]}). "
            "Name the one that it was trained on."
        )
        raise InvalidInputError(message, field="run")
