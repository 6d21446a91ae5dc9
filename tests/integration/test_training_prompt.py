"""What an adapter is trained on is what serving sends to it."""

import time
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from config.settings import load_settings
from followup.backends.engines.request import encode
from followup.pipeline import Pipeline
from followup.prompts import Approach
from followup.request import FollowupRequest
from tests.fakes import FakeNodes
from tests.training_data import conversation, write_csv, write_tiny_model
from training.batches import NOT_LEARNED, collate, learned_columns, training_order
from training.examples import Example, PromptRules, encode_rows, render_row, within
from training.loss import reply_losses
from training.rows import RowPassage, TrainingRow
from training.sources import read_source

ADAPTER = "demo@0123456789ab"
PASSAGE = RowPassage(document="pricing/plans.md", text="The Growth plan costs $299 per month.")


@pytest.fixture(scope="module")
def rules() -> PromptRules:
    settings = load_settings()
    return PromptRules(settings.prompts, settings.scoring, settings.compliance)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> TrainingRow:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    [found] = read_source(write_csv(path, [conversation(3)]), "TechCorp").rows
    return found


@pytest.mark.parametrize("approach", [Approach.HYBRID, Approach.FINETUNED])
async def test_a_row_is_learned_from_the_prompt_that_serving_sends(
    approach: Approach, rules: PromptRules, model: Path, row: TrainingRow
) -> None:
    passages = (PASSAGE,) if approach is Approach.HYBRID else ()
    row = row.model_copy(update={"passages": passages})
    pipeline = Pipeline(rules.scoring, rules.compliance, rules.templates, min_confidence=0.65)
    nodes = FakeNodes(rules.compliance, row.as_passages())
    request = FollowupRequest(tenant="default", approach=approach, lead=row.lead)
    situation = pipeline.check(request, ADAPTER)
    await pipeline.write(request, nodes, ADAPTER, situation, deadline=time.monotonic() + 60)
    [served] = {
        prompt for plan, prompt in zip(nodes.plans, nodes.prompts, strict=True) if plan.uses_adapter
    }
    tokenizer = AutoTokenizer.from_pretrained(model)
    end = tokenizer.eos_token_id
    [example] = encode_rows([row], rules, tokenizer, end)
    assert example.prompt_ids == encode(tokenizer, served)
    assert served.reply_start.startswith("Hi Tom,")
    whole = tokenizer.decode(example.prompt_ids + example.target_ids)
    assert whole.endswith(f"<|im_start|>assistant\n{row.response}<|im_end|>")


def test_a_reply_that_begins_otherwise_is_learned_whole(
    rules: PromptRules, row: TrainingRow
) -> None:
    other = row.model_copy(update={"response": "Good morning Tom,\n\nThe trial is free."})
    rendered = render_row(other, rules)
    assert rendered.target == other.response
    assert not rendered.opens_as_served
    assert render_row(row, rules).target.startswith(" asking about")


def test_a_row_beyond_the_limit_is_left_out_and_never_cut() -> None:
    examples = [Example([1] * 10, [2] * 5), Example([1] * 10, [2] * 6)]
    assert within(examples, 15) == examples[:1]


def test_only_the_reply_is_learned_and_padding_changes_nothing(model: Path) -> None:
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    examples = [Example(list(range(10, 40)), [60, 61, 62, 257]), Example([7, 8], [9, 257])]
    batch = collate(examples, pad_token_id=0)
    assert learned_columns(batch["labels"]) == 4
    with torch.inference_mode():
        losses, counts = reply_losses(loaded, batch)
        expected = []
        for example in examples:
            ids = torch.tensor([example.prompt_ids + example.target_ids])
            logits = loaded(input_ids=ids).logits[0, len(example.prompt_ids) - 1 : -1]
            expected.append(
                cross_entropy(logits, torch.tensor(example.target_ids), reduction="sum")
            )
    assert counts.tolist() == [4, 2]
    assert losses.tolist() == pytest.approx([item.item() for item in expected], rel=1e-5)
    assert (batch["labels"][0] == NOT_LEARNED).sum() == 30


def test_the_order_depends_on_the_rows_of_a_step_and_not_on_who_computes_them() -> None:
    num_tokens = [100 + number % 37 for number in range(70)]
    order = training_order(num_tokens, batch_size=8, num_epochs=3, seed=1)
    assert order == training_order(num_tokens, batch_size=8, num_epochs=3, seed=1)
    assert order != training_order(num_tokens, batch_size=8, num_epochs=3, seed=2)
    epochs = [order[at : at + 64] for at in range(0, len(order), 64)]
    assert [len(set(epoch)) for epoch in epochs] == [64, 64, 64]
    spread = [
        max(num_tokens[index] for index in order[at : at + 8])
        - min(num_tokens[index] for index in order[at : at + 8])
        for at in range(0, len(order), 8)
    ]
    assert sum(spread) / len(spread) < 8  # of 37, so rows of a step are of like length
