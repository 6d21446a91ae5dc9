"""The Serve config file: what the command line reads in it, and what it writes into it."""

from pathlib import Path
from typing import Any

import yaml

from cluster.errors import StartError
from cluster.state import write_atomically
from config.environment import Environment
from config.reading import validate
from deployments.arguments import GraphArguments

GRAPH = "deployments.graph:build_app"


def read_arguments(source: Path) -> GraphArguments:
    """The arguments of our graph in the file. Raises StartError, SettingError."""
    for application in _read(source)["applications"]:
        if application.get("import_path") == GRAPH:
            return validate(application.get("args") or {}, GraphArguments, f"'{source}', args")
    message = f"'{source}' has no application with import_path '{GRAPH}'."
    raise StartError(message)


def write_effective_config(source: Path, target: Path, environment: Environment) -> None:
    """Write the Serve config with API_HOST, API_PORT and LOG_LEVEL. StartError if it cannot."""
    config = _read(source)
    address = {"host": environment.api_host, "port": environment.api_port}
    level = {"log_level": environment.log_level}
    config["http_options"] = {**(config.get("http_options") or {}), **address}
    config["logging_config"] = {**(config.get("logging_config") or {}), **level}
    write_atomically(target, yaml.safe_dump(config, sort_keys=False))


def _read(source: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        message = (
            f"'{source}' cannot be read: {error}. Run from the project's root, or use --config."
        )
        raise StartError(message) from error
    if not isinstance(config, dict) or not isinstance(config.get("applications"), list):
        message = f"'{source}' has no 'applications'. It must be a Ray Serve config file."
        raise StartError(message)
    return config
