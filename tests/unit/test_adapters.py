"""Which adapter version serves a request, and for how long that is believed."""

import asyncio

import pytest

from followup.backends import adapters
from followup.backends.adapter_aliases import industry_key
from followup.backends.adapters import AdapterStore
from followup.errors import InvalidInputError, PartUnavailableError
from tests.fakes import FakeAliases

VERSION, OTHER = "acme@0123456789ab", "acme@ba9876543210"
AWAY = PartUnavailableError("The database is not available.")


@pytest.fixture
def aliases() -> FakeAliases:
    return FakeAliases()


async def test_the_industrys_alias_wins_over_the_tenants(aliases: FakeAliases) -> None:
    aliases.promote(VERSION, "acme")
    aliases.promote(OTHER, "acme", industry="health-care")
    store = AdapterStore(aliases, "production")
    assert await store.resolve("acme", "Health  Care") == OTHER
    assert await store.resolve("acme", "Retail") == VERSION
    assert await store.resolve("acme", "") == VERSION
    assert await store.resolve("globex", "Health Care") is None


async def test_a_tenant_with_an_industrys_alias_only_has_no_adapter_for_others(
    aliases: FakeAliases,
) -> None:
    aliases.promote(OTHER, "acme", industry="retail")
    assert await AdapterStore(aliases, "production").resolve("acme") is None


@pytest.mark.parametrize("tenant", ["../acme", "/etc", "", "Acme", "acme\n"])
async def test_what_is_no_tenant_is_never_looked_up(aliases: FakeAliases, tenant: str) -> None:
    with pytest.raises(InvalidInputError, match="'tenant' has value"):
        await AdapterStore(aliases, "production").resolve(tenant)
    assert aliases.num_reads == 0


async def test_the_aliases_are_read_once_in_a_while_and_a_flip_is_noticed(
    aliases: FakeAliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliases.promote(VERSION)
    store = AdapterStore(aliases, "production")
    assert [await store.resolve("default") for _ in range(9)] == [VERSION] * 9
    assert aliases.num_reads == 1
    aliases.promote(OTHER)
    monkeypatch.setattr(adapters, "ALIAS_SECONDS", 0.0)
    assert await store.resolve("default") == OTHER


async def test_while_the_database_is_away_the_last_known_version_goes_on(
    aliases: FakeAliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliases.promote(VERSION)
    store = AdapterStore(aliases, "production")
    assert await store.resolve("default") == VERSION
    monkeypatch.setattr(adapters, "ALIAS_SECONDS", 0.0)
    aliases.failure = AWAY
    assert await store.resolve("default") == VERSION
    with pytest.raises(PartUnavailableError):
        await store.resolve("acme")


async def test_a_slow_database_delays_a_flip_and_does_not_hide_it(
    aliases: FakeAliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that give up waiting must not cancel the read: then none would ever end."""
    monkeypatch.setattr(adapters, "ALIAS_SECONDS", 0.0)
    monkeypatch.setattr(adapters, "REFRESH_SECONDS", 0.01)
    aliases.promote(VERSION)
    store = AdapterStore(aliases, "production")
    assert await store.resolve("default") == VERSION
    aliases.promote(OTHER)
    aliases.seconds = 0.05
    seen = [await store.resolve("default") for _ in range(12)]
    assert seen[0] == VERSION
    assert seen[-1] == OTHER


async def test_what_is_known_from_too_long_ago_is_not_served_before_a_slow_database_answers(
    aliases: FakeAliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("ALIAS", 0.0), ("REFRESH", 0.01), ("STALE", 0.02)):
        monkeypatch.setattr(adapters, f"{name}_SECONDS", seconds)
    aliases.promote(VERSION)
    store = AdapterStore(aliases, "production")
    assert await store.resolve("default") == VERSION
    aliases.promote(OTHER)
    aliases.seconds = 0.1
    await asyncio.sleep(0.05)
    assert await store.resolve("default") == OTHER


@pytest.mark.parametrize(
    ("industry", "key"),
    [
        ("Health Care", "health-care"),
        ("  Oil & Gas ", "oil-gas"),
        ("ＦｉｎＴｅｃｈ", "fintech"),
        (None, ""),
        ("!?", ""),
    ],
)
def test_an_industry_is_one_key_however_it_is_written(industry: str | None, key: str) -> None:
    assert industry_key(industry) == key
