"""The graph of the nodes. `build_app` is the import path of the serve_config files."""

from ray import serve
from ray.serve import Application, Deployment

from deployments.arguments import GraphArguments, load_graph_settings
from deployments.batch_node import BatchNode
from deployments.embedder import EmbedderNode
from deployments.generator import GeneratorNode
from deployments.ingress import IngressNode
from deployments.retriever import RetrieverNode
from deployments.validator import ValidatorNode


def build_app(arguments: GraphArguments) -> Application:
    """ingress -> embedder -> retriever -> generator -> validator; batches stand beside the ingress.

    Replicas, resources and autoscaling stand in the serve_config files only.
    """
    settings = load_graph_settings(arguments)
    sent = settings.without_caller_secrets()
    embedder = _node("embedder", EmbedderNode).bind(settings.embedder)
    retriever = _node("retriever", RetrieverNode).bind(
        settings.vector_store,
        settings.reranker,
        settings.cache,
        settings.settings_version,
        embedder,
    )
    generator = _node("generator", GeneratorNode).bind(
        settings.engine, settings.database, settings.batches.interactive_below
    )
    validator = _node("validator", ValidatorNode).bind(settings.compliance, settings.statements)
    nodes = {
        "embedder": embedder,
        "retriever": retriever,
        "generator": generator,
        "validator": validator,
    }
    batches = _node("batches", BatchNode).bind(sent, nodes)
    return _node("ingress", serve.ingress()(IngressNode)).bind(sent, nodes, batches)


def _node(name: str, kind: type) -> Deployment:
    return serve.deployment(name=name)(kind)
