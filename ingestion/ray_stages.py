"""Runs the stages on a Ray cluster with Ray Data: two pools of actors, joined by a stream.

Ray Data holds the stages back when the next one is slower, so the memory is bounded by what is in
flight, not by the number of documents.
"""

import logging
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
import torch
from ray.data import ActorPoolStrategy, DataContext

from config.ingestion import IngestionSettings
from followup.backends.embedder import Embedder
from followup.backends.settings import EmbedderSettings
from ingestion.parser_process import ParserProcess
from ingestion.sources import DocumentSource, SourceFile
from ingestion.stages import ChunkStage, PreparedDocument, content_hasher, embed_documents

FILES_PER_BATCH = 16
DOCUMENTS_PER_BATCH = 64
MAX_BLOCKS = 2_000
TARGET_BLOCK_BYTES = 4 * 1024**2
CPUS_PER_EMBEDDER = 4
"""More threads than this gain little on one small model."""
MIN_CPU_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What the actors build their stages from."""

    location: str
    ingestion: IngestionSettings
    embedder: EmbedderSettings
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PoolSizes:
    """Actors of each pool, and the CPUs and GPUs that each of them holds."""

    num_chunkers: int
    num_embedders: int
    chunker_cpus: float
    embedder_cpus: float
    embedder_gpus: float
    embedder_threads: int

    @classmethod
    def of(cls, cpus: float, gpus: float, cores: int) -> "PoolSizes":
        """For the CPUs and GPUs that are free, on nodes of `cores` cores.

        An embedder for each free GPU, else for each four free CPUs; half as many chunkers as CPUs
        are left, because cutting takes a tenth of the time that embedding on a CPU takes. Where
        other work, such as Serve's replicas, holds the CPUs, both pools have one actor with a
        token share: the cores themselves are shared by the kernel.
        """
        num_embedders = int(gpus) or max(1, int(cpus // CPUS_PER_EMBEDDER))
        num_chunkers = max(1, int(cpus // 8) if not gpus else int(cpus // 2))
        whole = num_embedders + num_chunkers <= cpus
        threads = max(1, min(cores, CPUS_PER_EMBEDDER))
        share = 1.0 if whole else MIN_CPU_SHARE
        return cls(
            num_chunkers=num_chunkers,
            num_embedders=num_embedders,
            chunker_cpus=share,
            embedder_cpus=share,
            embedder_gpus=1.0 if gpus >= 1 else 0.0,
            embedder_threads=threads,
        )

    def describe(self) -> str:
        """For people."""
        where = "on a GPU each" if self.embedder_gpus else f"with {self.embedder_threads} threads"
        return f"{self.num_chunkers} that cut, {self.num_embedders} that embed, {where}"


class RayStages:
    """Makes documents of files on the cluster that `ray.init` has connected to."""

    def __init__(self, spec: StageSpec) -> None:
        self._spec = spec
        free = ray.available_resources()
        cores = min(int(node["Resources"].get("CPU", 1)) for node in ray.nodes() if node["Alive"])
        self.sizes = PoolSizes.of(free.get("CPU", 0.0), free.get("GPU", 0.0), cores)

    def run(self, files: Sequence[SourceFile]) -> Iterator[list[PreparedDocument]]:
        """Embedded documents and rejects, as they are ready. Raises RayError."""
        logging.getLogger("ray.data").setLevel(logging.WARNING)  # its plan is no news to people
        context = DataContext.get_current()
        context.target_max_block_size = TARGET_BLOCK_BYTES
        context.enable_progress_bars = False
        sizes = self.sizes
        num_blocks = min(MAX_BLOCKS, -(-len(files) // FILES_PER_BATCH))
        embedded = (
            ray.data.from_items(
                [{"item": pickle.dumps(file)} for file in files], override_num_blocks=num_blocks
            )
            .map_batches(
                ChunkActor,
                fn_constructor_args=(self._spec,),
                batch_size=FILES_PER_BATCH,
                compute=ActorPoolStrategy(size=sizes.num_chunkers),
                num_cpus=sizes.chunker_cpus,
                label_selector=_placement(self._spec.location),
            )
            .map_batches(
                EmbedActor,
                fn_constructor_args=(self._spec, sizes.embedder_threads),
                batch_size=DOCUMENTS_PER_BATCH,
                compute=ActorPoolStrategy(size=sizes.num_embedders),
                num_cpus=sizes.embedder_cpus,
                num_gpus=sizes.embedder_gpus,
            )
        )
        for batch in embedded.iter_batches(batch_size=DOCUMENTS_PER_BATCH, prefetch_batches=1):
            yield _items(batch)


class ChunkActor:
    """`ChunkStage` with a parser process of its own."""

    def __init__(self, spec: StageSpec) -> None:
        self._stage = ChunkStage(
            DocumentSource.open(spec.location),
            ParserProcess(spec.ingestion, spec.embedder.model_path).cut,
            spec.ingestion.limits,
            content_hasher(spec.fingerprint, spec.ingestion),
        )

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return _column([self._stage.take(file) for file in _items(batch)])


class EmbedActor:
    """`embed_documents` with an embedding model of its own."""

    def __init__(self, spec: StageSpec, num_threads: int) -> None:
        # Ray gives an actor as many threads as it holds CPUs, and none for a share of one.
        torch.set_num_threads(num_threads)
        self._embedder = Embedder(spec.embedder)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        documents: list[PreparedDocument] = _items(batch)
        embed_documents(documents, self._embedder)
        return _column(documents)


def _placement(location: str) -> dict[str, str] | None:
    """A local folder can be read where the run was started, and perhaps nowhere else."""
    if "://" in location and not location.startswith("file://"):
        return None
    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}


def _column(items: Sequence[object]) -> dict[str, Any]:
    """A batch for Ray Data; Arrow would take documents apart into columns."""
    column = np.empty(len(items), dtype=object)
    column[:] = [pickle.dumps(item) for item in items]
    return {"item": column}


def _items(batch: dict[str, Any]) -> list[Any]:
    # Written by `_column` in a process of the same run.
    return [pickle.loads(item) for item in batch["item"]]  # noqa: S301
