"""Looks at what is stored, checks it, and deletes from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.documents import LazyEmbedder, rejects_path
from cluster.ingest_lock import running_ingestion
from cluster.reporting import Reporter
from cluster.state import StateFolder
from cluster.stored_knowledge import stored_knowledge
from config.settings import Settings
from followup.backends.milvus_connection import MilvusConnection
from followup.backends.model_fingerprint import model_fingerprint
from followup.backends.vector_store import VectorStore, versions_name
from followup.errors import InvalidInputError
from ingestion.verify import Verification, verify


@dataclass(frozen=True, slots=True)
class TenantStatus:
    """What the last publication of a tenant said, and who is at work on the next."""

    tenant: str
    num_documents: int
    num_chunks: int
    num_rejects: int
    generation: int
    published_at: str
    running: str


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """A collection of passages. `role` says whose model it belongs to."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class KnowledgeStatus:
    """All tenants of the configured embedding model, and the collections of every model."""

    tenants: list[TenantStatus]
    collections: list[CollectionStatus]


async def read_status(settings: Settings) -> KnowledgeStatus:
    """Read it. PartUnavailableError where Milvus does not answer."""
    state = StateFolder(settings.environment.state_dir.absolute())
    async with stored_knowledge(settings, model_fingerprint(settings.embedder)) as stored:
        states = await stored.states()
        collections = await stored.current.collections()
        current = await stored.current.read()
    tenants = [
        TenantStatus(
            tenant=tenant,
            num_documents=found.num_documents,
            num_chunks=found.num_chunks,
            num_rejects=_num_rejects(settings, tenant),
            generation=found.generation,
            published_at=found.published_at,
            running=running_ingestion(state, tenant),
        )
        for tenant, found in states.items()
    ]
    roles = [
        CollectionStatus(name, _role(name, stored.collection, current)) for name in collections
    ]
    return KnowledgeStatus(tenants, roles)


async def verify_tenant(
    settings: Settings, tenant: str, sample_size: int, reporter: Reporter
) -> Verification:
    """See `ingestion.verify`."""
    embedder = LazyEmbedder(settings.embedder, reporter)
    async with stored_knowledge(settings, embedder.fingerprint) as stored:
        dimension = await stored.dimension()
    if dimension is None:
        return Verification(tenant=tenant, num_sampled=0)
    store = VectorStore(settings.vector_store, dimension, model=embedder.fingerprint)
    try:
        return await verify(tenant, store, embedder, sample_size)
    finally:
        await store.close()


async def delete_documents(
    settings: Settings, tenant: str, names: Sequence[str] | None
) -> list[str]:
    """Delete these documents of a tenant, or all; the names of those that were there.

    Raises InvalidInputError naming the documents that are not there; nothing is deleted then.
    """
    model = model_fingerprint(settings.embedder)
    async with stored_knowledge(settings, model) as stored:
        dimension = await stored.dimension()
        known = await stored.hashes(tenant)
    wanted = list(known) if names is None else list(names)
    if unknown := sorted(set(wanted) - known.keys()):
        message = (
            f"Tenant '{tenant}' has no document {', '.join(map(repr, unknown))}. "
            "See their names with: lead-assistant ingest FOLDER --dry-run"
        )
        raise InvalidInputError(message, field="names")
    if dimension is not None and wanted:
        store = VectorStore(settings.vector_store, dimension, model=model)
        try:
            await store.delete_documents(tenant, wanted)
        finally:
            await store.close()
    return wanted


async def superseded_collections(settings: Settings) -> list[str]:
    """Collections of models that are neither configured nor in use."""
    async with stored_knowledge(settings, model_fingerprint(settings.embedder)) as stored:
        kept = {stored.collection, await stored.current.read()}
        return [name for name in await stored.current.collections() if name not in kept]


async def drop_collections(settings: Settings, names: Sequence[str]) -> None:
    """Delete collections with the states of their tenants."""
    connection = MilvusConnection(settings.vector_store, [settings.vector_store.collection])
    try:
        for name in names:
            await connection.drop_collections([name, versions_name(name)])
    finally:
        await connection.close()


def _num_rejects(settings: Settings, tenant: str) -> int:
    path = rejects_path(settings, tenant)
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _role(name: str, own: str, current: str | None) -> str:
    if name == own:
        return "the configured model's" + ("" if name == current else ", not yet whole")
    if name == current:
        return "in use until every tenant is ingested with the configured model"
    return "of an older model; delete it with: lead-assistant ingest delete --old-models"
