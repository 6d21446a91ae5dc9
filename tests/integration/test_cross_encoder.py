"""A cross-encoder as the reranker: a tiny one with random weights, nothing is fetched."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from followup.backends.cross_encoder import CrossEncoderReranker
from followup.backends.ranking import Query, fuse
from followup.backends.reranking import build_reranker
from followup.backends.settings import RerankerSettings
from followup.errors import SettingError
from tests.integration.models import embedding_model_path
from tests.unit.candidates import make_candidate

TEXTS = [
    "Plans and prices",
    "Support by phone",
    "Customer data are encrypted",
    "Refunds in 30 days",
]


def make_cross_encoder(folder: Path, num_outputs: int = 1) -> Path:
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(embedding_model_path(), local_files_only=True)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=num_outputs,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_configured_cross_encoder_orders_what_it_reads_and_leaves_the_rest_behind(
    tmp_path: Path,
) -> None:
    folder = make_cross_encoder(tmp_path / "tiny")
    settings = RerankerSettings(model_name="tiny", model_path=folder, num_passages=3)
    reranker = build_reranker(settings)
    assert isinstance(reranker, CrossEncoderReranker)
    candidates = [
        make_candidate(str(number), cosine=0.9 - number / 10, title="Help", text=text)
        for number, text in enumerate(TEXTS)
    ]
    query = Query("Is my data safe?", ["data", "safe"])
    values = reranker.values(query, candidates, fuse(query, candidates, dense_weight=1.0))
    own = CrossEncoder(str(folder), local_files_only=True, activation_fn=torch.nn.Sigmoid())
    scores = own.predict([(query.text, f"Help\n{text}") for text in TEXTS[:3]])
    assert values[:3] == pytest.approx(0.5 + np.asarray(scores) / 2, abs=1e-5)
    assert values[3] < values[:3].min()
    assert values.min() >= 0
    assert values.max() <= 1


def test_a_model_with_several_outputs_is_refused(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path / "three", num_outputs=3)
    settings = RerankerSettings(model_name="three", model_path=folder)
    with pytest.raises(SettingError, match="'three' has 3 outputs"):
        CrossEncoderReranker(settings)
