"""What vLLM can do with a PEFT adapter, and one that it holds. Imports no vLLM."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from followup.errors import PartUnavailableError

# vLLM reads one rank and one alpha for all modules and drops the rest in silence
# (vllm/lora/peft_helper.py), which would serve another adapter than the one that was measured.
UNREAD = ("rank_pattern", "alpha_pattern", "modules_to_save", "use_dora", "lora_bias")


@dataclass(frozen=True, slots=True)
class VllmAdapter:
    """A LoRA adapter in vLLM's workers."""

    llm: Any
    request: Any
    """Its `LoRARequest`."""

    @property
    def is_alive(self) -> bool:
        """vLLM loads it again by itself where it had to make room."""
        return True

    async def close(self) -> None:
        """Free its place in the workers; an engine that has ended has freed it already."""
        if not self.llm.errored:
            await self.llm.remove_lora(self.request.lora_int_id)


def check_servable(adapter: str, folder: Path, max_rank: int) -> None:
    """Raise PartUnavailableError for an adapter that vLLM would refuse or serve wrongly."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    for field in UNREAD:
        if config.get(field):
            message = (
                f"Adapter '{adapter}' sets '{field}', which vLLM does not read. Train without it, "
                "or serve it with the engine openvino or transformers."
            )
            raise PartUnavailableError(message)
    if config.get("bias", "none") != "none":
        message = f"Adapter '{adapter}' has biases, which vLLM does not add. Train with bias: none."
        raise PartUnavailableError(message)
    if config["r"] > max_rank:
        message = (
            f"Adapter '{adapter}' has rank {config['r']}; vLLM was started for {max_rank}. "
            "Raise max_rank in adapters.yaml."
        )
        raise PartUnavailableError(message)
