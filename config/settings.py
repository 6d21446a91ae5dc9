"""Everything that can be set, read once at the edge: the YAML files of this folder and the
environment. A wrong value stops the start with the key, the value and what is allowed.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from pydantic import Field

from config.adapters_file import AdaptersFile
from config.batches_file import BatchesFile, BatchSettings
from config.environment import NO_SECRET, Environment, read_environment
from config.ingestion import IngestionSettings
from config.models_file import VERSION_CHARACTERS, ModelsFile, model_version
from config.reading import Strict, read_yaml
from followup.approval import ApprovalRules
from followup.backends.relevance import load_relevance_model
from followup.backends.reranking import load_feature_weights
from followup.backends.settings import (
    AdapterSettings,
    CacheOptions,
    CacheSettings,
    DatabaseSettings,
    EmbedderSettings,
    EngineSettings,
    RerankerSettings,
    StatementSettings,
    VectorStoreSettings,
)
from followup.prompts import Approach, Guidance, PromptTemplate, PromptTemplates
from followup.rules import ComplianceRules
from followup.scoring import ScoringRules

DISTRIBUTION = "ai-lead-assistant"


class Settings(Strict):
    """All settings, as the parts take them."""

    environment: Environment = Field(description="The environment variables.")
    models: ModelsFile = Field(description="The models file.")
    scoring: ScoringRules = Field(description="scoring.yaml.")
    compliance: ComplianceRules = Field(description="compliance.yaml.")
    approval: ApprovalRules = Field(description="approval.yaml.")
    adapters: AdaptersFile = Field(description="adapters.yaml.")
    batches: BatchSettings = Field(description="batches.yaml, and where batches lie.")
    prompts: PromptTemplates = Field(description="The templates of prompts/.")
    cache: CacheSettings = Field(description="cache.yaml, and where Redis is.")
    database: DatabaseSettings = Field(description="Where the database is.")
    vector_store: VectorStoreSettings = Field(description="Where Milvus is, and how it ranks.")
    embedder: EmbedderSettings = Field(description="The embedding model in place.")
    reranker: RerankerSettings = Field(description="The reranking model in place, if any.")
    statements: StatementSettings = Field(description="How plain statements are checked.")
    ingestion: IngestionSettings = Field(description="ingestion.yaml.")
    engine: EngineSettings = Field(description="The base model in place, and its engine.")
    model_version: str = Field(description="Changes with the base model; see model_version.")
    settings_version: str = Field(
        description="12 hex digits that change with everything else that shapes a reply and is "
        "neither prompt, adapter nor document."
    )

    @property
    def model_cache_dir(self) -> Path:
        """Where the models lie."""
        return model_cache_dir(self.environment)

    @property
    def uses_milvus_lite(self) -> bool:
        """True when no Milvus was named, so the embedded server is started."""
        return not self.environment.milvus_uri

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins that browsers may call from."""
        parts = self.environment.cors_allow_origins.split(",")
        return tuple(part.strip() for part in parts if part.strip())

    def without_caller_secrets(self) -> "Settings":
        """Without the tokens that only the command line uses: what is sent to replicas."""
        environment = self.environment.model_copy(
            update={"hf_token": NO_SECRET, "api_key": NO_SECRET}
        )
        return self.model_copy(update={"environment": environment})


def model_cache_dir(environment: Environment) -> Path:
    """MODEL_CACHE_DIR, or models/ of the state folder."""
    return (environment.model_cache_dir or environment.state_dir / "models").absolute()


def load_settings(config_dir: Path | None = None, models_file: str = "models.yaml") -> Settings:
    """Read the environment and the YAML files, of `config_dir` where it is given.

    Raises SettingError naming key, value and what is allowed.
    """
    environment = read_environment()
    folder = config_dir or environment.config_dir
    models = read_yaml(folder / models_file, ModelsFile)
    scoring = read_yaml(folder / "scoring.yaml", ScoringRules)
    compliance = read_yaml(folder / "compliance.yaml", ComplianceRules)
    cache = read_yaml(folder / "cache.yaml", CacheOptions)
    adapters = read_yaml(folder / "adapters.yaml", AdaptersFile)
    models_folder = model_cache_dir(environment)
    vector_store = _vector_store(environment)
    embedder = EmbedderSettings(
        **models.embedder.model_dump(),
        model_name=models.embedding_model.name,
        model_path=models_folder / models.embedding_model.path,
    )
    return Settings(
        environment=environment,
        models=models,
        scoring=scoring,
        compliance=compliance,
        approval=read_yaml(folder / "approval.yaml", ApprovalRules),
        adapters=adapters,
        batches=_batches(folder, environment),
        prompts=_prompts(folder / "prompts"),
        cache=CacheSettings(**cache.model_dump(), redis_url=environment.redis_url),
        database=_database(environment),
        vector_store=vector_store,
        embedder=embedder,
        statements=_statements(models, models_folder, embedder),
        ingestion=read_yaml(folder / "ingestion.yaml", IngestionSettings),
        reranker=_reranker(models, models_folder),
        engine=_engine(models, models_folder, adapters, cache),
        model_version=model_version(models.base_model, models_folder),
        settings_version=_settings_version(
            models, models_folder, vector_store, scoring, compliance
        ),
    )


