"""Fixtures that integration tests share. Each server starts once, when a test first asks for it."""

from tests.integration.databases import database, database_url, shared_postgres
from tests.integration.shared_milvus import collection, shared_milvus, store
from tests.integration.shared_redis import admin, cache, other_cache, shared_redis

__all__ = [
    "admin",
    "cache",
    "collection",
    "database",
    "database_url",
    "other_cache",
    "shared_milvus",
    "shared_postgres",
    "shared_redis",
    "store",
]
