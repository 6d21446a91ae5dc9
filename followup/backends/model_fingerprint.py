"""Names what an embedding model's vectors depend on, without loading the model."""

import hashlib

from followup.backends.settings import EmbedderSettings
from followup.errors import SettingError

FINGERPRINT_CHARACTERS = 12
# What decides a model's vectors; a README does not.
MODEL_FILE_SUFFIXES = frozenset({".bin", ".json", ".model", ".safetensors", ".txt"})


def model_fingerprint(settings: EmbedderSettings) -> str:
    """Hash of the name and of every file that decides the vectors.

    Not of the precision: its vectors are the same to 0.999 cosine, and a timing check that goes
    the other way on a busy day must not embed a whole knowledge base again.

    Raises:
        SettingError: the folder is not there.
    """
    folder = settings.model_path
    if not (folder / "modules.json").is_file():
        message = (
            f"'{folder}' is not a sentence-transformers model folder. "
            "Fetch the model with: lead-assistant models pull"
        )
        raise SettingError(message, field="model_path")
    digest = hashlib.sha256(settings.model_name.encode())
    for path in sorted(folder.rglob("*")):
        if path.suffix in MODEL_FILE_SUFFIXES and path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0{content}".encode())
    return digest.hexdigest()[:FINGERPRINT_CHARACTERS]
