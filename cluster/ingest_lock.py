"""Lets one ingestion of a tenant work at a time, on this machine."""

from contextlib import AbstractContextManager

from cluster.errors import StartError
from cluster.state import StateFolder
from followup.backends.held_lock import held_lock, lock_holder
from followup.backends.milvus_rows import check_tenant


def only_ingestion(state: StateFolder, tenant: str) -> AbstractContextManager[None]:
    """Hold the tenant's lock. Raises StartError naming the tenant and the process that holds it."""
    path = state.ingest_lock(check_tenant(tenant))
    path.parent.mkdir(parents=True, exist_ok=True)

    def refusal(holder: str) -> StartError:
        message = (
            f"The documents of tenant '{tenant}' are being changed by {holder}. "
            "Wait until it has ended."
        )
        return StartError(message)

    return held_lock(path, refusal)


def running_ingestion(state: StateFolder, tenant: str) -> str:
    """Who changes the tenant's documents now; empty for nobody."""
    return lock_holder(state.ingest_lock(check_tenant(tenant)))
