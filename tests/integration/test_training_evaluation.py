"""`train evaluate` on a tiny model, and what the metrics say of known texts."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from config.reading import read_yaml
from config.settings import load_settings
from config.training import EvaluateSettings, FinetuneSettings, TrainingSettings
from followup.errors import InvalidInputError
from tests.training_data import conversation, tiny_engine, write_csv, write_tiny_model
from training.base_model import BaseModel
from training.evaluate import EvaluateOptions, evaluate, write_evaluation
from training.examples import PromptRules
from training.metrics import (
    RowMeasures,
    chrf,
    distinct_2,
    estimate_all,
    estimate_differences,
    rouge_l,
)
from training.prepare import prepare, write_prepared
from training.rows import data_hash
from training.run_folder import RunRecord, RunRequest
from training.sources import read_source

METRICS = {
    "perplexity", "chrf", "rouge_l", "rules_kept", "grounded_share", "personalization",
    "num_words", "distinct_2",
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def rules() -> PromptRules:
    settings = load_settings()
    return PromptRules(settings.prompts, settings.scoring, settings.compliance)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, rules: PromptRules) -> EvaluateOptions:
    """A finished run of a tiny model whose adapter has random weights."""
    folder = tmp_path_factory.mktemp("evaluation")
    engine = tiny_engine(write_tiny_model(folder / "model"))
    rows = [
        conversation(number, interaction_history=f"Asked about {HOSTILE} in call {number}.")
        for number in range(30)
    ]
    source = read_source(write_csv(folder / "rows.csv", rows), "TechCorp")
    asked = read_yaml(Path("config/training.yaml"), TrainingSettings).prepare
    found = prepare(
        [source], asked.model_copy(update={"min_rows": 3, "test_share": 0.3}), rules.compliance
    )
    write_prepared(found, folder / "data")
    run = folder / "run"
    torch.manual_seed(1)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(engine.model_path),
        LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False),
    )
    model.save_pretrained(run / "adapter")
    (run / "run.json").write_text(_record(engine_model=BaseModel(engine), data=folder / "data"))
    return EvaluateOptions(run, folder / "data", engine, repetition_penalty=1.1)


def _record(engine_model: BaseModel, data: Path) -> str:
    return RunRecord(
        request=RunRequest(
            settings=FinetuneSettings(),
            base_model=engine_model.identity,
            data_sha256=data_hash(data),
            prompt_version="0",
            precision="float32",
        ),
        packages={},
        seed=0,
        num_workers="1",
        num_train_rows=1,
        num_validation_rows=1,
        num_rows_left_out=0,
        num_opened_as_served=1,
        num_parameters=1,
        seconds=1,
        num_steps=1,
        best_step=1,
        best_validation_loss=1,
        final_validation_loss=1,
    ).model_dump_json()


def test_both_models_are_measured_and_the_page_shows_texts_as_data(
    options: EvaluateOptions, rules: PromptRules
) -> None:
    settings = EvaluateSettings(max_rows=4, max_new_tokens=16, num_resamples=100)
    found = evaluate(options, settings, rules)
    write_evaluation(found, options.run)
    written = json.loads((options.run / "evaluation.json").read_text())
    assert written["num_rows"] == 4
    for side in ("base", "adapter"):
        assert set(written[side]) == METRICS
        assert all(
            figure["low"] <= figure["value"] <= figure["high"] for figure in written[side].values()
        )
    assert written["base"]["perplexity"] != written["adapter"]["perplexity"]
    # A model of random weights knows nothing: about as many choices as it has tokens.
    assert 150 < written["base"]["perplexity"]["value"] < 450
    assert written["base"]["rules_kept"]["value"] == 0
    page = (options.run / "evaluation.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_an_adapter_is_not_measured_on_data_it_was_not_prepared_with(
    options: EvaluateOptions, rules: PromptRules, tmp_path: Path
) -> None:
    for path in options.data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write("\n")
    other = EvaluateOptions(options.run, tmp_path, options.engine, 1.1)
    with pytest.raises(InvalidInputError, match="another training data"):
        evaluate(other, EvaluateSettings(), rules)


def test_a_run_that_is_not_finished_is_not_measured(
    options: EvaluateOptions, rules: PromptRules, tmp_path: Path
) -> None:
    other = EvaluateOptions(tmp_path, options.data, options.engine, 1.1)
    with pytest.raises(InvalidInputError, match="holds no finished run"):
        evaluate(other, EvaluateSettings(), rules)


def test_overlap_metrics_agree_with_their_definitions() -> None:
    assert chrf("the plan is free", "the plan is free") == pytest.approx(1)
    assert chrf("abc", "xyz") == 0
    # Longest common subsequence "the plan free": 2 * 3 / (3 + 5).
    assert rouge_l("the plan free", "the small plan is free") == pytest.approx(0.75)
    assert rouge_l("", "the plan") == 0


def measured(text: str, loss: float = 2.0, num_tokens: int = 2, chrf: float = 0.5) -> RowMeasures:
    return RowMeasures(text, loss, num_tokens, chrf, 0.5, 1.0, 1.0, 0.5)


def test_perplexity_weighs_tokens_and_not_rows() -> None:
    rows = [measured("a b", loss=1.0, num_tokens=1), measured("c d", loss=0.0, num_tokens=9)]
    assert estimate_all(rows, 100, 1)["perplexity"].value == pytest.approx(np.exp(0.1))
    assert distinct_2([measured("a b a b"), measured("a b")]) == pytest.approx(2 / 4)


def test_a_difference_between_paired_rows_is_surer_than_each_side() -> None:
    base = [measured("a", chrf=number / 40) for number in range(40)]
    adapter = [measured("a", chrf=number / 40 + 0.1) for number in range(40)]
    difference = estimate_differences(base, adapter, 300, 1)["chrf"]
    alone = estimate_all(base, 300, 1)["chrf"]
    assert difference.value == pytest.approx(0.1)
    assert difference.high - difference.low < (alone.high - alone.low) / 10
