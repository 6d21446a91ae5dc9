"""Adapter aliases in the database: flipped at once, for good, on SQLite and PostgreSQL."""

import asyncio

import pytest

from followup.backends.adapter_aliases import AdapterAliases, AliasPlace
from followup.backends.database import Database
from followup.errors import (
    AlreadyDecidedError,
    InvalidInputError,
    NotFoundError,
    PartUnavailableError,
)
from tests.integration.test_database import run_sql

V1, V2, V3 = (f"acme@{number:012x}" for number in (1, 2, 3))
PLACE = AliasPlace(tenant="acme", alias="production")
RETAIL = AliasPlace(tenant="acme", alias="production", industry="retail")


@pytest.fixture
def aliases(database: Database) -> AdapterAliases:
    return AdapterAliases(database)


async def test_an_alias_names_what_was_promoted_last_and_each_place_its_own(
    aliases: AdapterAliases,
) -> None:
    await aliases.promote(PLACE, V1, changed_by="ann")
    await aliases.promote(PLACE, V2, changed_by="bob", forced=True)
    await aliases.promote(RETAIL, V3, changed_by="ann")
    await aliases.promote(AliasPlace(tenant="acme", alias="canary"), V1, changed_by="ann")
    await aliases.promote(AliasPlace(tenant="zeta", alias="production"), V1, changed_by="ann")
    assert await aliases.serving("acme", "production") == {"": V2, "retail": V3}
    assert await aliases.serving("zeta", "production") == {"": V1}
    assert await aliases.serving("globex", "production") == {}
    current = await aliases.current(["production"])
    assert [(item.tenant, item.version) for item in current] == [
        ("zeta", V1), ("acme", V3), ("acme", V2),
    ]  # fmt: skip
    assert len(await aliases.current()) == 4


async def test_the_history_says_who_when_from_what_and_whether_past_the_gate(
    aliases: AdapterAliases,
) -> None:
    await aliases.promote(PLACE, V1, changed_by="ann")
    await aliases.promote(PLACE, V2, changed_by="bob", forced=True)
    await aliases.promote(PLACE, V2, changed_by="cat")  # it is that already
    await aliases.rollback(PLACE, changed_by="dan")
    found = await aliases.history(PLACE)
    assert [(c.number, c.action, c.version, c.previous, c.changed_by, c.forced) for c in found] == [
        (1, "promote", V1, None, "ann", False),
        (2, "promote", V2, V1, "bob", True),
        (3, "rollback", V1, V2, "dan", False),
    ]
    assert found[0].changed_at <= found[1].changed_at <= found[2].changed_at


async def test_each_rollback_goes_one_step_further_back_and_at_last_to_none(
    aliases: AdapterAliases,
) -> None:
    for version in (V1, V2, V3):
        await aliases.promote(PLACE, version, changed_by="ann")
    went = []
    for _ in range(3):
        expected = await aliases.before(PLACE)
        went.append((await aliases.rollback(PLACE, changed_by="ann")).version)
        assert went[-1] == expected
    assert went == [V2, V1, None]
    assert await aliases.serving("acme", "production") == {}
    with pytest.raises(NotFoundError, match="names no version"):
        await aliases.rollback(PLACE, changed_by="ann")
    await aliases.promote(PLACE, V3, changed_by="ann")
    assert await aliases.serving("acme", "production") == {"": V3}


async def test_of_flips_at_the_same_time_each_is_kept_or_refused(aliases: AdapterAliases) -> None:
    versions = [f"acme@{number:012x}" for number in range(12)]
    results = await asyncio.gather(
        *(aliases.promote(PLACE, version, changed_by="ann") for version in versions),
        return_exceptions=True,
    )
    refused = [item for item in results if isinstance(item, BaseException)]
    # SQLite itself may refuse one that waited for a lock too long.
    assert all(isinstance(item, AlreadyDecidedError | PartUnavailableError) for item in refused)
    found = await aliases.history(PLACE)
    assert len(found) == len(versions) - len(refused) >= 1
    assert [item.previous for item in found] == [None, *(item.version for item in found[:-1])]


@pytest.mark.parametrize(
    ("place", "version", "field"),
    [
        (AliasPlace(tenant="Acme!", alias="production"), V1, "tenant"),
        (AliasPlace(tenant="acme", alias="../x"), V1, "alias"),
        (AliasPlace(tenant="acme", alias="production", industry="oil & gas"), V1, "industry"),
        (PLACE, "latest", "version"),
        (PLACE, "../acme@0123456789ab", "version"),
    ],
)
async def test_what_is_no_alias_or_version_is_refused_and_named(
    aliases: AdapterAliases, place: AliasPlace, version: str, field: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"'{field}' has value"):
        await aliases.promote(place, version, changed_by="ann")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE adapter_alias_change SET version = 'x'",
        "DELETE FROM adapter_alias_change",
        "INSERT OR REPLACE INTO adapter_alias_change SELECT * FROM adapter_alias_change",
    ],
)
async def test_the_database_refuses_to_change_what_was_decided(
    aliases: AdapterAliases, database: Database, database_url: str, statement: str
) -> None:
    if "REPLACE" in statement and not database_url.startswith("sqlite"):
        statement = "TRUNCATE adapter_alias_change"
    await aliases.promote(PLACE, V1, changed_by="ann")
    before = await aliases.history(PLACE)
    with pytest.raises(PartUnavailableError):
        await run_sql(database, statement)
    assert await aliases.history(PLACE) == before
