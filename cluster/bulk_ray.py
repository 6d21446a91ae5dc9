"""Where the workers of a bulk run are: processes here, or actors on a Ray cluster.

Ray reads how its processes authenticate while it is imported, so nothing that imports Ray may be
imported before the cluster is known.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

from cluster.errors import StartError
from cluster.ray_cluster import ray_environment, running_ray
from cluster.state import StateFolder
from config.settings import Settings
from deployments.bulk_parts import WorkerFactory
from deployments.bulk_processes import ProcessWorkers
from deployments.bulk_workers import Workers

AUTO = "auto"
StartWorkers = Callable[[WorkerFactory, int], Workers]
"""Starts so many workers that the factory builds."""


@contextmanager
def worker_place(
    settings: Settings, address: str | None, gpus_per_worker: int = 0
) -> Iterator[StartWorkers]:
    """What starts workers, for as long as the block lasts.

    `address` is a Ray cluster's, or AUTO for what RAY_ADDRESS names or `up` has started; None is
    this machine without Ray. Raises StartError where no such cluster runs.
    """
    if address is None:
        yield ProcessWorkers
        return
    found = _find(settings) if address == AUTO else address
    import ray  # noqa: PLC0415 - see the top

    from deployments.bulk_ray import RayWorkers  # noqa: PLC0415

    with redirect_stdout(sys.stderr):  # Ray prints to the one that programs read
        ray.init(address=found, namespace="bulk", log_to_driver=False, logging_level="warning")
        try:
            yield lambda factory, num_workers: RayWorkers(factory, num_workers, gpus_per_worker)
        finally:
            ray.shutdown()


def _find(settings: Settings) -> str:
    if address := os.environ.get("RAY_ADDRESS", ""):
        return address
    state = StateFolder(settings.environment.state_dir.absolute())
    record = running_ray(state)
    if record is None:
        message = (
            "No Ray cluster runs here. Start one with: lead-assistant up, name one with "
            "--address, or leave that out to work in processes of this machine."
        )
        raise StartError(message)
    os.environ.update(ray_environment(state, settings))
    return record.address
