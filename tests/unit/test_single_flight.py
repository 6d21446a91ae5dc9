import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.backends.cache import Made, MemoryCache
from followup.backends.single_flight import ReplyCache, SingleFlight
from followup.errors import DeadlineExceededError, PartUnavailableError


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@dataclass
class Work:
    """A make whose end the test decides."""

    num_started: int = 0
    num_cancelled: int = 0
    ends: list[asyncio.Future[str]] = field(default_factory=list)

    async def make(self) -> str:
        self.num_started += 1
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        try:
            return await end
        except asyncio.CancelledError:
            self.num_cancelled += 1
            raise


def start(flights: SingleFlight[str], work: Work, key: str = "key") -> asyncio.Task[str]:
    return asyncio.create_task(flights.run(key, work.make))


async def test_equal_requests_at_the_same_time_run_once() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [start(flights, work) for _ in range(50)]
    await settle()
    work.ends[0].set_result("reply")
    assert await asyncio.gather(*callers) == ["reply"] * 50
    assert work.num_started == 1


async def test_different_keys_run_side_by_side() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [start(flights, work, key) for key in ("one", "two")]
    await settle()
    work.ends[1].set_result("second")
    work.ends[0].set_result("first")
    assert await asyncio.gather(*callers) == ["first", "second"]


async def test_a_later_request_runs_anew() -> None:
    flights, work = SingleFlight[str](), Work()
    for text in ("old", "new"):
        caller = start(flights, work)
        await settle()
        work.ends[-1].set_result(text)
        assert await caller == text
    assert work.num_started == 2


async def test_a_cancelled_follower_leaves_the_work_to_the_others() -> None:
    flights, work = SingleFlight[str](), Work()
    leader, follower = start(flights, work), start(flights, work)
    await settle()
    follower.cancel()
    await settle()
    assert follower.cancelled()
    work.ends[0].set_result("reply")
    assert await leader == "reply"


async def test_a_cancelled_leader_leaves_the_work_to_its_followers() -> None:
    flights, work = SingleFlight[str](), Work()
    leader, follower = start(flights, work), start(flights, work)
    await settle()
    leader.cancel()
    await settle()
    assert leader.cancelled()
    assert work.num_cancelled == 0
    work.ends[0].set_result("reply")
    assert await follower == "reply"
    assert work.num_started == 1


async def test_the_work_is_cancelled_when_the_last_one_has_gone() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [start(flights, work) for _ in range(3)]
    await settle()
    for num_gone, caller in enumerate(callers):
        assert work.num_cancelled == 0, f"cancelled with {3 - num_gone} waiting"
        caller.cancel()
        await settle()
    assert work.num_cancelled == 1


async def test_a_request_after_all_have_gone_runs_anew() -> None:
    flights, work = SingleFlight[str](), Work()
    gone = start(flights, work)
    await settle()
    gone.cancel()
    await asyncio.wait([gone])
    caller = start(flights, work)  # The cancelled work may still be cleaning up.
    await settle()
    work.ends[-1].set_result("reply")
    assert await caller == "reply"


async def test_a_deadline_of_one_caller_does_not_end_the_others() -> None:
    flights, work = SingleFlight[str](), Work()
    patient = start(flights, work)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await flights.run("key", work.make)
    work.ends[0].set_result("reply")
    assert await patient == "reply"


async def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = [start(flights, work) for _ in range(3)]
    await settle()
    work.ends[0].set_exception(DeadlineExceededError("too late"))
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [str(result) for result in results] == ["too late"] * 3
    again = start(flights, work)
    await settle()
    work.ends[1].set_result("reply")
    assert await again == "reply"


async def test_work_that_cancels_itself_is_an_error_and_not_a_cancelled_caller() -> None:
    flights, work = SingleFlight[str](), Work()
    caller = start(flights, work)
    await settle()
    work.ends[0].cancel()
    with pytest.raises(PartUnavailableError, match="was cancelled"):
        await caller


