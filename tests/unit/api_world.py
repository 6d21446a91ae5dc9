"""The HTTP API without Ray for tests: fake nodes, real SQLite, everything else as it runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from config.settings import Settings, load_settings
from deployments.approval_desk import ApprovalDesk
from deployments.approval_gate import ApprovalGate
from deployments.auth import Authenticator
from deployments.batch_desk import BatchDesk
from deployments.health_api import Health
from deployments.metrics import IngressMetrics
from deployments.parts import Parts
from deployments.routes import build_api
from deployments.service import FollowupService
from followup.approval import ApprovalRules
from followup.backends.adapters import AdapterStore
from followup.backends.api_keys import ApiKeys
from followup.backends.approvals import Approvals
from followup.backends.batches import Batches
from followup.backends.cache import MemoryCache
from followup.backends.database import Database
from followup.backends.rate_limiter import RateLimiter
from followup.backends.replies import Replies
from followup.backends.reply_log import ReplyLog
from followup.backends.settings import DatabaseSettings
from followup.backends.single_flight import ReplyCache
from followup.errors import FollowupError, PartUnavailableError
from followup.passage import Chunk, Passage
from followup.pipeline import Pipeline
from followup.request import GenerationOptions
from tests.fakes import FakeAliases, FakeNodes

SETTINGS = load_settings()
RAG = "/rag/api/v1/rag/generate-followup"
FINETUNED = "/finetuned/api/v1/finetuned/generate-followup"
HYBRID = "/hybrid/api/v1/hybrid/generate-followup"
LEAD = {
    "lead_name": "Sarah Johnson",
    "product_name": "AI Billing Software",
    "interaction_history": "Asked what the mid-tier plan costs.",
}
PASSAGE = Passage(
    chunk=Chunk(
        chunk_id="1",
        document="pricing/plans.pdf",
        title="Plans",
        source_type="pricing",
        position=0,
        text="The Growth plan is the mid-tier plan and costs $299 per month.",
    ),
    score=0.9,
)


class StubHealth:
    """A health report made up for the test."""

    report_to_give = Health(status="healthy", models={}, services={}, version="1")

    async def report(self) -> Health:
        return self.report_to_give


@dataclass
class World:
    """One running API and what stands behind it."""

    client: httpx.AsyncClient
    parts: Parts
    keys: ApiKeys
    database: Database
    batches: Batches
    settings: Settings
    aliases: FakeAliases = field(default_factory=FakeAliases)
    passages: list[Passage] = field(default_factory=lambda: [PASSAGE])
    knowledge_base: str = "kb-1"
    num_writes: int = 0
    failure: FollowupError | None = None
    hold: asyncio.Event | None = None
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    has_joined: asyncio.Event = field(default_factory=asyncio.Event)
    num_asked: int = 0
    passing_failures: list[FollowupError] = field(default_factory=list)

    async def post(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self.client.post(path, json=body, headers=headers)

    async def get(self, path: str, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self.client.get(path, headers=headers)

    def set_policy(self, **rules: Any) -> None:
        """Another `approval.yaml`."""
        policy = ApprovalRules(**rules)
        self.parts = replace(self.parts, desk=replace(self.parts.desk, rules=policy))
        self.change_service(gate=replace(self.parts.service.gate, rules=policy))

    def forget_replies(self) -> None:
        """An empty cache."""
        self.change_service(cache=ReplyCache(MemoryCache(100)))

    def promote(self, version: str, tenant: str = "default", industry: str = "") -> None:
        """The alias names another version, and that is known at once."""
        self.aliases.promote(version, tenant, industry)
        self.change_service(adapters=AdapterStore(self.aliases, "production"))

    def change_service(self, **parts: Any) -> None:
        """Another part of the service, at once."""
        self.parts = replace(self.parts, service=replace(self.parts.service, **parts))
        self.client = client_of(self.parts)

    def nodes_for(self, tenant: str, deadline: float, knowledge_base_version: str) -> FakeNodes:
        self.num_writes += 1
        self.has_begun.set()
        return HeldNodes(self)

    async def version(self, tenant: str, deadline: float) -> str:
        self.num_asked += 1
        if self.num_asked > 1:
            self.has_joined.set()
        if isinstance(self.failure, PartUnavailableError):
            raise self.failure
        return self.knowledge_base


class HeldNodes(FakeNodes):
    """Writes only once the world lets it."""

    def __init__(self, world: World) -> None:
        super().__init__(SETTINGS.compliance, world.passages, failure=world.failure)
        self._world = world

    async def embed(self, texts: tuple[str, ...]) -> list[float]:
        if self._world.hold is not None:
            await self._world.hold.wait()
        if self._world.passing_failures:
            raise self._world.passing_failures.pop()
        return await super().embed(texts)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = Database(
        DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/db", spool_dir=tmp_path / "spool")
    )
    await database.migrate()
    log = ReplyLog(database, tmp_path / "spool")
    made = World(
        client=None,  # type: ignore[arg-type]  # filled in below
        parts=None,  # type: ignore[arg-type]
        keys=ApiKeys(database),
        database=database,
        batches=Batches(database),
        settings=SETTINGS.model_copy(
            update={"batches": SETTINGS.batches.model_copy(update={"folder": tmp_path / "batches"})}
        ),
    )
    service = FollowupService(
        pipeline=Pipeline(SETTINGS.scoring, SETTINGS.compliance, SETTINGS.prompts, 0.65),
        nodes_for=made.nodes_for,
        knowledge_base_version=made.version,
        adapters=AdapterStore(made.aliases, "production"),
        cache=ReplyCache(MemoryCache(100)),
        gate=ApprovalGate(ApprovalRules(), Approvals(database), Replies(database)),
        log=log,
        model_version="model@1",
        rules_version="rules-1",
        response_ttl_seconds=60,
        timeout_seconds=30,
    )
    made.parts = Parts(
        service=service,
        replies=Replies(database),
        desk=ApprovalDesk(Approvals(database), ApprovalRules(), SETTINGS.compliance),
        scoring=SETTINGS.scoring,
        batches=BatchDesk(made.batches, made.settings),
        authenticator=Authenticator(made.keys, allow_keyless=True),
        limiter=RateLimiter("", "1000/minute"),
        health=StubHealth(),
        metrics=IngressMetrics(),
        hybrid_defaults=GenerationOptions(),
        cors_origins=("https://crm.example",),
        version="1",
    )
    made.client = client_of(made.parts)
    yield made
    await made.client.aclose()
    await log.close()
    await database.close()


def client_of(parts: Parts) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=build_api(parts), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def error_of(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert error["request_id"] == response.headers["X-Request-ID"]
    return error
