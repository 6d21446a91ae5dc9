"""Merge a LoRA adapter into the base model's GGUF file, for OpenVINO, which mixes no adapters.

PEFT itself does the merging, so every rank, scaling and target that it knows is merged as it means
it; what comes out is held against the unmerged adapter before it is written.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModelForCausalLM

from followup.backends.gguf_export import model_folder
from followup.backends.gguf_layout import EMBEDDING, HEAD, GgufLayout, dequantised, layout_of
from followup.backends.gguf_rewrite import copy_metadata
from followup.errors import InvalidInputError

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
# Options of a LoRA adapter that no merged weights can express.
REFUSED = {
    "alora_invocation_tokens": "it acts from certain tokens on",
    "arrow_config": "it chooses among adapters token by token",
    "ensure_weight_tying": "it ties what is merged apart",
    "layer_replication": "it changes the number of layers",
    "megatron_config": "it names modules of another library",
}
MAX_NATS_OFF = 0.01
"""Log-probabilities of merged and unmerged weights differ by rounding only: by about 1e-4."""
CHECKED_TOKENS = 64


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """The adapter's configuration. InvalidInputError for what is no LoRA adapter of PEFT."""
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            message = (
                f"'{folder}' has no {name}, so it is no PEFT adapter. "
                "Make one with: lead-assistant train finetune"
            )
            raise InvalidInputError(message, field="source")
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"'{folder / CONFIG_FILE}' is not JSON: {error}"
        raise InvalidInputError(message, field="source") from error
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        message = f"'{folder}' has the peft_type {kind!r}. Only LORA adapters can be published."
        raise InvalidInputError(message, field="peft_type")
    for field, reason in REFUSED.items():
        if config.get(field):
            message = (
                f"'{folder}' sets '{field}': {reason}, which merged weights cannot do. "
                "Train without it."
            )
            raise InvalidInputError(message, field=field)
    return dict(config)


def merge_into_gguf(base: Path, adapter: Path, target: Path) -> None:
    """Write `target`: the base GGUF file with every weight that the adapter changes replaced.

    Changed matrices are Q8_0 where the base's are quantised, otherwise of the base's own type; all
    else is copied byte for byte. Where the base ties its output head to the embedding and the
    adapter changes only one of them, the head is written as a tensor of its own.

    Errors: InvalidInputError for an architecture without a layout, for an adapter that does not fit
    the base, and for one whose merged weights would say something else than the adapter.
    """
    read_adapter_config(adapter)
    reader = gguf.GGUFReader(base)
    layout = layout_of(reader)
    model = AutoModelForCausalLM.from_pretrained(model_folder(base), dtype=torch.float32)
    _untie(model)
    _check_layout(reader, layout, model.state_dict())
    merged = _merge(model, adapter)
    _write(reader, dict(layout.tensors(merged.state_dict())), target)


def _untie(model: Any) -> None:
    """Give the output head weights of its own: an adapter of the one does not change the other."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    if head.weight is embedding.weight:
        head.weight = torch.nn.Parameter(embedding.weight.detach().clone())
    model.config.tie_word_embeddings = False


def _check_layout(
    reader: gguf.GGUFReader, layout: GgufLayout, weights: Mapping[str, Tensor]
) -> None:
    """The base's own weights, laid out, must be those of its file, all of them."""
    expected = {tensor.name: tensor for tensor in reader.tensors}
    for name, values in layout.tensors(weights):
        tensor = expected.get(name, expected[EMBEDDING] if name == HEAD else None)
        if tensor is None or not np.array_equal(dequantised(tensor), values):
            message = (
                f"'{name}' of the base model's GGUF file is not laid out as expected, so no "
                "adapter can be merged into it. Serve it with the engine vllm or transformers."
            )
            raise InvalidInputError(message, field="base_model")


def _merge(model: Any, adapter: Path) -> Any:
    with warnings.catch_warnings():
        # Tied weights: merged apart on purpose, see `_untie`.
        warnings.filterwarnings("ignore", message=".*tie.*", category=UserWarning)
        try:
            adapted = PeftModel.from_pretrained(model, adapter).eval()
        except (OSError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
            raise _misfit(adapter, error) from error
        _check_complete(adapted, adapter)
        wanted = _log_probs(adapted)
        merged = adapted.merge_and_unload(safe_merge=True)
    nats_off = float((_log_probs(merged) - wanted).abs().max())
    if not nats_off <= MAX_NATS_OFF:  # also for not a number
        message = (
            f"Merged, the adapter '{adapter}' gives log-probabilities that are {nats_off:.3g} nats "
            f"off its own; at most {MAX_NATS_OFF} is rounding. It uses an option of LoRA that "
            "cannot be merged: serve it with the engine vllm or transformers."
        )
        raise InvalidInputError(message, field="source")
    return merged


def _check_complete(adapted: Any, adapter: Path) -> None:
    """Every tensor of the file has its place: PEFT itself only warns of those that have none."""
    from peft.utils import get_peft_model_state_dict, load_peft_weights  # noqa: PLC0415 - heavy

    stored = set(load_peft_weights(str(adapter), device="cpu"))
    placed = set(get_peft_model_state_dict(adapted, save_embedding_layers=True))
    if unplaced := sorted(stored - placed):
        message = (
            f"The adapter '{adapter}' does not fit the base model: it has no place for "
            f"'{unplaced[0]}' ({len(unplaced)} such tensors). Publish it with the base model that "
            "it was trained on in models.yaml."
        )
        raise InvalidInputError(message, field="base_model")


def _misfit(adapter: Path, error: Exception) -> InvalidInputError:
    reason = str(error).strip().splitlines()
    shown = " ".join(line.strip() for line in reason[:2])
    message = (
        f"The adapter '{adapter}' does not fit the base model ({shown[:300]}). "
        "Publish it with the base model that it was trained on in models.yaml."
    )
    return InvalidInputError(message, field="base_model")


@torch.inference_mode()
def _log_probs(model: Any) -> Tensor:
    """Log-probabilities after each of some tokens from all over the vocabulary."""
    step = model.config.vocab_size // CHECKED_TOKENS
    tokens = torch.arange(CHECKED_TOKENS).unsqueeze(0) * step
    log_probs: Tensor = model(input_ids=tokens).logits[0].log_softmax(dim=-1)
    return log_probs


def _write(
    reader: gguf.GGUFReader, merged: Mapping[str, NDArray[np.float32]], target: Path
) -> None:
    writer = gguf.GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    file_type = reader.get_field("general.file_type")
    copy_metadata(reader, writer, gguf.LlamaFileType(file_type.contents()) if file_type else None)
    for tensor in reader.tensors:
        _add(writer, tensor, tensor.name, merged.get(tensor.name))
        if tensor.name == EMBEDDING and not any(other.name == HEAD for other in reader.tensors):
            head = merged[HEAD]
            if not np.array_equal(head, merged[EMBEDDING]):
                _add(writer, tensor, HEAD, head)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add(
    writer: gguf.GGUFWriter,
    base: gguf.ReaderTensor,
    name: str,
    values: NDArray[np.float32] | None,
) -> None:
    """One tensor: the base's bytes unless the adapter changed it."""
    kind = base.tensor_type
    if values is None or np.array_equal(values, dequantised(base)):
        writer.add_tensor(name, base.data, raw_dtype=kind)
        return
    if kind not in {gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16}:
        kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
