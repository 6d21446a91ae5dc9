"""Calls from node to node: a time limit on each, cancellation passed on, errors by name."""

import asyncio
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import ReplicaState

from followup.errors import (
    DeadlineExceededError,
    FollowupError,
    OverloadedError,
    PartUnavailableError,
)

QUEUE_FULL_RETRY_SECONDS = 1.0
PART_DOWN_RETRY_SECONDS = 5.0


class NodeCaller:
    """Calls one deployment's methods."""

    def __init__(self, name: str, handle: DeploymentHandle) -> None:
        self._name = name
        self._handle = handle
        # A thread of its own: while Serve's controller is away, at most this one waits for it.
        self._asking_serve = ThreadPoolExecutor(max_workers=1, thread_name_prefix="serve-status")

    async def call(
        self, method: str, *arguments: object, deadline: float, model_id: str = ""
    ) -> Any:
        """The method's result before `deadline` (time.monotonic()).

        With a `model_id`, Serve's router prefers a replica that holds that model.
        A call whose replica died goes once to another replica: every node's methods only compute,
        so a second run changes nothing. Raises DeadlineExceededError, OverloadedError when the
        node's queue is full, PartUnavailableError when no replica answers, and what the node raised
        if it is a FollowupError.
        """
        try:
            return await self._once(method, arguments, deadline, model_id)
        except RayActorError:
            pass
        try:
            return await self._once(method, arguments, deadline, model_id)
        except RayActorError as error:
            reason = f"its replicas died: {type(error).__name__}"
            raise self._unavailable(reason) from error

    async def is_running(self) -> bool:
        """Whether Serve runs a replica of the node that passes Serve's own health checks.

        Those checks (`check_health` of the node, each `health_check_period_s`) do not queue behind
        requests, so a busy node passes them. Serve notices a death within that period, and a
        failing check after three of them. The caller sets the time limit.
        """
        loop = asyncio.get_running_loop()
        status = await loop.run_in_executor(self._asking_serve, serve.status)
        application = status.applications.get(self._handle.app_name)
        deployments = application.deployments if application is not None else {}
        node = deployments.get(self._handle.deployment_name)
        return node is not None and node.replica_states.get(ReplicaState.RUNNING, 0) > 0

    async def _once(
        self, method: str, arguments: tuple[object, ...], deadline: float, model_id: str
    ) -> Any:
        handle = self._handle.options(multiplexed_model_id=model_id) if model_id else self._handle
        response = getattr(handle, method).remote(*arguments)
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await _awaitable(response)
        except TimeoutError as error:
            response.cancel()
            message = f"The deadline passed while the {self._name} was at work."
            raise DeadlineExceededError(message) from error
        except asyncio.CancelledError:
            # Without this the node would go on working for a caller that is gone.
            response.cancel()
            raise
        except BackPressureError as error:
            message = f"The queue of the {self._name} is full."
            raise OverloadedError(message, retry_after_seconds=QUEUE_FULL_RETRY_SECONDS) from error
        except RayTaskError as error:
            if isinstance(error.cause, FollowupError):
                raise error.cause from error
            raise
        except RayServeException as error:
            raise self._unavailable(str(error)) from error

    def _unavailable(self, reason: str) -> PartUnavailableError:
        message = f"The {self._name} does not answer ({reason}). See: lead-assistant status"
        return PartUnavailableError(message, retry_after_seconds=PART_DOWN_RETRY_SECONDS)


async def _awaitable(response: Awaitable[Any]) -> Any:
    return await response
