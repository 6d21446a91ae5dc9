"""`args:` of a serve_config file. Light to import, because the command line reads it too."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from config.settings import Settings, load_settings
from followup.backends.relevance import load_relevance_model
from followup.errors import SettingError


class GraphArguments(BaseModel):
    """What a serve_config file tells `build_app`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config_dir: Path | None = Field(
        default=None,
        description="Folder of the YAML files; left out: CONFIG_DIR, or the package's.",
    )
    models_file: str = Field(
        default="models.yaml",
        pattern=r"^[\w.-]+\.yaml$",
        description="File of that folder that names the models; models.gpu.yaml for vLLM.",
    )
    require_servers: bool = Field(
        default=False,
        description="Whether embedded parts are refused, which replicas on other nodes lack.",
    )


def load_graph_settings(arguments: GraphArguments) -> Settings:
    """The settings of the graph. Raises SettingError for what the graph cannot run with."""
    settings = load_settings(arguments.config_dir, arguments.models_file)
    load_relevance_model().check_fits(settings.embedder.model_name)
    if arguments.require_servers:
        _check_servers(settings)
    return settings


def _check_servers(settings: Settings) -> None:
    environment = settings.environment
    for name in ("database_url", "redis_url", "milvus_uri"):
        if not getattr(environment, name):
            message = (
                f"{name.upper()} is not set. require_servers of the Serve config asks for servers "
                "that every node reaches."
            )
            raise SettingError(message, field=name.upper())
    for name in ("model_cache_dir", "batch_dir"):
        folder = getattr(environment, name)
        if folder is None or not folder.is_absolute():
            shown = f"has value '{folder}'" if folder else "is not set"
            message = (
                f"{name.upper()} {shown}. require_servers of the Serve config asks for the "
                "absolute path of a folder that every node has."
            )
            raise SettingError(message, field=name.upper())
