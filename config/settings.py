"""Everything that can be set, read once at the edge: the YAML files of this folder and the
environment. A wrong value stops the start with the key, the value and what is allowed.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from followup.backends.settings import (
    CacheSettings,
    DatabaseSettings,
    EmbedderSettings,
    EngineSettings,
    VectorStoreSettings,
)
from followup.errors import SettingError
from followup.prompts import Approach, Guidance, PromptTemplate, PromptTemplates
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules

PACKAGED_CONFIG = Path(__file__).parent
Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of the settings models: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PackageSource(Strict):
    """A model that comes inside a Python package."""

    kind: Literal["package"]
    requirement: str = Field(pattern=r"^[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+$")
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

    kind: Literal["hub"]
    repo_id: str
    revision: str = Field(description="Commit or tag, so that the model never changes unseen.")


class LocalSource(Strict):
    """A model that is already in place; nothing is fetched."""

    kind: Literal["local"]


ModelSource = Annotated[PackageSource | HubSource | LocalSource, Field(discriminator="kind")]


class ModelSpec(Strict):
    """A model: its name, where it lies under MODEL_CACHE_DIR, where it comes from."""

    name: str
    path: Path
    source: ModelSource


class EngineChoice(Strict):
    """`engine:` of models.yaml; paths are filled in from the model. See EngineSettings."""

    engine: Literal["openvino", "vllm", "transformers"]
    device: str
    context_tokens: int
    max_running_requests: int
    kv_cache_gib: int
    batch_invariant: bool
    tensor_parallel_size: int


class EmbedderChoice(Strict):
    """`embedder:` of models.yaml; see EmbedderSettings."""

    device: str
    precision: Literal["auto", "float32", "bfloat16"]
    batch_size: int


class SamplingDefaults(Strict):
    """How tokens are drawn where the request does not say."""

    top_p: float = Field(gt=0, le=1)
    repetition_penalty: float = Field(ge=1, le=2)
    seed: int = Field(ge=0)


class ModelsFile(Strict):
    """`config/models.yaml`."""

    base_model: ModelSpec
    embedding_model: ModelSpec
    adapter_path: Path
    adapter_alias: str
    engine: EngineChoice
    embedder: EmbedderChoice
    sampling: SamplingDefaults
    fusion_weight_rag: float = Field(ge=0, le=1)
    require_grounding: bool
    min_confidence_threshold: float = Field(ge=0, le=1)


class CacheFile(Strict):
    """`config/cache.yaml`."""

    response_ttl_seconds: int = Field(ge=0)
    retrieval_ttl_seconds: int = Field(ge=0)
    model_ttl_seconds: int = Field(ge=0)
    max_entries: int = Field(ge=1)
    timeout_seconds: float = Field(gt=0)


class Environment(BaseSettings):
    """The environment variables; `.env.example` lists each with a line of explanation."""

    # An empty variable is the same as none, as it is in most .env files.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True
    )

    state_dir: Path = Path(".lead-assistant")
    config_dir: Path = PACKAGED_CONFIG
    model_cache_dir: Path | None = None
    database_url: str = ""
    redis_url: str = ""
    milvus_uri: str = ""
    milvus_token: str = ""
    milvus_lite_port: int = Field(default=19_530, ge=1, le=65_535)
    hf_token: str = ""
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8_000, ge=1, le=65_535)
    api_key: str = ""
    metrics_port: int = Field(default=9_090, ge=1, le=65_535)
    cors_allow_origins: str = ""
    rate_limit: str = "600/minute"
    request_timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: str) -> str:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            message = "must be empty or start with redis://, rediss:// or unix://"
            raise ValueError(message)
        return url

    @field_validator("milvus_uri")
    @classmethod
    def _is_milvus(cls, uri: str) -> str:
        if uri and not uri.startswith(("http://", "https://", "tcp://")):
            message = "must be empty or start with http://, https:// or tcp://"
            raise ValueError(message)
        return uri


class Settings(Strict):
    """All settings, as the parts take them."""

    environment: Environment
    models: ModelsFile
    scoring: ScoringRules
    compliance: ComplianceRules
    prompts: PromptTemplates
    cache: CacheSettings
    database: DatabaseSettings
    vector_store: VectorStoreSettings
    embedder: EmbedderSettings
    engine: EngineSettings
    rules_version: str = Field(description="Changes with every change of scoring or compliance.")

    @property
    def model_cache_dir(self) -> Path:
        """Where the models lie."""
        return model_cache_dir(self.environment)

    @property
    def model_version(self) -> str:
        """name@12 hex digits: of the package's checksum, or of repository and revision."""
        model = self.models.base_model
        return f"{model.name}@{_fingerprint(model)}"

    @property
    def uses_milvus_lite(self) -> bool:
        """True when no Milvus was named, so the embedded server is started."""
        return not self.environment.milvus_uri

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins that browsers may call from."""
        parts = self.environment.cors_allow_origins.split(",")
        return tuple(part.strip() for part in parts if part.strip())


def model_cache_dir(environment: Environment) -> Path:
    """MODEL_CACHE_DIR, or models/ of the state folder."""
    return (environment.model_cache_dir or environment.state_dir / "models").absolute()


def load_settings(config_dir: Path | None = None, models_file: str = "models.yaml") -> Settings:
    """Read the environment and the YAML files, of `config_dir` where it is given.

    Raises SettingError naming key, value and what is allowed.
    """
    try:
        environment = Environment()
    except ValidationError as error:
        raise SettingError(_explain(error, "the environment", upper=True)) from error
    folder = config_dir or environment.config_dir
    models = _read(folder / models_file, ModelsFile)
    scoring = _read(folder / "scoring.yaml", ScoringRules)
    compliance = _read(folder / "compliance.yaml", ComplianceRules)
    return Settings(
        environment=environment,
        models=models,
        scoring=scoring,
        compliance=compliance,
        prompts=_prompts(folder / "prompts"),
        cache=_cache(environment, _read(folder / "cache.yaml", CacheFile)),
        database=_database(environment),
        vector_store=VectorStoreSettings(
            uri=environment.milvus_uri or f"http://127.0.0.1:{environment.milvus_lite_port}",
            token=environment.milvus_token,
        ),
        embedder=_embedder(environment, models),
        engine=_engine(environment, models),
        rules_version=_fingerprint(scoring, compliance),
    )


def _prompts(folder: Path) -> PromptTemplates:
    return PromptTemplates(
        approaches={
            approach: _read(folder / f"{approach}.yaml", PromptTemplate) for approach in Approach
        },
        guidance=_read(folder / "guidance.yaml", Guidance),
    )


def _database(environment: Environment) -> DatabaseSettings:
    state = environment.state_dir.absolute()
    return DatabaseSettings(
        url=environment.database_url or f"sqlite+aiosqlite:///{state / 'lead_assistant.db'}",
        spool_dir=state / "spool",
    )


def _cache(environment: Environment, file: CacheFile) -> CacheSettings:
    return CacheSettings(redis_url=environment.redis_url, **file.model_dump())


def _engine(environment: Environment, models: ModelsFile) -> EngineSettings:
    return EngineSettings(
        model_name=models.base_model.name,
        model_path=model_cache_dir(environment) / models.base_model.path,
        **models.engine.model_dump(),
    )


def _embedder(environment: Environment, models: ModelsFile) -> EmbedderSettings:
    return EmbedderSettings(
        model_name=models.embedding_model.name,
        model_path=model_cache_dir(environment) / models.embedding_model.path,
        **models.embedder.model_dump(),
    )


def _read(path: Path, kind: type[Model]) -> Model:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"'{path}' does not exist. Set CONFIG_DIR to a folder that holds it."
        raise SettingError(message) from None
    except yaml.YAMLError as error:
        message = f"'{path}' is not valid YAML: {error}"
        raise SettingError(message) from error
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise SettingError(_explain(error, f"'{path}'")) from error


def _explain(error: ValidationError, where: str, *, upper: bool = False) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        shown = key.upper() if upper else key
        lines.append(f"{where}: '{shown}' has value {item['input']!r}: {item['msg']}")
    return "\n".join(lines)


def _fingerprint(*models: BaseModel) -> str:
    text = "\n".join(model.model_dump_json() for model in models)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