class Play:
    """Callers of two keys that join, go and see their work end in any order."""

    def __init__(self) -> None:
        self.flights = SingleFlight[str]()
        self.num_running: Counter[str] = Counter()
        self.ends: dict[str, list[asyncio.Future[str]]] = {"a": [], "b": []}
        self.callers: list[tuple[str, asyncio.Task[str]]] = []
        self.cancelled: set[asyncio.Task[str]] = set()

    async def make(self, key: str) -> str:
        self.num_running[key] += 1
        assert self.num_running[key] == 1, "two at the same time"
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ends[key].append(end)
        try:
            return await end
        finally:
            self.num_running[key] -= 1

    def join(self, key: str, _index: int) -> None:
        caller = self.flights.run(key, lambda: self.make(key))
        self.callers.append((key, asyncio.create_task(caller)))

    def cancel(self, _key: str, index: int) -> None:
        if self.callers:
            task = self.callers[index % len(self.callers)][1]
            if task.cancel():
                self.cancelled.add(task)

    def finish(self, key: str, _index: int) -> None:
        for end in self.ends[key]:
            if not end.done():
                end.set_result(key)

    def fail(self, key: str, _index: int) -> None:
        for end in self.ends[key]:
            if not end.done():
                end.set_exception(DeadlineExceededError(key))

    async def run(self, script: list[tuple[str, str, int, bool]]) -> None:
        for action, key, index, is_settled in script:
            getattr(self, action)(key, index)
            if is_settled:
                await settle()
        while not all(task.done() for _, task in self.callers):
            await settle()
            self.finish("a", 0)
            self.finish("b", 0)
        await settle()


actions = st.tuples(
    st.sampled_from(["join", "join", "cancel", "finish", "fail"]),
    st.sampled_from(["a", "b"]),
    st.integers(0, 7),
    st.booleans(),
)


@given(st.lists(actions, max_size=30))
def test_no_interleaving_runs_a_key_twice_or_loses_a_waiter(
    script: list[tuple[str, str, int, bool]],
) -> None:
    async def play_and_check() -> None:
        play = Play()
        await play.run(script)
        for key, task in play.callers:
            if task in play.cancelled:
                assert task.cancelled()
            else:
                assert str(task.exception() or task.result()) == key
        assert asyncio.all_tasks() == {asyncio.current_task()}, "work goes on, no one waiting"

    asyncio.run(play_and_check())


class Maker:
    """Makes replies, counts them, and waits for `may_end` before each."""

    def __init__(self, *, cacheable: bool = True) -> None:
        self.num_made = 0
        self.may_end = asyncio.Event()
        self._cacheable = cacheable

    async def make(self) -> Made:
        self.num_made += 1
        value = f"reply {self.num_made}".encode()
        await self.may_end.wait()
        return Made(value, self._cacheable)


async def test_a_reply_is_made_once_for_all_and_then_comes_from_the_cache() -> None:
    cache, maker = ReplyCache(MemoryCache(max_entries=10)), Maker()
    callers = [asyncio.create_task(cache.get_or_make("key", 60, maker.make)) for _ in range(5)]
    await settle()
    maker.may_end.set()
    answers = await asyncio.gather(*callers)
    answers.append(await cache.get_or_make("key", 60, maker.make))
    assert {answer.value for answer in answers} == {b"reply 1"}
    assert [answer.cached for answer in answers] == [False] + [True] * 5
    assert maker.num_made == 1


async def test_a_reply_that_must_not_be_kept_is_made_anew_for_the_next_request() -> None:
    cache, maker = ReplyCache(MemoryCache(max_entries=10)), Maker(cacheable=False)
    maker.may_end.set()
    answers = [await cache.get_or_make("key", 60, maker.make) for _ in range(2)]
    assert answers == [(b"reply 1", False), (b"reply 2", False)]


async def test_a_failed_reply_is_made_anew_for_the_next_request() -> None:
    cache, maker = ReplyCache(MemoryCache(max_entries=10)), Maker()
    maker.may_end.set()

    error = DeadlineExceededError("too late")

    async def fail() -> Made:
        raise error

    with pytest.raises(DeadlineExceededError, match="too late"):
        await cache.get_or_make("key", 60, fail)
    assert await cache.get_or_make("key", 60, maker.make) == (b"reply 1", False)
