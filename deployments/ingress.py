"""The ingress node: HTTP in front, the pipeline behind it, cache and audit beside it."""

from collections.abc import Mapping
from importlib.metadata import version

from fastapi import FastAPI
from ray.serve.handle import DeploymentHandle

from config.settings import DISTRIBUTION, Settings
from deployments.approval_desk import ApprovalDesk
from deployments.approval_gate import ApprovalGate
from deployments.auth import Authenticator
from deployments.batch_desk import BatchDesk
from deployments.health import Embedded, HealthProbes
from deployments.lead_writer import build_pipeline, hybrid_defaults
from deployments.metrics import IngressMetrics
from deployments.nodes import Graph, KnowledgeBaseVersions
from deployments.parts import Parts
from deployments.routes import build_api
from deployments.service import FollowupService, name_settings
from followup.backends.adapter_aliases import AdapterAliases
from followup.backends.adapters import AdapterStore
from followup.backends.api_keys import ApiKeys
from followup.backends.approvals import Approvals
from followup.backends.batches import Batches
from followup.backends.cache import build_cache
from followup.backends.database import Database
from followup.backends.rate_limiter import RateLimiter
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.single_flight import ReplyCache


class IngressNode:
    """Builds the parts of the HTTP application."""

    async def __init__(  # type: ignore[misc]  # Serve awaits a constructor
        self,
        settings: Settings,
        nodes: Mapping[str, DeploymentHandle],
        batches: DeploymentHandle,
    ) -> None:
        """`batches` is only bound to be deployed too: the database brings it its work."""
        graph = Graph.of(nodes, settings.models.sampling.model_dump())
        self._database = Database(settings.database)
        self._cache = build_cache(settings.cache)
        self._limiter = RateLimiter(
            settings.environment.redis_url,
            settings.environment.rate_limit,
            timeout_seconds=settings.cache.timeout_seconds,
        )
        self._log = ReplyLog(self._database, settings.database.spool_dir)
        self._log.start()
        self._parts = self._build_parts(settings, graph)

    def _build_parts(self, settings: Settings, graph: Graph) -> Parts:
        adapters = AdapterStore(AdapterAliases(self._database), settings.models.adapter_alias)
        return Parts(
            service=self._build_service(settings, graph, adapters),
            replies=Replies(self._database),
            desk=ApprovalDesk(Approvals(self._database), settings.approval, settings.compliance),
            scoring=settings.scoring,
            authenticator=Authenticator(
                ApiKeys(self._database), allow_keyless=settings.environment.allow_keyless
            ),
            limiter=self._limiter,
            health=HealthProbes(
                graph=graph,
                database=self._database,
                cache=self._cache,
                adapters=adapters,
                embedded=Embedded(
                    database=settings.database.url.startswith("sqlite"),
                    cache=not settings.cache.redis_url,
                    vector_store=settings.uses_milvus_lite,
                ),
                version=version(DISTRIBUTION),
            ),
            metrics=IngressMetrics(),
            hybrid_defaults=hybrid_defaults(settings),
            batches=BatchDesk(Batches(self._database), settings),
            cors_origins=settings.cors_origins,
            version=version(DISTRIBUTION),
        )

    def _build_service(
        self, settings: Settings, graph: Graph, adapters: AdapterStore
    ) -> FollowupService:
        return FollowupService(
            pipeline=build_pipeline(settings),
            nodes_for=name_settings(graph.nodes_for, settings.settings_version),
            knowledge_base_version=KnowledgeBaseVersions(graph.retriever),
            adapters=adapters,
            cache=ReplyCache(self._cache),
            gate=ApprovalGate(
                settings.approval, Approvals(self._database), Replies(self._database)
            ),
            log=self._log,
            model_version=settings.model_version,
            rules_version=settings.settings_version,
            response_ttl_seconds=settings.cache.response_ttl_seconds,
            timeout_seconds=settings.environment.request_timeout_seconds,
        )

    def __serve_build_asgi_app__(self) -> FastAPI:
        return build_api(self._parts)

    async def check_health(self) -> None:
        """A replica that answers is healthy; what it stands on is told by /health."""

    async def __del__(self) -> None:
        await self._log.close()
        await self._limiter.close()
        await self._cache.close()
        await self._database.close()
