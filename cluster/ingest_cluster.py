"""An ingestion's stages on the cluster that `up` started, or that RAY_ADDRESS names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.ray_cluster import ray_environment, running_ray
from cluster.reporting import Reporter
from cluster.state import StateFolder
from config.settings import Settings
from ingestion.ingest import Stages


@contextmanager
def connect_to_ray(
    settings: Settings, location: str, fingerprint: str, reporter: Reporter
) -> Iterator[Stages | None]:
    """The stages on Ray for as long as the block lasts; None where no cluster runs.

    Nothing is started for an ingestion alone: one machine is as fast without Ray.
    """
    state = StateFolder(settings.environment.state_dir.absolute())
    address = os.environ.get("RAY_ADDRESS", "")
    if not address:
        record = running_ray(state)
        if record is None:
            yield None
            return
        address = record.address
        # Before the import, which reads them.
        os.environ.update(ray_environment(state, settings))
    import ray  # noqa: PLC0415 - seconds, and only now is its environment complete

    from ingestion.ray_stages import RayStages, StageSpec  # noqa: PLC0415

    ray.init(address=address, namespace="ingest", log_to_driver=False, logging_level="warning")
    try:
        spec = StageSpec(location, settings.ingestion, settings.embedder, fingerprint)
        stages = RayStages(spec)
        reporter.step(f"On Ray at {address}: {stages.sizes.describe()}")
        yield stages
    finally:
        ray.shutdown()
