"""A transformers model whose batch rows may each use another adapter, by PEFT."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, set_peft_model_state_dict
from peft.utils import load_peft_weights
from safetensors import SafetensorError

from followup.errors import PartUnavailableError

NO_ADAPTER = "__base__"
"""PEFT's name for none."""


class MixedModel:
    """The base model and the adapters placed in it. Placing waits for the running step."""

    def __init__(self, model: Any) -> None:
        self._base = model
        self._adapted: Any = None
        self._changing = threading.Lock()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self._base.device
        return device

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self._base.config

    def forward(self, adapters: Sequence[str | None], **inputs: Any) -> Any:
        """The model's output; `adapters` names one for each row, or None."""
        with self._changing:
            if self._adapted is None:
                return self._base(**inputs)
            # A row whose caller has gone may outlive its adapter by a step.
            names = [name if name in self._adapted.peft_config else NO_ADAPTER for name in adapters]
            return self._adapted(adapter_names=names, **inputs)

    def place(self, adapter: str, folder: Path) -> "PlacedAdapter":
        """Load an adapter from its PEFT folder. Raises PartUnavailableError when it cannot."""
        with self._changing:
            try:
                weights = load_peft_weights(str(folder), device=str(self.device))
                self._add(adapter, PeftConfig.from_pretrained(folder, inference_mode=True))
                try:
                    set_peft_model_state_dict(self._adapted, weights, adapter_name=adapter)
                except BaseException:  # half of it is in the model
                    self._take_out(adapter)
                    raise
            except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
                message = f"PEFT cannot load adapter '{adapter}': {error}"
                raise PartUnavailableError(message) from error
            self._adapted.eval()
        return PlacedAdapter(self, adapter)

    def remove(self, adapter: str) -> None:
        """Take an adapter out of the model."""
        with self._changing:
            self._take_out(adapter)

    def _add(self, adapter: str, config: PeftConfig) -> None:
        if self._adapted is None:
            self._adapted = PeftModel(self._base, config, adapter_name=adapter)
        else:
            self._adapted.add_adapter(adapter, config)

    def _take_out(self, adapter: str) -> None:
        if len(self._adapted.peft_config) > 1:
            self._adapted.delete_adapter(adapter)
        else:  # PEFT cannot be left without any
            self._base = self._adapted.unload()
            self._adapted = None


@dataclass(frozen=True, slots=True)
class PlacedAdapter:
    """An adapter in the model."""

    model: MixedModel
    adapter: str

    @property
    def is_alive(self) -> bool:
        """It stays until it is closed."""
        return True

    async def close(self) -> None:
        """Take it out."""
        await asyncio.to_thread(self.model.remove, self.adapter)
