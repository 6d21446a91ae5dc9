"""The rewritten model is the same model, and OpenVINO reads it right."""

from pathlib import Path

import gguf
import numpy as np
import openvino_genai as genai
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from followup.backends.engines.openvino_model import BATCH_INVARIANT_PROPERTIES
from followup.backends.gguf_export import model_folder
from followup.backends.gguf_rewrite import rewrite_gguf
from tests.integration.models import base_model_file

TEXTS = (
    "The Growth plan costs",
    "Thank you for asking about our",
    "Invoices are sent on the first day of every",
)
MAX_NATS = 0.01


def test_the_same_quantisation_again_changes_no_weight(tmp_path: Path) -> None:
    target = tmp_path / "again.gguf"
    rewrite_gguf(base_model_file(), target, "Q8_0")
    before, after = gguf.GGUFReader(base_model_file()), gguf.GGUFReader(target)
    assert [tensor.name for tensor in before.tensors] == [tensor.name for tensor in after.tensors]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert np.array_equal(old.data, new.data)
    assert set(before.fields) == set(after.fields)


@pytest.mark.timeout(300)
def test_openvino_gives_the_log_probabilities_that_torch_gives() -> None:
    folder = model_folder(base_model_file())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = genai.SchedulerConfig()
    config.cache_size = 1
    pipeline = genai.ContinuousBatchingPipeline(
        str(base_model_file()), config, "CPU", BATCH_INVARIANT_PROPERTIES, {}
    )
    greedy = genai.GenerationConfig(max_new_tokens=1, do_sample=False, logprobs=1)
    for number, text in enumerate(TEXTS):
        token_ids = tokenizer.encode(text, add_special_tokens=False)
        handle = pipeline.add_request(
            number, genai.openvino.Tensor(np.array([token_ids], dtype=np.int64)), greedy
        )
        while pipeline.has_non_finished_requests():
            pipeline.step()
        [output] = handle.read_all()
        with torch.no_grad():
            logits = model(torch.tensor([token_ids])).logits[0, -1]
        expected = torch.log_softmax(logits, dim=-1)
        assert output.generated_ids == [int(expected.argmax())]
        assert abs(output.generated_log_probs[0] - float(expected.max())) < MAX_NATS
