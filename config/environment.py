"""The environment variables; `.env.example` lists each with a line of explanation."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.reading import mask_url
from followup.backends.rate_limiter import parse_limit
from followup.errors import SettingError

PACKAGED_CONFIG = Path(__file__).parent
URLS = frozenset({"database_url", "redis_url", "milvus_uri"})
SECRETS = frozenset({"milvus_token", "hf_token", "api_key"})
NO_SECRET = SecretStr("")


class StateEnvironment(BaseSettings):
    """What is needed to find a running installation, and so to stop it."""

    # An empty variable is the same as none, as it is in most .env files.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True
    )

    state_dir: Path = Field(
        default=Path(".lead-assistant"),
        description="Folder of everything that a running installation writes.",
    )


class Environment(StateEnvironment):
    """All variables. Secrets stay out of its repr, and so out of logs and tracebacks."""

    config_dir: Path = Field(
        default=PACKAGED_CONFIG, description="Folder of the YAML files and prompts."
    )
    model_cache_dir: Path | None = Field(
        default=None, description="Folder of the models; without it models/ under state_dir."
    )
    batch_dir: Path | None = Field(
        default=None, description="Folder of batches; without it batches/ under state_dir."
    )
    database_url: str = Field(
        default="", repr=False, description="PostgreSQL's address; empty: SQLite in state_dir."
    )
    redis_url: str = Field(
        default="", repr=False, description="Redis's address; empty: cache in the process."
    )
    milvus_uri: str = Field(
        default="", repr=False, description="Milvus's address; empty: Milvus Lite's server."
    )
    milvus_token: str = Field(default="", repr=False, description="user:password of that Milvus.")
    milvus_lite_port: int = Field(
        default=19_530, ge=1, le=65_535, description="Port of Milvus Lite's server."
    )
    hf_token: SecretStr = Field(
        default=NO_SECRET, description="Token for gated models of the Hugging Face hub."
    )
    api_host: str = Field(default="127.0.0.1", description="Address that the API listens on.")
    api_port: int = Field(default=8_000, ge=1, le=65_535, description="Port of the API.")
    api_key: SecretStr = Field(
        default=NO_SECRET, description="Key that the example requests are sent with."
    )
    allow_keyless: bool = Field(
        default=False, description="Whether callers need no key as long as no key was ever made."
    )
    metrics_port: int = Field(
        default=9_090, ge=1, le=65_535, description="Port of the Prometheus metrics."
    )
    cors_allow_origins: str = Field(
        default="", description="Origins, comma-separated, whose pages may call; empty: none."
    )
    rate_limit: str = Field(
        default="600/minute", description="Requests that each tenant may send in a period."
    )
    request_timeout_seconds: float = Field(
        default=60.0, gt=0, le=600, description="Seconds until a request is given up."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severity that the nodes log."
    )

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
        if "@" in uri:  # the address stands in messages that clients of the API read
            message = "must hold no user and password; they belong in MILVUS_TOKEN"
            raise ValueError(message)
        return uri

    @field_validator("rate_limit")
    @classmethod
    def _is_limit(cls, limit: str) -> str:
        try:
            parse_limit(limit)
        except SettingError as error:  # which pydantic would not collect
            raise ValueError(error.message) from error
        return limit


def read_environment() -> Environment:
    """The variables, of the environment and `.env`. Raises SettingError; secrets are masked."""
    try:
        return Environment()
    except ValidationError as error:
        raise SettingError(_explain(error)) from error


def read_state_dir() -> Path:
    """STATE_DIR alone, whatever the other variables hold."""
    return StateEnvironment().state_dir


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        name = str(item["loc"][0])
        shown = "***" if name in SECRETS else repr(item["input"])
        if name in URLS:
            shown = repr(mask_url(str(item["input"])))
        lines.append(f"the environment: '{name.upper()}' has value {shown}: {item['msg']}")
    return "\n".join(lines)
