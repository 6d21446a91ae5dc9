"""API keys: who may call, as which tenant, for what.

A token is `la_<key_id>_<secret>`; only a SHA-256 of the secret is stored. A fast hash is right
here: passwords need a slow one because people choose few of them, but the secret is 256 random
bits, which nobody can guess at any speed.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cachetools import LRUCache
from pydantic import ValidationError
from sqlalchemy import update
from sqlmodel import col, select

from followup.backends.access import Scope
from followup.backends.database import Database
from followup.backends.tables import ApiKey, ApiKeyRow
from followup.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PartUnavailableError,
)

TOKEN_PATTERN = re.compile(r"la_(?P<key_id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
OUTAGE_SECONDS = 3_600.0
"""How long a key that was good goes on being accepted while the database is away."""
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key. The token cannot be shown again: only its hash is stored."""

    token: str
    key: ApiKey


@dataclass(frozen=True, slots=True)
class _Remembered:
    key_hash: str
    key: ApiKey
    seen_at: float
    """`time.monotonic()` of the last time the database confirmed the key."""


class ApiKeys:
    """Makes, lists, revokes and checks keys. Everything raises PartUnavailableError.

    `authenticate` alone outlives the database for OUTAGE_SECONDS, for keys this process has seen:
    replies go on while the database is away. A revoked key is refused by the very next call.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: LRUCache[str, _Remembered] = LRUCache(MAX_REMEMBERED)

    async def create_key(self, tenant: str, name: str, scopes: Iterable[Scope]) -> CreatedKey:
        """Make a key; InvalidInputError names a bad tenant, name or scope."""
        secret = secrets.token_urlsafe(32)
        try:
            key = ApiKey(
                key_id=secrets.token_hex(6),
                tenant=tenant,
                name=name,
                scopes=sorted(set(scopes)),
                created_at=datetime.now(UTC),
            )
        except ValidationError as error:
            raise _name_field(error) from error
        if not key.scopes:
            message = f"scopes is empty. Give one or more of: {', '.join(Scope)}"
            raise InvalidInputError(message, field="scopes")
        async with self._database.session() as session:
            session.add(ApiKeyRow(**key.model_dump(), key_hash=_hash(secret)))
        return CreatedKey(token=f"la_{key.key_id}_{secret}", key=key)

    async def list_keys(self, tenant: str | None = None) -> list[ApiKey]:
        """The keys of one tenant or of all, oldest first, revoked ones too."""
        statement = select(ApiKeyRow).order_by(col(ApiKeyRow.created_at))
        if tenant is not None:
            statement = statement.where(ApiKeyRow.tenant == tenant)
        async with self._database.session() as session:
            return [ApiKey.model_validate(row) for row in await session.exec(statement)]

    async def has_keys(self) -> bool:
        """Whether any key was ever made. A revoked one counts: it does not open the service."""
        async with self._database.session() as session:
            return (await session.exec(select(ApiKeyRow.key_id).limit(1))).first() is not None

    async def revoke_key(self, key_id: str) -> ApiKey:
        """Refuse the key from now on; again changes nothing. NotFoundError for an unknown id."""
        async with self._database.session() as session:
            await session.exec(
                update(ApiKeyRow)
                .where(col(ApiKeyRow.key_id) == key_id)
                .where(col(ApiKeyRow.revoked_at).is_(None))
                .values(revoked_at=datetime.now(UTC))
            )
            row = await session.get(ApiKeyRow, key_id)
            if row is None:
                message = f"There is no key '{key_id}'. List them with: lead-assistant keys list"
                raise NotFoundError(message, field="key_id")
            return ApiKey.model_validate(row)

    async def authenticate(self, token: str) -> ApiKey:
        """The key of a token; AuthenticationError for a malformed, unknown or revoked one."""
        parts = TOKEN_PATTERN.fullmatch(token)
        if parts is None:
            raise _refusal()
        key_id, key_hash = parts["key_id"], _hash(parts["secret"])
        try:
            await self._look_up(key_id)
        except PartUnavailableError:
            known = self._remembered.get(key_id)
            if known is None or time.monotonic() - known.seen_at > OUTAGE_SECONDS:
                raise
        known = self._remembered.get(key_id)
        if known is None or not hmac.compare_digest(known.key_hash, key_hash):
            raise _refusal()
        if known.key.revoked_at is not None:
            raise _refusal()
        return known.key

    async def _look_up(self, key_id: str) -> None:
        """Remember what the database says of a key: the key, or that there is none."""
        async with self._database.session() as session:
            row = await session.get(ApiKeyRow, key_id)
        if row is None:
            self._remembered.pop(key_id, None)
            return
        self._remembered[key_id] = _Remembered(
            row.key_hash, ApiKey.model_validate(row), time.monotonic()
        )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _refusal() -> AuthenticationError:
    """One answer for every reason: which part was wrong is nobody's business."""
    message = "The API key is not valid. Make one with: lead-assistant keys create"
    return AuthenticationError(message)


def _name_field(error: ValidationError) -> InvalidInputError:
    first = error.errors()[0]
    field = str(first["loc"][0])
    return InvalidInputError(f"{field} has value {first['input']!r}. {first['msg']}.", field=field)
