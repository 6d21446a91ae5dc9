"""How far a bulk run is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections import Counter
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from cluster.reporting import Reporter
from deployments.bulk_run import Progress

LINE_SECONDS = 15.0


class BulkProgress:
    """Shows the progress of one run while the block lasts."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(),
        )
        self._bar = RichProgress(
            *columns, console=reporter.console, transient=True, disable=not reporter.is_animated
        )
        self._total = 0

    def __enter__(self) -> "BulkProgress":
        self._bar.start()
        self._began = self._last_line = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, total: int) -> None:
        """So many rows are there, about."""
        self._total = total
        self._task = self._bar.add_task("rows", total=total, facts="")
        self._began = self._last_line = time.monotonic()

    def step(self, text: str) -> None:
        """Something that was done or begins."""
        self._reporter.step(text)

    def show(self, progress: Progress) -> None:
        """After each part."""
        facts = self._facts(progress)
        total = max(self._total, progress.num_rows)
        self._bar.update(self._task, completed=progress.num_rows, total=total, facts=facts)
        now = time.monotonic()
        if not self._reporter.is_animated and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            self._reporter.step(f"{progress.num_rows:,} of about {total:,} rows, {facts}")

    def _facts(self, progress: Progress) -> str:
        seconds = max(time.monotonic() - self._began, 1e-9)
        num_new = progress.num_rows - progress.num_rows_before
        parts = [f"{num_new / seconds:,.0f} rows/s"]
        tokens = progress.sums.get("completion_tokens", 0)
        if tokens:
            parts.append(f"{tokens / max(progress.sums['seconds'], 1e-9):,.0f} tokens/s")
        written = progress.counts["status"]["written"] if "status" in progress.counts else 0
        if written:
            num_fallbacks = progress.counts.get("fallback", Counter()).total()
            parts.append(f"{num_fallbacks / written:.0%} fallbacks")
        return ", ".join(parts)
