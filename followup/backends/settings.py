"""What each backend can be told. Frozen, strict, read once at the edge by `config.settings`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BackendSettings(BaseModel):
    """Base of the settings models: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AdapterOptions(BackendSettings):
    """`serving:` of adapters.yaml: how a replica holds adapters."""

    max_loaded: int = Field(default=4, ge=1, description="Adapters that a replica holds at once.")
    kv_cache_gib: int = Field(
        default=1, ge=1, description="KV cache of each merged adapter, in GiB (OpenVINO only)."
    )
    pinned: tuple[str, ...] = Field(
        default=(), description="Names of adapters that are never unloaded to make room."
    )
    prefetch: tuple[str, ...] = Field(
        default=("production", "canary"), description="Aliases whose versions are loaded ahead."
    )
    max_rank: Literal[8, 16, 32, 64, 128, 256] = Field(
        default=64, description="Highest rank of an adapter (vLLM only)."
    )
    load_seconds: float = Field(
        default=120.0, gt=0, description="Time limit of loading one adapter, in seconds."
    )


class AdapterSettings(AdapterOptions):
    """How a replica holds adapters, and where they lie."""

    folder: Path = Field(description="Folder of the published versions.")
    base_model: str = Field(description="name@hash of the base model that serves.")
    idle_seconds: float = Field(
        default=86_400, ge=0, description="How long an idle adapter stays loaded, in seconds."
    )


class EngineOptions(BackendSettings):
    """`engine:` of models.yaml: the generation engine."""

    engine: Literal["openvino", "vllm", "transformers"] = Field(
        default="openvino", description="Which engine writes the replies."
    )
    device: str = Field(default="CPU", description="OpenVINO or torch device name.")
    context_tokens: int = Field(
        default=4_096, ge=256, description="Longest prompt plus reply, in tokens."
    )
    max_running_requests: int = Field(
        default=64, ge=1, description="Sequences in the running batch; more wait in the engine."
    )
    kv_cache_gib: int = Field(default=3, ge=1, description="Memory of the KV cache, in GiB.")
    batch_invariant: bool = Field(
        default=True,
        description="A greedy reply does not depend on what else is in the batch. On OpenVINO this "
        "means float32 without dynamic activation quantisation.",
    )
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs per replica (vLLM only).")


class EngineSettings(EngineOptions):
    """The generation engine with its model."""

    model_name: str = Field(description="Name of the base model, recorded with every reply.")
    model_path: Path = Field(description="GGUF file, or Hugging Face model folder.")
    adapters: AdapterSettings | None = Field(
        default=None, description="The adapters beside it; none: every adapter is refused."
    )


class EmbedderOptions(BackendSettings):
    """`embedder:` of models.yaml: how the embedding model runs."""

    device: str = Field(default="cpu", description="Torch device name.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto: bfloat16 where a measured check finds it faster."
    )
    batch_size: int = Field(default=32, ge=1, description="Texts per forward pass.")


class EmbedderSettings(EmbedderOptions):
    """The embedding model."""

    model_name: str = Field(description="Name of the embedding model, part of its fingerprint.")
    model_path: Path = Field(description="sentence-transformers model folder.")


class VectorStoreSettings(BackendSettings):
    """Milvus, standalone or Milvus Lite's server."""

    uri: str = Field(description="Milvus address, such as http://127.0.0.1:19530.")
    token: str = Field(
        default="", repr=False, description="Milvus token, user:password; empty for none."
    )
    collection: str = Field(
        default="passages_3",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="Name of the collections, one per embedding model, and of the alias of the one "
        "in use; its number is the version of the fields, which are fixed.",
    )
    timeout_seconds: float = Field(
        default=5.0, gt=0, description="Time limit of every call, in seconds."
    )
    dense_weight: float = Field(
        default=0.6, ge=0, le=1, description="Share of the dense ranking in the fused order."
    )
    num_candidates: int = Field(
        default=50, ge=1, le=1_000, description="Passages taken from each ranking before fusion."
    )
    relevance_weight: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Share of relevance, against novelty, in the choice of passages; 1: no MMR.",
    )


class RerankerOptions(BackendSettings):
    """`reranker:` of models.yaml: how a cross-encoder runs."""

    device: str = Field(default="cpu", description="Torch device name.")
    num_passages: int = Field(
        default=20, ge=1, le=1_000, description="Passages of each query that it reads."
    )
    batch_size: int = Field(default=16, ge=1, description="Passages per forward pass.")


class RerankerSettings(RerankerOptions):
    """The reranker; without a model, the built-in one."""

    model_name: str = Field(default="", description="Name of the cross-encoder; empty: none.")
    model_path: Path | None = Field(
        default=None, description="CrossEncoder folder; none: the built-in reranker."
    )


class StatementOptions(BackendSettings):
    """`statements:` of models.yaml: how plain statements are held against the documents."""

    embeddings: bool = Field(
        default=False,
        description="Whether the embedding model's word vectors help to judge; slower.",
    )
    device: str = Field(default="cpu", description="Torch device name of the judge model.")


class StatementSettings(StatementOptions):
    """The check of plain statements; without a model it is plain computation."""

    embedder: EmbedderSettings | None = Field(
        default=None, description="The embedding model in place; none: no word vectors."
    )
    judge_model_path: Path | None = Field(
        default=None, description="Folder of a model for inference; none: no judge."
    )


class DatabaseSettings(BackendSettings):
    """SQLite (aiosqlite) or PostgreSQL (asyncpg)."""

    url: str = Field(repr=False, description="SQLAlchemy URL with an async driver.")
    timeout_seconds: float = Field(
        default=5.0, gt=0, description="Time limit of every call, in seconds."
    )
    pool_size: int = Field(default=5, ge=1, description="Connections kept (PostgreSQL only).")
    spool_dir: Path = Field(
        description="Where replies are written down while the database is away."
    )


class CacheOptions(BackendSettings):
    """`cache.yaml`: the reply and retrieval cache."""

    response_ttl_seconds: int = Field(
        default=1_800, ge=0, description="Life of a cached reply, in seconds."
    )
    retrieval_ttl_seconds: int = Field(
        default=3_600, ge=0, description="Life of cached passages, in seconds."
    )
    model_ttl_seconds: int = Field(
        default=86_400, ge=0, description="How long an idle adapter stays loaded, in seconds."
    )
    max_entries: int = Field(default=10_000, ge=1, description="Entries held in this process.")
    timeout_seconds: float = Field(
        default=0.5, gt=0, description="Time limit of a Redis call, in seconds."
    )


class CacheSettings(CacheOptions):
    """The cache and where it is."""

    redis_url: str = Field(
        default="", repr=False, description="Redis address; empty: in this process."
    )
