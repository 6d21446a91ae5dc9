"""Adapters are loaded before a request asks for them: what aliases name, once, as far as fits."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployments import prefetch
from deployments.prefetch import AdapterPrefetch
from followup.backends.settings import AdapterSettings
from followup.backends.tables import AliasAction, AliasChange
from followup.errors import PartUnavailableError

VERSIONS = [f"acme@{number:012x}" for number in range(5)]


class Aliases:
    """The newest changes, latest first; or away."""

    def __init__(self) -> None:
        self.versions: list[str] = []
        self.is_away = False
        self.asked: list[Sequence[str]] = []

    async def current(self, aliases: Sequence[str]) -> list[AliasChange]:
        self.asked.append(aliases)
        if self.is_away:
            message = "The database is not available."
            raise PartUnavailableError(message)
        start = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            AliasChange(
                tenant=f"tenant-{number}", industry="", alias="production", number=1,
                action=AliasAction.PROMOTE, version=version, previous=None, changed_by="ann",
                changed_at=start - timedelta(days=number),
            )
            for number, version in enumerate(self.versions)
        ]  # fmt: skip


async def loaded_after(
    aliases: Aliases, steps: Sequence[list[str]], failing: Sequence[str] = ()
) -> list[str]:
    """What was loaded while the aliases named each step's versions in turn."""
    loaded: list[str] = []

    async def load(version: str) -> None:
        loaded.append(version)
        if version in failing:
            raise PartUnavailableError(version)

    settings = AdapterSettings(folder=Path("unused"), base_model="base@1", max_loaded=2)
    looking = AdapterPrefetch(aliases, load, settings)
    looking.start()
    for versions in steps:
        aliases.versions = versions
        num_looks = len(aliases.asked)
        while len(aliases.asked) < num_looks + 2:  # noqa: ASYNC110 - it looks by the clock
            await asyncio.sleep(0.001)
    await looking.close()
    await looking.close()
    return loaded


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "LOOK_SECONDS", 0.001)


async def test_each_version_is_loaded_once_when_an_alias_first_names_it() -> None:
    a, b, c, *_ = VERSIONS
    assert await loaded_after(Aliases(), [[a], [b, a], [b, a], [c, b, a], [a]]) == [a, b, c]


async def test_no_more_are_loaded_than_fit_the_latest_flips_first() -> None:
    assert await loaded_after(Aliases(), [VERSIONS]) == VERSIONS[:2]


async def test_one_that_cannot_be_loaded_does_not_keep_the_others_from_it() -> None:
    a, b, *_ = VERSIONS
    assert await loaded_after(Aliases(), [[a, b]], failing=[a]) == [a, b]


async def test_the_database_may_be_away_for_a_while() -> None:
    aliases = Aliases()
    aliases.is_away = True
    assert await loaded_after(aliases, [VERSIONS]) == []
    aliases.is_away = False
    assert await loaded_after(aliases, [VERSIONS[:1]]) == VERSIONS[:1]
    assert aliases.asked[0] == ("production", "canary")
