"""The graph of the five nodes. `build_app` is the import path of the serve_config files."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve import Application, Deployment

from config.settings import load_settings
from deployments.embedder import EmbedderNode
from deployments.generator import GeneratorNode
from deployments.ingress import IngressNode
from deployments.retriever import RetrieverNode
from deployments.validator import ValidatorNode


class GraphArguments(BaseModel):
    """`args:` of a serve_config file."""

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


def build_app(arguments: GraphArguments) -> Application:
    """ingress -> embedder -> retriever -> generator -> validator.

    Replicas, resources and autoscaling stand in the serve_config files only.
    """
    settings = load_settings(arguments.config_dir, arguments.models_file)
    embedder = _node("embedder", EmbedderNode).bind(settings.embedder)
    retriever = _node("retriever", RetrieverNode)
    generator = _node("generator", GeneratorNode)
    validator = _node("validator", ValidatorNode)
    return _node("ingress", serve.ingress()(IngressNode)).bind(
        settings,
        embedder,
        retriever.bind(settings.vector_store, settings.cache, embedder),
        generator.bind(settings.engine),
        validator.bind(settings.compliance),
    )


def _node(name: str, kind: type) -> Deployment:
    return serve.deployment(name=name)(kind)
