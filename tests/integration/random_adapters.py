"""Small LoRA adapters with random weights for the real base model: each writes another text."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from followup.backends.gguf_export import model_folder
from tests.integration.models import base_model_file

ALL_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def random_adapter(folder: Path, seed: int, strength: float = 0.05, **options: Any) -> Path:
    """Write a PEFT adapter to `folder`. `strength` is the spread of its B matrices."""
    torch.manual_seed(seed)
    values = {"r": 4, "lora_alpha": 8, "target_modules": list(ALL_LINEAR), **options}
    model = AutoModelForCausalLM.from_pretrained(base_folder(), dtype=torch.float32)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **values))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if not parameter.requires_grad:
                continue
            if "modules_to_save" in name:
                parameter.mul_(1 + strength * torch.randn_like(parameter))
            else:
                parameter.copy_(strength * torch.randn_like(parameter))
    adapted.save_pretrained(folder)
    return folder


@cache
def base_folder() -> Path:
    """The base model as a Hugging Face folder."""
    return model_folder(base_model_file())
