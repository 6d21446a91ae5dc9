"""Works on batches: takes up what is queued, goes on with what a restart left, reports, cleans up.

What is finished of a list stands in its run's ledger, so this may end at any moment: the next
runner finds the batch `running` and goes on. Two at once, during a rolling update, do not work on
one batch: the run's folder is locked by the kernel.
"""

import asyncio
import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from deployments.bulk_run import Progress
from followup.backends.batch_table import Batch, BatchState
from followup.backends.ledger import OtherRunError, OutputError, RunInProgressError
from followup.errors import FollowupError, PartUnavailableError

LOOK_SECONDS = 1.0
"""Between two looks at the table, and between two reports."""
RETRY_SECONDS = 30.0
"""Until a batch is tried again that waits for a disk, a database or an earlier runner."""
CLEAN_SECONDS = 3_600.0
MIN_ORPHAN_AGE = timedelta(days=1)
WAITS = (OutputError, RunInProgressError, PartUnavailableError)
OTHER_SETTINGS = "Settings or models were changed while it was under way. Post it again."
UNFORESEEN = "Something went wrong on our side; the log has the details under the batch's id."

logger = logging.getLogger(__name__)


class BatchStoppedError(FollowupError):
    """The run was told to stop."""

    code = "batch_stopped"


class BatchTable(Protocol):
    """What the runner needs of the database. `Batches` is one."""

    async def unfinished(self) -> list[Batch]: ...
    async def start(self, batch: Batch) -> bool: ...
    async def report(self, batch: Batch, **progress: Any) -> bool: ...
    async def finish(self, batch: Batch, state: BatchState, **progress: Any) -> None: ...
    async def known(self, batch_ids: Collection[str]) -> set[str]: ...
    async def forget_finished_before(self, limit: datetime) -> None: ...


@dataclass(slots=True)
class BatchProgress:
    """How far one run is: written by its thread, read by the event loop."""

    stop: threading.Event = field(default_factory=threading.Event)
    columns: dict[str, Any] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def begin(self, num_leads: int) -> None:
        """So many leads are there, about."""
        self.columns = {"num_leads": num_leads}

    def show(self, progress: Progress) -> None:
        """After each part. Raises BatchStoppedError once the run is to stop."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        self.columns = {
            "num_leads": max(self.columns.get("num_leads", 0), progress.num_rows),
            "num_done": progress.num_rows,
            "rows_per_second": (progress.num_rows - progress.num_rows_before) / seconds,
            "counts": {kind: dict(counts) for kind, counts in progress.counts.items()},
        }
        self.check()

    def check(self) -> None:
        """Raises BatchStoppedError once the run is to stop."""
        if self.stop.is_set():
            message = "The run was stopped."
            raise BatchStoppedError(message)


Finish = Callable[[Batch, BatchProgress], None]
"""Does what is not done of a batch, in a thread. Raises what reading, working and writing raise."""


class BatchRunner:
    """The one that works on batches."""

    def __init__(
        self, table: BatchTable, finish: Finish, folder: Path, *, max_running: int, keep_days: int
    ) -> None:
        self._table = table
        self._finish = finish
        self._folder = folder
        self._max_running = max_running
        self._keep = timedelta(days=keep_days)
        self._running: dict[str, tuple[Batch, asyncio.Task[None]]] = {}
        self._try_at: dict[str, float] = {}
        self._clean_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    def check(self) -> None:
        """Raises what ended the runner, if anything did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Stop at the next row or part; what runs goes on after the next start. Safe to repeat."""
        tasks = [task for _, task in self._running.values()]
        for task in (self._task, *tasks):
            if task is not None:
                task.cancel()
        for task in (self._task, *tasks):
            if task is not None:
                with suppress(asyncio.CancelledError):
                    await task

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            except PartUnavailableError as error:
                logger.warning("batches wait: %s", error.message)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        now = time.monotonic()
        if now >= self._clean_at:
            self._clean_at = now + CLEAN_SECONDS
            await self._clean()
        for batch_id in [name for name, (_, task) in self._running.items() if task.done()]:
            self._running.pop(batch_id)[1].result()
        waiting = [
            batch
            for batch in await self._table.unfinished()
            if batch.batch_id not in self._running and self._try_at.get(batch.batch_id, 0) <= now
        ]
        while waiting and len(self._running) < self._max_running:
            batch = self._next(waiting)
            waiting.remove(batch)
            self._running[batch.batch_id] = (batch, asyncio.create_task(self._work_on(batch)))

    def _next(self, waiting: list[Batch]) -> Batch:
        """The oldest one of the tenant that has the fewest at work."""
        at_work = Counter(batch.tenant for batch, _ in self._running.values())
        return min(waiting, key=lambda batch: (at_work[batch.tenant], batch.created_at))

    async def _work_on(self, batch: Batch) -> None:
        try:
            if not await self._table.start(batch):
                return
            progress = BatchProgress()
            state, error = await self._state_after(batch, progress)
            await self._table.finish(batch, state, **progress.columns, error=error)
            self._try_at.pop(batch.batch_id, None)
        except WAITS as error:
            self._try_at[batch.batch_id] = time.monotonic() + RETRY_SECONDS
            with suppress(PartUnavailableError):
                await self._table.report(batch, error=f"It waits: {error.message}")

    async def _state_after(
        self, batch: Batch, progress: BatchProgress
    ) -> tuple[BatchState, str | None]:
        """What became of it, and why. Raises what it has to wait for."""
        try:
            await self._until_done(batch, progress)
        except BatchStoppedError:
            return BatchState.CANCELLED, None
        except OtherRunError:
            return BatchState.FAILED, OTHER_SETTINGS
        except WAITS:
            raise
        except FollowupError as error:
            return BatchState.FAILED, error.message
        except Exception:
            logger.exception("batch %s failed", batch.batch_id)
            return BatchState.FAILED, UNFORESEEN
        return BatchState.DONE, None

    async def _until_done(self, batch: Batch, progress: BatchProgress) -> None:
        work = asyncio.create_task(asyncio.to_thread(self._finish, batch, progress))
        try:
            while not work.done():
                with suppress(PartUnavailableError):  # the database is away; the work goes on
                    if await self._table.report(batch, **progress.columns):
                        progress.stop.set()
                await asyncio.wait({work}, timeout=LOOK_SECONDS)
            work.result()
        except asyncio.CancelledError:
            progress.stop.set()
            await asyncio.gather(work, return_exceptions=True)
            raise

    async def _clean(self) -> None:
        """Remove batches that were finished long ago, and lists whose request never ended."""
        now = datetime.now(UTC)
        await self._table.forget_finished_before(now - self._keep)
        limit = (now - MIN_ORPHAN_AGE).timestamp()
        old = await asyncio.to_thread(_folders_before, self._folder, limit)
        known = await self._table.known([path.name for path in old])
        for path in old:
            if path.name not in known:
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def _folders_before(folder: Path, limit: float) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.stat().st_mtime < limit]