def _batches(folder: Path, environment: Environment) -> BatchSettings:
    limits = read_yaml(folder / "batches.yaml", BatchesFile)
    place = environment.batch_dir or environment.state_dir / "batches"
    return BatchSettings(**limits.model_dump(), folder=place.absolute())


def _prompts(folder: Path) -> PromptTemplates:
    return PromptTemplates(
        approaches={
            approach: read_yaml(folder / f"{approach}.yaml", PromptTemplate)
            for approach in Approach
        },
        guidance=read_yaml(folder / "guidance.yaml", Guidance),
    )


def _database(environment: Environment) -> DatabaseSettings:
    state = environment.state_dir.absolute()
    return DatabaseSettings(
        url=environment.database_url or f"sqlite+aiosqlite:///{state / 'lead_assistant.db'}",
        spool_dir=state / "spool",
    )


def _vector_store(environment: Environment) -> VectorStoreSettings:
    return VectorStoreSettings(
        uri=environment.milvus_uri or f"http://127.0.0.1:{environment.milvus_lite_port}",
        token=environment.milvus_token,
    )


def _engine(
    models: ModelsFile, models_folder: Path, adapters: AdaptersFile, cache: CacheOptions
) -> EngineSettings:
    return EngineSettings(
        **models.engine.model_dump(),
        model_name=models.base_model.name,
        model_path=models_folder / models.base_model.path,
        adapters=AdapterSettings(
            **adapters.serving.model_dump(),
            folder=models_folder / models.adapter_path,
            base_model=model_version(models.base_model, models_folder),
            idle_seconds=cache.model_ttl_seconds,
        ),
    )


def _reranker(models: ModelsFile, models_folder: Path) -> RerankerSettings:
    spec = models.reranking_model
    return RerankerSettings(
        **models.reranker.model_dump(),
        model_name=spec.name if spec else "",
        model_path=models_folder / spec.path if spec else None,
    )


def _statements(
    models: ModelsFile, models_folder: Path, embedder: EmbedderSettings
) -> StatementSettings:
    spec = models.judge_model
    return StatementSettings(
        **models.statements.model_dump(),
        embedder=embedder if models.statements.embeddings else None,
        judge_model_path=models_folder / spec.path if spec else None,
    )


def _settings_version(
    models: ModelsFile,
    models_folder: Path,
    vector_store: VectorStoreSettings,
    scoring: ScoringRules,
    compliance: ComplianceRules,
) -> str:
    """A hash of what decides a reply beside the request, the prompts, the models' own versions and
    the documents. How much runs at once and how much memory it takes does not."""
    shaping = {
        "distribution": version(DISTRIBUTION),
        "models": models.model_dump(
            mode="json",
            include={
                "sampling": True,
                "fusion_weight_rag": True,
                "require_grounding": True,
                "min_confidence_threshold": True,
                "engine": {"engine", "device", "context_tokens", "batch_invariant"},
                "embedder": {"precision"},
                "statements": {"embeddings"},
            },
        ),
        "embedding_model": model_version(models.embedding_model, models_folder),
        "ranking": vector_store.model_dump(
            include={"dense_weight", "num_candidates", "relevance_weight"}
        ),
        "reranking": _reranking_version(models, models_folder),
        "judge": models.judge_model and model_version(models.judge_model, models_folder),
        "relevance": load_relevance_model().model_dump(),
        "scoring": scoring.model_dump(mode="json"),
        "compliance": compliance.model_dump(mode="json"),
    }
    text = json.dumps(shaping, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_CHARACTERS]


def _reranking_version(models: ModelsFile, models_folder: Path) -> dict[str, object]:
    if models.reranking_model is None:
        return load_feature_weights().model_dump()
    return {
        "model": model_version(models.reranking_model, models_folder),
        "num_passages": models.reranker.num_passages,
    }
