"""The base model that is trained on: its Hugging Face folder and which one it is."""

import hashlib
from pathlib import Path

from transformers import AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from followup.backends.gguf_export import model_folder
from followup.backends.settings import EngineSettings
from training.run_folder import BaseModelId

_SUFFIXES = frozenset({".safetensors", ".json", ".model", ".bin"})


class BaseModel:
    """A model folder with its tokenizer. A GGUF file is exported to a folder first.

    Raises SettingError where the model is not there.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.folder = model_folder(settings.model_path)
        self.identity = BaseModelId(name=settings.model_name, fingerprint=_fingerprint(self.folder))
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(self.folder)
        ends = GenerationConfig.from_pretrained(self.folder).eos_token_id
        self.end_token_id = int(ends if isinstance(ends, int) else ends[0])

    @property
    def pad_token_id(self) -> int:
        """Any token will do: what is padded is masked."""
        found = self.tokenizer.pad_token_id
        return self.end_token_id if found is None else int(found)


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()
