"""Holding adapters: loaded once, never unloaded in use, failures kept to their own adapter."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from followup.backends.engines import adapter_pool
from followup.backends.engines.adapter_pool import AdapterPool
from followup.backends.settings import AdapterSettings
from followup.errors import AdapterMissingError, FollowupError, PartUnavailableError

A, B, C = (f"{name}@0123456789ab" for name in "abc")
MISSING = AdapterMissingError("Adapter is not there.")


@dataclass
class Model:
    """Stands for a loaded adapter."""

    adapter: str
    is_alive: bool = True

    async def close(self) -> None:
        self.is_alive = False


@dataclass
class Disk:
    """Where adapters are loaded from: counts, waits, fails."""

    loaded: list[Model] = field(default_factory=list)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    failures: dict[str, FollowupError] = field(default_factory=dict)

    async def load(self, adapter: str) -> Model:
        if adapter in self.hold:
            await self.hold[adapter].wait()
        if adapter in self.failures:
            raise self.failures[adapter]
        self.loaded.append(Model(adapter))
        return self.loaded[-1]

    @property
    def names(self) -> list[str]:
        return [model.adapter for model in self.loaded]


@pytest.fixture
def disk() -> Disk:
    return Disk()


def pool(disk: Disk, max_loaded: int = 2, **options: Any) -> AdapterPool[Model]:
    settings = AdapterSettings(
        folder=Path("unused"), base_model="base@1", max_loaded=max_loaded, **options
    )
    return AdapterPool(settings, disk.load)


async def touch(holder: AdapterPool[Model], adapter: str) -> Model:
    async with holder.use(adapter) as model:
        return model


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_adapter_is_loaded_once_for_all_who_ask(disk: Disk) -> None:
    disk.hold[A] = asyncio.Event()
    holder = pool(disk)
    asked = [asyncio.create_task(touch(holder, A)) for _ in range(8)]
    await settle()
    disk.hold[A].set()
    assert len({id(model) for model in await asyncio.gather(*asked)}) == 1
    assert disk.names == [A]


async def test_a_load_does_not_wait_for_another_adapters_load(disk: Disk) -> None:
    disk.hold[A] = asyncio.Event()
    holder = pool(disk)
    slow = asyncio.create_task(touch(holder, A))
    await settle()
    assert (await touch(holder, B)).adapter == B
    disk.hold[A].set()
    await slow


async def test_the_least_recently_used_makes_room(disk: Disk) -> None:
    holder = pool(disk)
    for adapter in (A, B, A, C):
        await touch(holder, adapter)
    await settle()
    assert set(holder.held) == {A, C}
    assert [model.adapter for model in disk.loaded if not model.is_alive] == [B]


async def test_one_in_use_is_never_unloaded_and_the_next_waits_for_a_place(disk: Disk) -> None:
    holder = pool(disk, max_loaded=1)
    async with holder.use(A) as model:
        waiting = asyncio.create_task(touch(holder, B))
        await settle()
        assert not waiting.done()
        assert model.is_alive
    assert (await waiting).adapter == B
    await settle()
    assert not model.is_alive


async def test_one_who_stops_waiting_for_a_place_leaves_no_trace(disk: Disk) -> None:
    holder = pool(disk, max_loaded=1)
    async with holder.use(A):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await touch(holder, B)
    assert (await touch(holder, C)).adapter == C
    assert disk.names == [A, C]


async def test_a_pinned_adapter_stays(disk: Disk) -> None:
    holder = pool(disk, pinned=("a",))
    for adapter in (A, B, C, B):
        await touch(holder, adapter)
    assert disk.names == [A, B, C, B]
    assert A in holder.held


async def test_a_failed_load_fails_for_all_who_waited_and_for_that_adapter_alone(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.failures[A] = MISSING
    holder = pool(disk)
    asked = await asyncio.gather(*(touch(holder, A) for _ in range(4)), return_exceptions=True)
    assert asked == [MISSING] * 4
    assert (await touch(holder, B)).adapter == B
    # It is not tried again at once, and is known to whoever asks about it.
    del disk.failures[A]
    with pytest.raises(AdapterMissingError):
        holder.check(A)
    with pytest.raises(AdapterMissingError):
        await touch(holder, A)
    monkeypatch.setattr(adapter_pool, "FAILED_SECONDS", 0.0)
    assert (await touch(holder, A)).adapter == A
    holder.check(A)


async def test_a_load_goes_on_for_the_others_when_one_gives_up(disk: Disk) -> None:
    disk.hold[A] = asyncio.Event()
    holder = pool(disk)
    first, second = (asyncio.create_task(touch(holder, A)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    disk.hold[A].set()
    assert (await second).adapter == A
    assert disk.names == [A]


async def test_a_load_beyond_its_time_limit_is_given_up(disk: Disk) -> None:
    disk.hold[A] = asyncio.Event()
    holder = pool(disk, load_seconds=0.02)
    with pytest.raises(PartUnavailableError, match=r"not loaded within 0\.02 s"):
        await touch(holder, A)


async def test_one_that_died_is_loaded_again(disk: Disk) -> None:
    holder = pool(disk)
    (await touch(holder, A)).is_alive = False
    assert (await touch(holder, A)).is_alive
    assert disk.names == [A, A]


async def test_one_that_was_idle_for_too_long_is_unloaded(disk: Disk) -> None:
    holder = pool(disk, idle_seconds=0)
    await touch(holder, A)
    await touch(holder, B)
    assert holder.held == (B,)


async def test_closing_unloads_everything_and_refuses_what_waits(disk: Disk) -> None:
    holder = pool(disk, max_loaded=1)
    entered = asyncio.Event()

    async def hold() -> None:
        async with holder.use(A):
            entered.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await entered.wait()
    waiting = asyncio.create_task(touch(holder, B))
    await settle()
    await holder.close()
    await holder.close()
    assert not disk.loaded[0].is_alive
    with pytest.raises(PartUnavailableError, match="closed"):
        await waiting
    holding.cancel()
