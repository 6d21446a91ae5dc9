"""One batch's list through scoring or writing, in a thread of the runner."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from config.settings import Settings
from deployments.batch_api import BatchOptions
from deployments.batch_folder import RUN, batch_folder, bulk_options
from deployments.batch_runner import BatchProgress
from deployments.bulk_job import BulkJob, BulkWork, score_work, write_work
from deployments.bulk_options import WriteOptions
from deployments.bulk_parts import Part, PartResult
from deployments.bulk_processes import ProcessWorkers
from deployments.bulk_score import ScoreFactory
from deployments.bulk_workers import Died, Workers, unforeseen
from deployments.bulk_write import PartWriter, Writer
from deployments.nodes import Graph, HandleNodes
from deployments.spare import GaveWayError
from followup.backends.batch_table import Batch
from followup.backends.lead_list import LeadList
from followup.backends.ledger import RunFolder
from followup.errors import FollowupError, InvalidInputError
from followup.fusion import Candidate, CandidatePlan
from followup.passage import Passage
from followup.prompts import Prompt
from followup.request import GenerationOptions, RetrievalOptions
from followup.validation import Validated, ValidationTask

ROWS_PER_PART = 16
"""Of writing: what a restart costs at most, and how often progress is told."""
CALL_SECONDS = 300.0
"""Time limit of one call to a node."""
GAVE_WAY_SECONDS = 1.0
FOREVER = float("inf")
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class BatchWork:
    """Does batches with the nodes of the graph. `loop` is the one that the writers use."""

    settings: Settings
    writer_for: Callable[[WriteOptions], Writer]
    loop: asyncio.AbstractEventLoop

    def finish(self, batch: Batch, progress: BatchProgress) -> None:
        """Do every part that is not done. Raises what list, folder and workers raise."""
        options = BatchOptions.model_validate(batch.options)
        folder = batch_folder(self.settings, batch.batch_id)
        asked = options.write_options(batch.tenant)
        leads = self._list(batch)
        bulk = bulk_options(options, leads, folder / RUN, batch.created_at)
        job = BulkJob.open(self.settings, bulk, self._work(asked))
        if job.num_rows > self.settings.batches.max_leads:
            message = (
                f"The list has about {job.num_rows:,} leads; a batch has at most "
                f"{self.settings.batches.max_leads:,}. Give 'limit', or several lists."
            )
            raise InvalidInputError(message, field="uri")
        progress.begin(job.num_rows)
        with RunFolder.open(bulk.output, job.identity) as run:
            job.run_in(run, progress.show).finish(
                job.leads.rows(), lambda: self._workers(asked, progress)
            )

    def _work(self, asked: WriteOptions | None) -> BulkWork:
        if asked is None:
            return score_work(self.settings)
        return write_work(self.settings, asked, ROWS_PER_PART)

    def _workers(self, asked: WriteOptions | None, progress: BatchProgress) -> Workers:
        if asked is None:
            factory = ScoreFactory(self.settings.scoring, self.settings.compliance)
            return ProcessWorkers(factory, num_workers=1)
        in_flight = self.settings.batches.in_flight
        writer = PartWriter(self.writer_for(asked), in_flight, outage_seconds=FOREVER)
        return LoopWorkers(self.loop, writer, progress)

    def _list(self, batch: Batch) -> Path:
        """The list on the disk, fetched once: a run is of what was there then."""
        folder = batch_folder(self.settings, batch.batch_id)
        if batch.uri is None:
            return folder / "list.jsonl"
        path = folder / f"list{PurePosixPath(batch.uri).suffix}"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            max_bytes = self.settings.batches.max_list_mib * _MIB
            LeadList.open(batch.uri).copy_to(path, max_bytes)
        return path


class LoopWorkers:
    """Writes one part at a time in an event loop that other work shares."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, writer: PartWriter, progress: BatchProgress
    ) -> None:
        self._loop = loop
        self._writer = writer
        self._progress = progress
        self._work: tuple[Part, concurrent.futures.Future[PartResult]] | None = None

    @property
    def num_free(self) -> int:
        """1 without a part."""
        return 0 if self._work else 1

    def start(self, part: Part) -> None:
        """Begin a part."""
        future = asyncio.run_coroutine_threadsafe(self._writer.write(part), self._loop)
        self._work = (part, future)

    def wait(self) -> list[PartResult | Died]:
        """Wait until it is done. Raises BatchStoppedError, and what the writer raised."""
        assert self._work is not None  # noqa: S101 - `work` waits for what it started
        part, future = self._work
        while not concurrent.futures.wait([future], timeout=GAVE_WAY_SECONDS).done:
            self._progress.check()
        self._work = None
        try:
            return [future.result()]
        except FollowupError:
            raise
        except Exception as error:  # noqa: BLE001 - one row must not end the run
            return [Died(part, unforeseen(error))]

    def close(self) -> None:
        """Give up what is at work."""
        if self._work is not None:
            self._work[1].cancel()


@dataclass(frozen=True, slots=True)
class SpareNodes:
    """The pipeline's `Nodes` for work that can wait: it gives way to callers in the generator."""

    graph: Graph
    tenant: str
    knowledge_base_version: str

    async def embed(self, texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Mean vector of texts: float32, shape (dimension,)."""
        return await self._nodes.embed(texts)

    async def likeness(self, question: str, texts: tuple[str, ...]) -> Sequence[float]:
        """Cosine of each text with the question."""
        return await self._nodes.likeness(question, texts)

    async def retrieve(
        self,
        tenant: str,
        query: str,
        vector: npt.NDArray[np.float32],
        options: RetrievalOptions,
    ) -> Sequence[Passage]:
        """Passages above the threshold, best first."""
        return await self._nodes.retrieve(tenant, query, vector, options)

    async def generate(
        self, plan: CandidatePlan, prompt: Prompt, options: GenerationOptions, adapter: str | None
    ) -> Candidate:
        """Write one candidate, however long callers come first."""
        while True:
            nodes = replace(self._nodes, generate_method="generate_spare")
            try:
                return await nodes.generate(plan, prompt, options, adapter)
            except GaveWayError:
                await asyncio.sleep(GAVE_WAY_SECONDS)

    async def validate(self, task: ValidationTask) -> Validated:
        """Repair, check and choose."""
        return await self._nodes.validate(task)

    @property
    def _nodes(self) -> HandleNodes:
        deadline = time.monotonic() + CALL_SECONDS
        return self.graph.nodes_for(self.tenant, deadline, self.knowledge_base_version)
