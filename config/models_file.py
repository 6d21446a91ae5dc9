"""`models.yaml`: which models write and read, where they come from, how replies are sampled."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.reading import Strict
from followup.backends.settings import (
    EmbedderOptions,
    EngineOptions,
    RerankerOptions,
    StatementOptions,
)

VERSION_CHARACTERS = 12


class PackageSource(Strict):
    """A model that comes inside a Python package."""

    kind: Literal["package"] = Field(description="Says that this is a package.")
    requirement: str = Field(
        pattern=r"^[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+$", description="Package and exact version."
    )
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Checksum of the package's wheel.")
    folder: str = Field(description="Folder inside the wheel that holds the files.")
    files: tuple[str, ...] = Field(min_length=1, description="Files to take, relative to folder.")
    rewrite: Literal["Q8_0", "F16"] | None = Field(
        default=None, description="Quantisation that the one GGUF file is rewritten in."
    )

    @model_validator(mode="after")
    def _rewrites_one_file(self) -> "PackageSource":
        if self.rewrite is not None and len(self.files) != 1:
            message = f"rewrite needs exactly one GGUF file, files has {len(self.files)}"
            raise ValueError(message)
        return self


class HubSource(Strict):
    """A model on the Hugging Face hub."""

    kind: Literal["hub"] = Field(description="Says that this is a repository of the hub.")
    repo_id: str = Field(description="Repository, such as Qwen/Qwen2.5-7B-Instruct.")
    revision: str = Field(
        pattern=r"^[0-9a-f]{40}$",
        description="Commit; a branch or a tag may move, and the model would change unseen.",
    )


class LocalSource(Strict):
    """A model that is already in place; nothing is fetched."""

    kind: Literal["local"] = Field(description="Says that the model is already in place.")


ModelSource = Annotated[PackageSource | HubSource | LocalSource, Field(discriminator="kind")]


class ModelSpec(Strict):
    """A model: its name, where it lies under MODEL_CACHE_DIR, where it comes from."""

    name: str = Field(description="Name that replies are recorded with.")
    path: Path = Field(description="File or folder, relative to MODEL_CACHE_DIR.")
    source: ModelSource = Field(description="Where it comes from.")


class SamplingDefaults(Strict):
    """How tokens are drawn where the request does not say."""

    top_p: float = Field(gt=0, le=1, description="Share of the probability that is drawn from.")
    repetition_penalty: float = Field(
        ge=1, le=2, description="Divides the logit of tokens already there; 1 changes nothing."
    )
    seed: int = Field(ge=0, description="Seed of the draw: equal requests get equal replies.")


class ModelsFile(Strict):
    """`models.yaml` or `models.gpu.yaml`."""

    base_model: ModelSpec = Field(description="The model that writes.")
    embedding_model: ModelSpec = Field(description="The model that embeds texts.")
    reranking_model: ModelSpec | None = Field(
        default=None, description="A cross-encoder that reranks; none: the built-in reranker."
    )
    judge_model: ModelSpec | None = Field(
        default=None, description="A model for inference that judges statements; none: no judge."
    )
    statements: StatementOptions = Field(
        default=StatementOptions(), description="How plain statements are checked."
    )
    adapter_path: Path = Field(description="Folder of adapters, relative to MODEL_CACHE_DIR.")
    adapter_alias: str = Field(description="Alias of the adapter that serves.")
    engine: EngineOptions = Field(description="The generation engine.")
    embedder: EmbedderOptions = Field(description="How the embedding model runs.")
    reranker: RerankerOptions = Field(
        default=RerankerOptions(), description="How the cross-encoder runs, where there is one."
    )
    sampling: SamplingDefaults = Field(description="How tokens are drawn.")
    fusion_weight_rag: float = Field(
        ge=0, le=1, description="Share of the retrieval candidates in a hybrid reply's choice."
    )
    require_grounding: bool = Field(description="Whether a hybrid reply must be grounded.")
    min_confidence_threshold: float = Field(
        ge=0, le=1, description="Confidence below which the conservative reply goes out."
    )


def model_version(spec: ModelSpec, cache: Path) -> str:
    """name@12 hex digits, of where the model comes from; of a local one, of its files as they lie
    in `cache`: their paths, sizes and times of change, because reading gigabytes takes too long."""
    digest = hashlib.sha256(spec.model_dump_json().encode())
    if isinstance(spec.source, LocalSource):
        target = cache / spec.path
        for path in [target] if target.is_file() else sorted(target.rglob("*")):
            found = path.stat()
            name = path.relative_to(target.parent).as_posix()
            digest.update(f"\0{name}\0{found.st_size}\0{found.st_mtime_ns}".encode())
    return f"{spec.name}@{digest.hexdigest()[:VERSION_CHARACTERS]}"
