"""Publishing with the real base model: what is merged, what is refused, what is the same."""

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from followup.adapter_gate import GateRules
from followup.backends.adapter_library import AdapterLibrary
from followup.backends.adapter_merge import merge_into_gguf
from followup.backends.gguf_export import export_gguf
from followup.errors import AdapterMissingError, InvalidInputError
from tests.integration.models import base_model_file
from tests.integration.published_adapters import FOLDER, engine_settings, published
from tests.integration.random_adapters import base_folder, random_adapter
from training.publish import PublishRequest, publish, version_of

MAX_MEAN_NATS = 0.02
"""Q8_0 again: by how much the log-probabilities of likely tokens move."""
KINDS: dict[str, dict[str, Any]] = {
    "all linear layers": {},
    "rank stabilised": {"use_rslora": True, "r": 8, "lora_alpha": 16},
    "ranks and alphas by module": {
        "rank_pattern": {"q_proj": 2, "down_proj": 6},
        "alpha_pattern": {"k_proj": 3},
    },
    "some layers": {"target_modules": ["k_proj"], "layers_to_transform": [0, 7]},
    "embedding of a tied model": {"target_modules": ["q_proj", "embed_tokens"]},
    "head of a tied model": {"target_modules": ["q_proj", "lm_head"]},
    "saved norm": {"target_modules": ["q_proj"], "modules_to_save": ["norm"]},
    "saved embedding": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
}


def source(folder: Path, **changes: Any) -> Path:
    """A PEFT adapter, with other values in its configuration."""
    published(0)
    shutil.copytree(FOLDER / "sources" / "0", folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def request(folder: Path, **changes: Any) -> PublishRequest:
    return PublishRequest(**{"source": folder, "name": "acme", "published_by": "ann", **changes})


def test_a_version_has_its_card_its_peft_files_and_merged_weights(tmp_path: Path) -> None:
    version = published(0)
    library = AdapterLibrary(FOLDER)
    card = library.card(version)
    assert (card.version, card.gate.passed, card.gate.forced) == (version, False, True)
    assert {path.name for path in library.peft_folder(version).iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    merged = {t.name: t for t in gguf.GGUFReader(library.merged_file(version)).tensors}
    base = {t.name: t for t in gguf.GGUFReader(base_model_file()).tensors}
    changed = {name for name in base if not np.array_equal(base[name].data, merged[name].data)}
    assert merged.keys() == base.keys()
    assert changed == {name for name in base if base[name].data.ndim == 2} - {"token_embd.weight"}


def test_the_same_content_is_the_same_version_however_it_is_written(tmp_path: Path) -> None:
    settings = engine_settings(FOLDER)
    config = json.loads((FOLDER / "sources" / "0" / "adapter_config.json").read_text())
    again = source(
        tmp_path / "again",
        target_modules=list(reversed(config["target_modules"])),
        base_model_name_or_path="/elsewhere",
    )
    assert version_of(again, "random-0", settings) == published(0)
    assert not publish(request(again, name="random-0"), settings, GateRules()).is_new
    other = source(tmp_path / "other", lora_alpha=9)
    assert version_of(other, "random-0", settings) != published(0)


def test_the_gate_refuses_and_force_is_recorded(tmp_path: Path) -> None:
    folder = source(tmp_path / "run")
    evaluation = {"base": {"perplexity": 9}, "adapter": {"perplexity": 10}, "num_rows": 50}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    settings, rules = engine_settings(tmp_path / "library"), GateRules(max_perplexity_ratio=0.9)
    with pytest.raises(InvalidInputError, match=r"perplexity_ratio is 1\.111.*--force"):
        publish(request(folder), settings, rules)
    assert not list((tmp_path / "library").glob("*@*"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "IA3"}, "Only LORA adapters"),
        ({"layer_replication": [[0, 4], [2, 5]]}, "changes the number of layers"),
        ({"ensure_weight_tying": True}, "ties what is merged apart"),
        ({"r": 2}, "does not fit the base model"),
        ({"target_modules": ["q_proj"]}, "no place for"),
    ],
    ids=["not LoRA", "layer replication", "weight tying", "other rank", "tensors without a place"],
)
def test_what_cannot_be_merged_is_refused_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    folder = source(tmp_path / "run", **changes)
    with pytest.raises(InvalidInputError, match=said):
        publish(request(folder, force=True), engine_settings(tmp_path / "library"), GateRules())
    left = tmp_path / "library"
    assert not left.exists() or not list(left.iterdir())


def test_an_adapter_of_another_base_model_is_refused(tmp_path: Path) -> None:
    folder = source(tmp_path / "run")
    run = {"request": {"base_model": {"name": "other", "fingerprint": "ab" * 32}}}
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(InvalidInputError, match="trained on 'other' with the fingerprint abab"):
        publish(request(folder, force=True), engine_settings(tmp_path / "library"), GateRules())


def test_another_architecture_is_refused_and_says_what_is_supported(tmp_path: Path) -> None:
    base = tmp_path / "gpt2.gguf"
    writer = gguf.GGUFWriter(base, "gpt2")
    writer.add_block_count(1)
    writer.add_head_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(InvalidInputError, match=r"architecture 'gpt2'.*llama, qwen2, qwen3"):
        merge_into_gguf(base, source(tmp_path / "run"), tmp_path / "merged.gguf")


def test_a_version_that_is_removed_is_gone(tmp_path: Path) -> None:
    library = AdapterLibrary(tmp_path)
    shutil.copytree(FOLDER / published(0) / "peft", tmp_path / published(0) / "peft")
    shutil.copyfile(FOLDER / published(0) / "card.json", tmp_path / published(0) / "card.json")
    assert [card.version for card in library.versions()] == [published(0)]
    library.remove(published(0))
    assert library.versions() == []
    with pytest.raises(AdapterMissingError, match="is not in"):
        library.card(published(0))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_merged_weights_say_what_the_adapter_says(kind: str, tmp_path: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", seed=7, strength=0.02, **KINDS[kind])
    merged = tmp_path / "merged.gguf"
    merge_into_gguf(base_model_file(), adapter, merged)
    tokens = torch.arange(40).unsqueeze(0) * 997 + 3
    wanted = _log_probs(PeftModel.from_pretrained(_load(base_folder()), adapter).eval(), tokens)
    found = _log_probs(_load(export_gguf(merged, tmp_path / "hf")), tokens)
    base = _log_probs(_load(base_folder()), tokens)
    likely = wanted > -5
    assert float((found - wanted)[likely].abs().mean()) < MAX_MEAN_NATS
    assert float((base - wanted)[likely].abs().mean()) > 3 * MAX_MEAN_NATS


def _load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@torch.inference_mode()
def _log_probs(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    log_probs: torch.Tensor = model(input_ids=tokens).logits[0].log_softmax(dim=-1)
    return log_probs
