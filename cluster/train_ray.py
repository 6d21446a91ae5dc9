"""The Ray cluster that a training run uses: a given one, or one of its own on this machine.

Ray reads how its processes authenticate while it is imported, so nothing that imports Ray may be
imported before `training_ray` was entered.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.ray_cluster import HOST
from cluster.state import StateFolder, write_atomically
from config.settings import Settings

OBJECT_STORE_BYTES = 256 * 1024**2
"""Token ids of the rows, once; Ray's default is 30% of the memory."""


def cores_for(num_workers: int) -> int:
    """Processor cores that each of `num_workers` on this machine gets."""
    return max(1, (os.cpu_count() or 1) // num_workers)


@contextmanager
def training_ray(settings: Settings, address: str | None, num_workers: int) -> Iterator[None]:
    """Ray for the time of a run. A cluster of its own is ended with it."""
    if address is None:
        _use_own_token(StateFolder(settings.environment.state_dir.absolute()))
    import ray  # noqa: PLC0415 - see the top

    if address is not None:
        ray.init(address=address, log_to_driver=False)
    else:
        ray.init(
            _node_ip_address=HOST,
            num_cpus=max(os.cpu_count() or 1, num_workers),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level="warning",
            # The command shows its own progress; Ray's logs keep what the processes print.
            log_to_driver=False,
        )
    try:
        yield
    finally:
        ray.shutdown()


def _use_own_token(state: StateFolder) -> None:
    state.create()
    if not state.ray_token.exists():
        write_atomically(state.ray_token, secrets.token_hex(32))
    os.environ.pop("RAY_ADDRESS", None)  # would lead to another cluster
    os.environ |= {
        # Whoever reaches Ray's ports can run code, other users of this machine too.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(state.ray_token),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Keeps Ray from turning 127.0.0.1 into the network address; see cluster/ray_cluster.py.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_worker_niceness": "0",
    }
