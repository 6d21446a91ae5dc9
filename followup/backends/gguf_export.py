"""Turn a GGUF file into a Hugging Face model folder, for the parts that cannot read GGUF.

vLLM, transformers and training read the folder; OpenVINO reads the GGUF file itself.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from gguf import GGUFReader
from tokenizers.pre_tokenizers import Digits, Sequence
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GgufConfig,
    PreTrainedTokenizerBase,
)

from followup.errors import SettingError

SMOLLM_PRE_TOKENIZER = "smollm"


def model_folder(model_path: Path) -> Path:
    """The Hugging Face folder of a model: the path itself, or what its GGUF file is exported to.

    A GGUF file is exported once, to `<its name>-hf` beside it. Errors: as in `export_gguf`.
    """
    if model_path.suffix == ".gguf":
        return export_gguf(model_path, model_path.with_name(f"{model_path.stem}-hf"))
    if not (model_path / "config.json").is_file():
        message = (
            f"'{model_path}' is neither a GGUF file nor a Hugging Face model folder. "
            "Fetch the models with: lead-assistant models pull"
        )
        raise SettingError(message, field="model_path")
    return model_path


def export_gguf(gguf_file: Path, target: Path) -> Path:
    """Write config, generation config, float32 weights and tokenizer with chat template.

    Done once: a `target` that exists is complete, because it is written under another name and
    renamed last. Two processes may export at the same time; the first to finish wins. float32 holds
    every de-quantised weight exactly, which bfloat16 would not.

    Errors: SettingError when `gguf_file` does not exist; OSError when the folder cannot be written.
    """
    if target.is_dir():
        return target
    if not gguf_file.is_file():
        message = (
            f"GGUF file '{gguf_file}' does not exist. "
            "Fetch the models with: lead-assistant models pull"
        )
        raise SettingError(message, field="model_path")
    return _write_once(target, lambda folder: _export(gguf_file, folder))


def _write_once(target: Path, write: Callable[[Path], None]) -> Path:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(unfinished, ignore_errors=True)  # left by a killed process of the same number
    unfinished.mkdir(parents=True)
    try:
        write(unfinished)
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another process finished the same export first
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _export(gguf_file: Path, folder: Path) -> None:
    source = {"pretrained_model_name_or_path": str(gguf_file.parent), "gguf_file": gguf_file.name}
    loaded = AutoModelForCausalLM.from_pretrained(
        **source, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    # The loaded model still counts as quantised, and save_pretrained refuses those: its weights are
    # moved into a fresh model of the same configuration.
    config = AutoConfig.from_pretrained(**source, dtype=torch.float32)
    with torch.device("meta"):
        fresh = AutoModelForCausalLM.from_config(config)
    fresh.load_state_dict(loaded.state_dict(), assign=True)
    fresh.tie_weights()
    fresh.generation_config = loaded.generation_config
    fresh.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    _split_digits_as_trained(tokenizer, gguf_file)
    tokenizer.save_pretrained(folder)


def _split_digits_as_trained(tokenizer: PreTrainedTokenizerBase, gguf_file: Path) -> None:
    """SmolLM's tokenizer takes every digit for itself; transformers does not read that from GGUF.

    Without it, several spaces before a number become other tokens than in training.
    """
    declared = GGUFReader(gguf_file).get_field("tokenizer.ggml.pre")
    if declared is None or declared.contents() != SMOLLM_PRE_TOKENIZER:
        return
    backend = tokenizer.backend_tokenizer
    backend.pre_tokenizer = Sequence([Digits(individual_digits=True), backend.pre_tokenizer])
