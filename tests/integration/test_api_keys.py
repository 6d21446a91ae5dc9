"""API keys on SQLite and PostgreSQL."""

import pytest
from sqlmodel import select

from followup.backends.access import Scope
from followup.backends.api_keys import ApiKeys
from followup.backends.database import Database
from followup.backends.tables import ApiKeyRow
from followup.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    PartUnavailableError,
)
from tests.integration.servers import postgres_server
from tests.records import make_settings


@pytest.fixture
def keys(database: Database) -> ApiKeys:
    return ApiKeys(database)


async def test_a_token_authenticates_as_its_tenant_with_its_scopes(keys: ApiKeys) -> None:
    created = await keys.create_key("acme", "CRM", [Scope.INGEST, Scope.GENERATE, Scope.INGEST])
    key = await keys.authenticate(created.token)
    assert key == created.key
    assert (key.tenant, key.name, key.scopes) == ("acme", "CRM", ["generate", "ingest"])


async def test_the_secret_is_stored_nowhere(keys: ApiKeys, database: Database) -> None:
    created = await keys.create_key("acme", "CRM", [Scope.GENERATE])
    secret = created.token.split("_", 2)[2]
    async with database.session() as session:
        row = (await session.exec(select(ApiKeyRow))).one()
    assert secret not in repr(row)
    assert secret not in repr(created.key)
    assert row.key_hash not in repr(created.key)


async def test_two_keys_share_nothing(keys: ApiKeys) -> None:
    first = await keys.create_key("acme", "CRM", [Scope.GENERATE])
    second = await keys.create_key("globex", "CRM", [Scope.ADMIN])
    assert first.token != second.token
    mixed = f"la_{first.key.key_id}_{second.token.split('_', 2)[2]}"
    with pytest.raises(AuthenticationError, match="not valid"):
        await keys.authenticate(mixed)
    assert (await keys.authenticate(first.token)).tenant == "acme"
    assert (await keys.authenticate(second.token)).tenant == "globex"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("secret", id="no parts"),
        pytest.param("la_0123456789ab_" + "a" * 43, id="unknown key"),
        pytest.param("la_0123456789ab_" + "a" * 42, id="secret too short"),
        pytest.param("la_0123456789ab_" + "é" * 43, id="not ASCII"),
        pytest.param("la_' OR 1=1 --_" + "a" * 43, id="SQL"),
    ],
)
async def test_a_wrong_token_is_refused(keys: ApiKeys, token: str) -> None:
    await keys.create_key("acme", "CRM", [Scope.GENERATE])
    with pytest.raises(AuthenticationError, match="lead-assistant keys create"):
        await keys.authenticate(token)


async def test_a_revoked_key_is_refused_by_the_next_call_of_any_process(
    keys: ApiKeys, database: Database
) -> None:
    created = await keys.create_key("acme", "CRM", [Scope.GENERATE])
    await keys.authenticate(created.token)
    revoked = await ApiKeys(database).revoke_key(created.key.key_id)
    assert revoked.revoked_at is not None
    with pytest.raises(AuthenticationError):
        await keys.authenticate(created.token)
    assert await keys.revoke_key(created.key.key_id) == revoked


async def test_revoking_an_unknown_key_is_not_found(keys: ApiKeys) -> None:
    with pytest.raises(NotFoundError, match="no key '0123456789ab'"):
        await keys.revoke_key("0123456789ab")


async def test_keys_are_listed_oldest_first_for_one_tenant_or_all(keys: ApiKeys) -> None:
    assert not await keys.has_keys()
    created = [
        (await keys.create_key(tenant, "CRM", [Scope.GENERATE])).key
        for tenant in ("acme", "globex", "acme")
    ]
    assert await keys.list_keys() == created
    assert await keys.list_keys("acme") == [created[0], created[2]]
    assert await keys.has_keys()


async def test_a_revoked_key_does_not_open_the_service(keys: ApiKeys) -> None:
    created = await keys.create_key("acme", "CRM", [Scope.GENERATE])
    await keys.revoke_key(created.key.key_id)
    assert await keys.has_keys()


@pytest.mark.parametrize(
    ("tenant", "name", "scopes", "match"),
    [
        pytest.param("ACME", "CRM", ["generate"], "tenant has value 'ACME'", id="tenant"),
        pytest.param("acme", "", ["generate"], "name has value ''", id="name"),
        pytest.param("acme", "CRM", ["root"], "scopes has value 'root'.*'generate'", id="scope"),
        pytest.param("acme", "CRM", [], "scopes is empty.*generate, ingest", id="no scope"),
    ],
)
async def test_a_key_with_a_wrong_value_is_not_made(
    keys: ApiKeys, tenant: str, name: str, scopes: list[Scope], match: str
) -> None:
    with pytest.raises(InvalidInputError, match=match):
        await keys.create_key(tenant, name, scopes)
    assert await keys.list_keys() == []


async def test_a_known_key_goes_on_while_the_database_is_away_and_an_unknown_one_does_not() -> None:
    with postgres_server() as server:
        database = Database(make_settings(server.url))
        await database.migrate()
        keys = ApiKeys(database)
        known = await keys.create_key("acme", "CRM", [Scope.GENERATE])
        unseen = await keys.create_key("acme", "batch", [Scope.GENERATE])
        await keys.authenticate(known.token)
        server.stop()
        assert await keys.authenticate(known.token) == known.key
        forged = known.token[:-1] + ("a" if known.token[-1] != "a" else "b")
        with pytest.raises(AuthenticationError):
            await keys.authenticate(forged)
        with pytest.raises(PartUnavailableError):
            await keys.authenticate(unseen.token)
        await database.close()
