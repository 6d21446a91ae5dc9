"""Workers for parts on a Ray cluster: an actor each, one part at a time.

Actors and not Ray Data's `map_batches`: what is wanted of a part whose worker died is its halves,
and Ray Data gives the whole block up, or the whole run.
"""

from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from deployments.bulk_parts import Part, PartResult, PartWorker, WorkerFactory
from deployments.bulk_workers import Died, unforeseen
from followup.errors import FollowupError, PartUnavailableError

START_SECONDS = 300.0
LOOK_SECONDS = 5.0
MIN_CPU_SHARE = 0.05
"""Where other work, such as Serve's replicas, holds the CPUs; the kernel shares the cores."""


class PartActor:
    """A `PartWorker` in an actor. It is built by the first part, whose caller learns what fails."""

    def __init__(self, factory: WorkerFactory) -> None:
        self._factory = factory
        self._worker: PartWorker | None = None

    def is_there(self) -> bool:
        """Answers once the actor is placed."""
        return True

    def take(self, part: Part) -> PartResult:
        """As `PartWorker.take`."""
        if self._worker is None:
            self._worker = self._factory.build()
        return self._worker.take(part)


@dataclass(slots=True, eq=False)
class _Actor:
    handle: Any
    part: Part | None = None
    result: Any = None


class RayWorkers:
    """Actors on the cluster that `ray.init` has connected to."""

    def __init__(self, factory: WorkerFactory, num_workers: int, gpus_per_worker: int = 0) -> None:
        """Raises PartUnavailableError where no actor is placed within START_SECONDS."""
        free_cpus = ray.available_resources().get("CPU", 0.0)
        self._kind = ray.remote(
            num_cpus=1 if num_workers <= free_cpus else MIN_CPU_SHARE, num_gpus=gpus_per_worker
        )(PartActor)
        self._factory = factory
        self._actors = [self._launch() for _ in range(num_workers)]
        there = [actor.handle.is_there.remote() for actor in self._actors]
        if not ray.wait(there, timeout=START_SECONDS)[0]:
            self.close()
            message = (
                f"The Ray cluster has placed no worker within {START_SECONDS:g} s. It has free: "
                f"{ray.available_resources()}. See: ray status"
            )
            raise PartUnavailableError(message)

    @property
    def num_free(self) -> int:
        """Workers without a part."""
        return sum(actor.part is None for actor in self._actors)

    def start(self, part: Part) -> None:
        """Give a part to a free worker."""
        actor = next(item for item in self._actors if item.part is None)
        actor.part, actor.result = part, actor.handle.take.remote(part)

    def wait(self) -> list[PartResult | Died]:
        """Wait until at least one is done. Raises PartUnavailableError when the cluster is gone."""
        busy = {actor.result: actor for actor in self._actors if actor.part is not None}
        try:
            ready: list[Any] = []
            while not ready:
                # In turns, so that an interruption from the keyboard is heeded.
                ready = ray.wait(list(busy), timeout=LOOK_SECONDS)[0]
            return [self._receive(busy[result]) for result in ready]
        except (RayError, ConnectionError) as error:
            message = f"The Ray cluster is gone ({type(error).__name__})."
            raise PartUnavailableError(message) from error

    def close(self) -> None:
        """End the workers."""
        for actor in self._actors:
            ray.kill(actor.handle)

    def _receive(self, actor: _Actor) -> PartResult | Died:
        part = actor.part
        assert part is not None  # noqa: S101 - only busy ones are waited for
        actor.part = None
        try:
            result: PartResult = ray.get(actor.result)
        except RayTaskError as error:
            if isinstance(error.cause, FollowupError):
                raise error.cause from error
            return Died(part, unforeseen(error.cause))
        except RayActorError as error:
            ray.kill(actor.handle)  # one that only cannot be reached must not go on with the part
            self._actors[self._actors.index(actor)] = self._launch()
            return Died(part, f"the actor ended: {type(error).__name__}")
        return result

    def _launch(self) -> _Actor:
        return _Actor(self._kind.remote(self._factory))
