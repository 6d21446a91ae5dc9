"""Rewrites a GGUF file in another quantisation, from the weights that the file holds.

OpenVINO reads Q4_1 wrongly (docs/decisions.md): its first-token log-probabilities were off by 1 to
2 nats, while Q8_0 of the very same weights is exact to 0.0001 and as fast.
"""

from pathlib import Path
from typing import Literal

import gguf
import numpy as np

Quantisation = Literal["Q8_0", "F16"]
FILE_TYPES = {
    "Q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "F16": gguf.LlamaFileType.MOSTLY_F16,
}


def rewrite_gguf(source: Path, target: Path, quantisation: Quantisation) -> None:
    """Write `target` with the metadata of `source` and its matrices in the given quantisation.

    Vectors stay float32. `target` is written under a temporary name and renamed at the end.
    """
    reader = gguf.GGUFReader(source)
    architecture = str(reader.fields["general.architecture"].contents())
    partial = target.with_name(f"{target.name}.rewriting")
    writer = gguf.GGUFWriter(partial, architecture)
    copy_metadata(reader, writer, FILE_TYPES[quantisation])
    wanted = gguf.GGMLQuantizationType[quantisation]
    for tensor in reader.tensors:
        weights = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if weights.ndim == 1:
            writer.add_tensor(tensor.name, weights)
        else:
            writer.add_tensor(tensor.name, gguf.quantize(weights, wanted), raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(target)


def copy_metadata(
    reader: gguf.GGUFReader, writer: gguf.GGUFWriter, file_type: gguf.LlamaFileType | None
) -> None:
    """Give the writer every field of the reader; the file type is the one given, if any."""
    for key, field in reader.fields.items():
        # The writer makes these itself.
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        value, kind = field.contents(), field.types[0]
        if key == "general.file_type":
            if file_type is not None:
                writer.add_file_type(file_type)
        elif kind is gguf.GGUFValueType.ARRAY:
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, kind)
