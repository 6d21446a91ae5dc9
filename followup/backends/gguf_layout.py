"""How the weights of a Hugging Face model lie in a GGUF file: names, and llama's row order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from followup.errors import InvalidInputError

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}
"""What OpenVINO GenAI reads from GGUF, and what is laid out here."""
EMBEDDING, HEAD = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class GgufLayout:
    """The layout of one architecture."""

    names: gguf.TensorNameMap
    num_heads: int
    num_key_value_heads: int
    turns_rows: bool
    """Whether rows of q and k are in llama's order: the halves of each head interleaved."""

    def tensors(self, weights: Mapping[str, Tensor]) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Name and value in GGUF of each weight, given by its Hugging Face name."""
        for name, weight in weights.items():
            gguf_name = self.names.get_name(name, try_suffixes=(".weight", ".bias"))
            if gguf_name is None:
                message = (
                    f"The adapter changes '{name}', for which GGUF has no name. "
                    "Train without that module."
                )
                raise InvalidInputError(message, field="target_modules")
            values: NDArray[np.float32] = weight.detach().to(torch.float32).numpy()
            yield gguf_name, self._turned(gguf_name, values)

    def _turned(self, name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.turns_rows:
            return values
        if ".attn_q." in name:
            return _interleave(values, self.num_heads)
        if ".attn_k." in name:
            return _interleave(values, self.num_key_value_heads)
        return values


def layout_of(reader: gguf.GGUFReader) -> GgufLayout:
    """The layout of a file. Raises InvalidInputError for an architecture that has none here."""
    architecture = str(_value(reader, "general.architecture"))
    if architecture not in ARCHITECTURES:
        message = (
            f"The base model has the architecture '{architecture}'. Adapters are merged for: "
            f"{', '.join(sorted(ARCHITECTURES))}. Serve this one with the engine vllm or "
            "transformers, from a Hugging Face folder, where nothing is merged."
        )
        raise InvalidInputError(message, field="base_model")
    num_blocks = int(_value(reader, f"{architecture}.block_count"))
    num_heads = int(_value(reader, f"{architecture}.attention.head_count"))
    key_value = reader.get_field(f"{architecture}.attention.head_count_kv")
    return GgufLayout(
        names=gguf.get_tensor_name_map(ARCHITECTURES[architecture], num_blocks),
        num_heads=num_heads,
        num_key_value_heads=int(key_value.contents()) if key_value else num_heads,
        turns_rows=architecture == "llama",
    )


def dequantised(tensor: gguf.ReaderTensor) -> NDArray[np.float32]:
    """The tensor's values."""
    values: NDArray[np.float32] = gguf.dequantize(tensor.data, tensor.tensor_type)
    return values.astype(np.float32, copy=False)


def _interleave(values: NDArray[np.float32], num_heads: int) -> NDArray[np.float32]:
    """Rows as llama.cpp wants them for its rotary embedding (convert_hf_to_gguf.py, permute)."""
    half = values.shape[0] // num_heads // 2
    shaped = values.reshape(num_heads, 2, half, *values.shape[1:])
    return shaped.swapaxes(1, 2).reshape(values.shape)


def _value(reader: gguf.GGUFReader, key: str) -> str | int:
    field = reader.get_field(key)
    if field is None:
        message = f"The base model's GGUF file has no '{key}'; it is damaged."
        raise InvalidInputError(message, field="base_model")
    value: str | int = field.contents()
    return value
