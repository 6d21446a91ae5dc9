import pytest

from followup.backends.cache import MemoryCache, RedisCache, build_cache
from followup.backends.settings import CacheSettings
from followup.errors import SettingError
from tests.unit.clock import Clock


async def test_a_value_is_found_until_its_own_time_is_over() -> None:
    clock = Clock()
    cache = MemoryCache(max_entries=10, clock=clock)
    await cache.set("short", b"1", 5)
    await cache.set("long", b"2", 10)
    clock.now += 4.9
    assert (await cache.get("short"), await cache.get("long")) == (b"1", b"2")
    clock.now += 0.1
    assert (await cache.get("short"), await cache.get("long")) == (None, b"2")


async def test_a_value_set_again_is_replaced_and_lives_anew() -> None:
    clock = Clock()
    cache = MemoryCache(max_entries=10, clock=clock)
    await cache.set("key", b"old", 5)
    clock.now += 4
    await cache.set("key", b"new", 5)
    clock.now += 4
    assert await cache.get("key") == b"new"


@pytest.mark.parametrize("ttl_seconds", [0, -1])
async def test_a_time_of_zero_keeps_nothing_and_removes_what_was_there(ttl_seconds: float) -> None:
    cache = MemoryCache(max_entries=10, clock=Clock())
    await cache.set("key", b"old", 5)
    await cache.set("key", b"new", ttl_seconds)
    assert await cache.get("key") is None


async def test_a_full_cache_drops_what_was_used_longest_ago() -> None:
    cache = MemoryCache(max_entries=2, clock=Clock())
    await cache.set("a", b"a", 60)
    await cache.set("b", b"b", 60)
    await cache.get("a")
    await cache.set("c", b"c", 60)
    assert [await cache.get(key) for key in "abc"] == [b"a", None, b"c"]


async def test_a_deleted_value_is_gone_and_deleting_again_is_harmless() -> None:
    clock = Clock()
    cache = MemoryCache(max_entries=10, clock=clock)
    await cache.set("key", b"value", 5)
    await cache.delete("key")
    await cache.delete("key")
    assert await cache.get("key") is None
    await cache.set("expired", b"value", 5)
    clock.now += 6
    await cache.delete("expired")


async def test_a_cache_in_this_process_is_healthy_and_closes_twice() -> None:
    cache = MemoryCache(max_entries=1)
    await cache.check_health()
    await cache.close()
    await cache.close()


def test_the_settings_choose_where_values_are_kept() -> None:
    assert isinstance(build_cache(CacheSettings()), MemoryCache)
    redis = build_cache(CacheSettings(redis_url="redis://127.0.0.1:6379/0"))
    assert isinstance(redis, RedisCache)


def test_a_wrong_redis_address_stops_the_start_without_showing_its_password() -> None:
    with pytest.raises(SettingError, match="REDIS_URL is not an address") as raised:
        build_cache(CacheSettings(redis_url="http://:secret@127.0.0.1:6379"))
    assert "secret" not in str(raised.value)
    assert raised.value.field == "REDIS_URL"
