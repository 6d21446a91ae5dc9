import asyncio
from types import SimpleNamespace

import pytest

from followup.backends import rate_limiter
from followup.backends.rate_limiter import RateLimiter, parse_limit
from followup.errors import RateLimitedError, SettingError
from tests.unit.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    # The library reads the wall clock itself; its module's `time` is the one place to step in.
    clock = Clock()
    module = SimpleNamespace(time=clock)
    monkeypatch.setattr("limits.aio.storage.memory.time", module)
    monkeypatch.setattr(rate_limiter, "time", module)
    return clock


async def is_let_through(limiter: RateLimiter, tenant: str, limit: str | None = None) -> bool:
    try:
        await limiter.check(tenant, limit)
    except RateLimitedError:
        return False
    return True


async def test_a_tenant_gets_its_requests_and_no_more(clock: Clock) -> None:
    limiter = RateLimiter("", "3/minute")
    assert [await is_let_through(limiter, "acme") for _ in range(4)] == [True] * 3 + [False]


async def test_requests_at_the_same_time_do_not_slip_past_the_limit(clock: Clock) -> None:
    limiter = RateLimiter("", "10/minute")
    passed = await asyncio.gather(*(is_let_through(limiter, "acme") for _ in range(50)))
    assert sum(passed) == 10


async def test_one_tenant_does_not_use_up_the_limit_of_another(clock: Clock) -> None:
    limiter = RateLimiter("", "1/minute")
    await limiter.check("acme")
    await limiter.check("globex")
    assert not await is_let_through(limiter, "acme")


async def test_a_refusal_says_how_long_to_wait_and_that_is_enough(clock: Clock) -> None:
    limiter = RateLimiter("", "2/minute")
    await limiter.check("acme")
    clock.now += 10.5
    await limiter.check("acme")
    clock.now += 5
    with pytest.raises(RateLimitedError, match="'acme' has used up its 2/minute") as raised:
        await limiter.check("acme")
    assert raised.value.retry_after_seconds == 45
    clock.now += 44
    assert not await is_let_through(limiter, "acme")
    clock.now += 1
    await limiter.check("acme")


async def test_refused_requests_do_not_prolong_the_wait(clock: Clock) -> None:
    limiter = RateLimiter("", "1/minute")
    await limiter.check("acme")
    for _ in range(20):
        assert not await is_let_through(limiter, "acme")
    clock.now += 60.1
    await limiter.check("acme")


async def test_no_window_holds_more_than_the_limit_across_a_minutes_edge(clock: Clock) -> None:
    limiter = RateLimiter("", "5/minute")
    clock.now = 60 * 1_000 - 1.0
    passed = [await is_let_through(limiter, "acme") for _ in range(5)]
    clock.now += 2
    passed += [await is_let_through(limiter, "acme") for _ in range(5)]
    assert sum(passed) == 5


async def test_a_tenants_own_limit_goes_before_the_default(clock: Clock) -> None:
    limiter = RateLimiter("", "1/minute")
    assert [await is_let_through(limiter, "acme", "2/hour") for _ in range(3)] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "text", ["", "sixty/minute", "60", "0/minute", "-1/minute", "60/fortnight", "1/second;5/minute"]
)
def test_a_limit_that_cannot_be_read_stops_the_start(text: str) -> None:
    with pytest.raises(SettingError, match=f"Rate limit '{text}' is not a limit"):
        RateLimiter("", text)


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("60/minute", 60, 60), ("10 per 5 seconds", 10, 5), ("1000/hour", 1_000, 3_600)],
)
def test_a_limit_is_a_count_and_a_period(text: str, amount: int, seconds: int) -> None:
    item = parse_limit(text)
    assert (item.amount, item.get_expiry()) == (amount, seconds)


def test_a_wrong_redis_address_stops_the_start() -> None:
    with pytest.raises(SettingError, match="REDIS_URL is not an address"):
        RateLimiter("localhost:6379", "60/minute")
