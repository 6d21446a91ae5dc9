"""An ingestion's stages on the cluster that `up` started, or that RAY_ADDRESS names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.ray_cluster import ray_environment, running_ray
from cluster.reporting import Reporter
from cluster.state import StateFolder
from config.settings import Settings
from ingestion.ingest import Stages

MIN_EMBEDDERS = 2


@contextmanager
def connect_to_ray(
    settings: Settings,
    location: str,
    fingerprint: str,
    reporter: Reporter,
    *,
    min_embedders: int = MIN_EMBEDDERS,
) -> Iterator[Stages | None]:
    """The stages on Ray for as long as the block lasts; None where no cluster runs, or one that has
    neither a GPU nor room for as many embedders: one of them is as fast in this process.
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
        sizes = stages.sizes
        if sizes.num_embedders < min_embedders and not sizes.embedder_gpus:
            yield None
            return
        reporter.step(f"On Ray at {address}: {sizes.describe()}")
        yield stages
    finally:
        ray.shutdown()
