import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockNotOwnedError, ResponseError

from followup.backends.redis_connection import RedisAwayError, RedisConnection
from tests.unit.clock import Clock


class Server:
    """Counts the commands that reach it and fails as it is told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.num_asked = 0

    async def command(self) -> str:
        self.num_asked += 1
        if self.error is not None:
            raise self.error
        return "value"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connection(clock: Clock) -> RedisConnection:
    return RedisConnection("redis://user:secret@127.0.0.1:1/0", timeout_seconds=0.01, clock=clock)


@pytest.fixture
def server() -> Server:
    return Server()


async def fail(connection: RedisConnection, server: Server) -> str:
    with pytest.raises(RedisAwayError) as raised:
        await connection.call(server.command)
    return str(raised.value)


async def test_after_a_failure_calls_fail_at_once_without_asking(
    connection: RedisConnection, server: Server
) -> None:
    server.error = RedisConnectionError("refused")
    message = await fail(connection, server)
    assert message.startswith("Redis at 127.0.0.1:1 does not answer")
    assert "secret" not in message
    for _ in range(100):
        assert "lately did not answer" in await fail(connection, server)
    assert server.num_asked == 1
    assert not connection.is_available


async def test_after_the_pause_one_answer_ends_the_outage(
    connection: RedisConnection, server: Server, clock: Clock
) -> None:
    server.error = RedisConnectionError("refused")
    await fail(connection, server)
    clock.now += 0.21
    server.error = None
    assert await connection.call(server.command) == "value"
    assert await connection.call(server.command) == "value"
    assert connection.is_available
    assert connection.num_failed_calls == 1


async def test_the_pause_doubles_up_to_five_seconds(
    connection: RedisConnection, server: Server, clock: Clock
) -> None:
    server.error = RedisConnectionError("refused")
    await fail(connection, server)
    for num_asked, pause_seconds in enumerate((0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0), start=1):
        clock.now += pause_seconds - 0.01
        await fail(connection, server)
        assert server.num_asked == num_asked, f"asked before {pause_seconds} s"
        clock.now += 0.02
        await fail(connection, server)
        assert server.num_asked == num_asked + 1, f"not asked after {pause_seconds} s"


async def test_an_outage_of_hours_is_still_tried_again(
    connection: RedisConnection, server: Server, clock: Clock
) -> None:
    server.error = RedisConnectionError("refused")
    for _ in range(1_500):
        await fail(connection, server)
        clock.now += 5.01
    assert server.num_asked == 1_500


async def test_one_caller_tries_while_the_others_go_on_without(
    connection: RedisConnection, server: Server, clock: Clock
) -> None:
    server.error = RedisConnectionError("refused")
    await fail(connection, server)
    clock.now += 0.21
    may_answer = asyncio.Event()

    async def answer_late() -> str:
        await may_answer.wait()
        return "late"

    probe = asyncio.create_task(connection.call(answer_late))
    await asyncio.sleep(0)
    await fail(connection, server)
    assert server.num_asked == 1
    may_answer.set()
    assert await probe == "late"
    assert connection.is_available


async def test_calls_that_fail_together_are_one_failure(
    connection: RedisConnection, server: Server, clock: Clock
) -> None:
    refusal = RedisConnectionError("refused")

    async def refuse() -> None:
        await asyncio.sleep(0)
        raise refusal

    calls = [connection.call(refuse) for _ in range(50)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {RedisAwayError}
    clock.now += 0.21  # the first pause, not the fiftieth
    assert await connection.call(server.command) == "value"
    assert connection.num_failed_calls == 50


async def test_a_command_that_hangs_fails_at_the_time_limit(connection: RedisConnection) -> None:
    with pytest.raises(RedisAwayError, match=r"does not answer within 0.01 s"):
        await connection.call(asyncio.Event().wait)


async def test_a_refused_command_is_a_failed_call_but_no_outage(
    connection: RedisConnection, server: Server
) -> None:
    server.error = ResponseError("OOM command not allowed")
    assert "refuses: OOM" in await fail(connection, server)
    assert connection.is_available
    assert connection.num_failed_calls == 1


async def test_a_lost_lock_is_an_answer_and_no_outage(
    connection: RedisConnection, server: Server
) -> None:
    server.error = LockNotOwnedError("lost")
    with pytest.raises(LockNotOwnedError, match="lost"):
        await connection.call(server.command)
    assert connection.is_available
