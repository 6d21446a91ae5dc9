"""Lets one ingestion of a tenant work at a time, on this machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from cluster.errors import StartError
from cluster.state import StateFolder
from followup.backends.milvus_rows import check_tenant


@contextmanager
def only_ingestion(state: StateFolder, tenant: str) -> Iterator[None]:
    """Hold the tenant's lock, which the kernel gives back whatever ends the process.

    Raises StartError naming the tenant and the process that holds it.
    """
    path = state.ingest_lock(check_tenant(tenant))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read() or "another process"
            message = (
                f"The documents of tenant '{tenant}' are being changed by {holder}. "
                "Wait until it has ended."
            )
            raise StartError(message) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        yield
        lock.truncate(0)


def running_ingestion(state: StateFolder, tenant: str) -> str:
    """Who changes the tenant's documents now; empty for nobody."""
    try:
        with state.ingest_lock(check_tenant(tenant)).open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read() or "another process"
    except FileNotFoundError:
        pass
    return ""
