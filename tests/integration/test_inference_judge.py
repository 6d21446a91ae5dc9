"""The optional judge on a real model of its kind, tiny and untrained: its scores mean nothing here.

What is held is the plumbing: which label is read, the order of the pairs, the length limit.
"""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from followup.backends.inference_judge import InferenceJudge
from followup.errors import SettingError
from followup.grounding import ClaimKind, check_claims
from followup.statements import StatementChecker
from tests.unit.passages import PLANS, REQUEST

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "plan", "growth", "support", "weather"]
PAIRS = [
    ("the growth plan", "the plan"),
    ("the weather " * 800, "support"),
    ("support", "the weather"),
]


def make_model(folder: Path, labels: list[str]) -> Path:
    special = {
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    ids = {word: index for index, word in enumerate(WORDS)}
    words = Tokenizer(WordLevel(ids, unk_token=special["unk_token"]))
    words.pre_tokenizer = Whitespace()
    words.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
        initializer_range=1.0,
    )
    torch.manual_seed(7)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_judge_reads_its_entailment_label_for_each_pair(tmp_path: Path) -> None:
    folder = make_model(tmp_path, ["contradiction", "neutral", "entailment"])
    judge = InferenceJudge(folder)
    together = judge.probabilities(PAIRS)
    assert together == pytest.approx([judge.probabilities([pair])[0] for pair in PAIRS], abs=1e-5)
    assert all(0 < probability < 1 for probability in together)
    assert len(set(together)) == len(PAIRS)
    (folder / "config.json").write_text(
        (folder / "config.json").read_text().replace("entailment", "x").replace("neutral", "entail")
    )
    assert InferenceJudge(folder).probabilities(PAIRS) != pytest.approx(together)


def test_a_judge_states_the_probability_of_a_statement(tmp_path: Path) -> None:
    judge = InferenceJudge(make_model(tmp_path, ["entailment", "not_entailment"]))
    statement = "Support includes a specialist for onboarding."
    (verdict,) = [
        verdict
        for verdict in check_claims(statement, [PLANS], REQUEST, StatementChecker(judge=judge))
        if verdict.kind is ClaimKind.STATEMENT
    ]
    sources = (PLANS.chunk.text, REQUEST)
    assert verdict.probability == pytest.approx(
        max(judge.probabilities([(source, statement) for source in sources])), abs=1e-5
    )
    assert verdict.supported == ((verdict.probability or 0) >= 0.5)


def test_a_model_without_an_entailment_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="exactly one must start with 'entail'"):
        InferenceJudge(make_model(tmp_path, ["positive", "negative"]))


def test_a_judge_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="is not there"):
        InferenceJudge(tmp_path / "none")
