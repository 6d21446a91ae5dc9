"""Calls from node to node: errors by name, one repeat after a death, and what Serve says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.schema import (
    ApplicationStatus,
    ApplicationStatusOverview,
    DeploymentStatusOverview,
    ServeStatus,
)

from deployments.handles import NodeCaller
from followup.errors import (
    DeadlineExceededError,
    InvalidInputError,
    OverloadedError,
    PartUnavailableError,
)


class Response:
    """Stands for a DeploymentResponse: gives what `answer` gives, or raises it."""

    def __init__(self, answer: Callable[[], Awaitable[object]]) -> None:
        self._answer = answer
        self.cancelled = False

    def __await__(self) -> Any:
        return self._answer().__await__()

    def cancel(self) -> None:
        self.cancelled = True


class Handle:
    """Stands for a DeploymentHandle of the generator. Each call takes the next of `answers`."""

    app_name = "lead_assistant"
    deployment_name = "generator"

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.responses: list[Response] = []
        self.model_ids: list[str] = []

    def options(self, *, multiplexed_model_id: str) -> "Handle":
        self.model_ids.append(multiplexed_model_id)
        return self

    def __getattr__(self, method: str) -> "Handle":
        return self

    def remote(self, *arguments: object) -> Response:
        answer = self._answers.pop(0)

        async def give() -> object:
            if isinstance(answer, BaseException):
                raise answer
            if isinstance(answer, asyncio.Event):
                await answer.wait()
            return answer

        self.responses.append(Response(give))
        return self.responses[-1]


def caller(*answers: object) -> tuple[NodeCaller, Handle]:
    handle = Handle(*answers)
    return NodeCaller("generator", handle), handle


def soon() -> float:
    return time.monotonic() + 30


def task_error(cause: Exception) -> RayTaskError:
    return RayTaskError("generate", "traceback", cause)


async def test_a_call_whose_replica_died_goes_once_to_another() -> None:
    node, _ = caller(RayActorError(), "text")
    assert await node.call("generate", deadline=soon()) == "text"
    node, handle = caller(RayActorError(), RayActorError(), "text")
    with pytest.raises(PartUnavailableError, match="its replicas died"):
        await node.call("generate", deadline=soon())
    assert len(handle.responses) == 2


async def test_a_call_for_an_adapter_asks_serve_for_a_replica_that_holds_it() -> None:
    node, handle = caller("text", RayActorError(), "text")
    assert await node.call("generate", deadline=soon()) == "text"
    assert handle.model_ids == []
    await node.call("generate", deadline=soon(), model_id="acme@0123456789ab")
    assert handle.model_ids == ["acme@0123456789ab"] * 2  # after the death of a replica, too


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (BackPressureError(1, 1), OverloadedError),
        (RayServeException("gone"), PartUnavailableError),
        (task_error(InvalidInputError("bad")), InvalidInputError),
        (task_error(ValueError("a bug")), RayTaskError),
    ],
    ids=["queue full", "no replica", "named error", "unforeseen error"],
)
async def test_what_a_node_raises_reaches_the_caller_by_name(
    raised: Exception, expected: type[Exception]
) -> None:
    node, _ = caller(raised)
    with pytest.raises(expected):
        await node.call("generate", deadline=soon())


async def test_a_call_past_its_deadline_is_cancelled_in_the_node() -> None:
    node, handle = caller(asyncio.Event())
    with pytest.raises(DeadlineExceededError, match="while the generator was at work"):
        await node.call("generate", deadline=time.monotonic() + 0.01)
    assert handle.responses[0].cancelled


def status(**replica_states: int) -> ServeStatus:
    deployment = DeploymentStatusOverview("HEALTHY", "UNSPECIFIED", replica_states, "")
    application = ApplicationStatusOverview(
        ApplicationStatus.RUNNING, "", 0.0, {"generator": deployment}
    )
    return ServeStatus(applications={"lead_assistant": application})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(status(RUNNING=1), True, id="one runs"),
        pytest.param(status(RUNNING=1, STARTING=1), True, id="one runs, one starts"),
        pytest.param(status(STARTING=1, STOPPING=1), False, id="replaced"),
        pytest.param(status(), False, id="none"),
        pytest.param(ServeStatus(), False, id="no application"),
    ],
)
async def test_a_node_runs_while_serve_runs_a_replica_of_it(
    said: ServeStatus, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "status", lambda: said)
    node, _ = caller()
    assert await node.is_running() is expected
