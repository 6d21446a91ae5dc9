"""What the commands print while they work: animated on a terminal, plain lines elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Bar:
    """Progress of one piece of work; without a terminal it says nothing between start and end."""

    def __init__(self, progress: Progress | None, description: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total) if progress else None

    def update(self, completed: int, total: int | None = None) -> None:
        """Set how much is done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=completed, total=total)


class Reporter:
    """Prints steps for people. `quiet` prints none: stdout then belongs to a program."""

    def __init__(self, *, quiet: bool = False) -> None:
        # soft_wrap, because a line that is read by a program or grep must stay one line.
        self._console = Console(soft_wrap=True, quiet=quiet, highlight=False)
        self._animated = self._console.is_terminal and "CI" not in os.environ

    def step(self, text: str) -> None:
        """A step that is done or begins."""
        self._console.print(text, markup=False)

    def note(self, text: str) -> None:
        """Something to know that is no failure."""
        self._console.print(f"note: {text}", style="yellow", markup=False)

    @property
    def console(self) -> Console:
        """For tables and panels."""
        return self._console

    @property
    def is_animated(self) -> bool:
        """Whether bars and spinners are shown."""
        return self._animated

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """A spinner around work of unknown length."""
        if self._animated:
            with self._console.status(text):
                yield
        else:
            self.step(f"{text} ...")
            yield

    @contextmanager
    def bar(
        self, description: str, total: int | None, *, is_download: bool = False
    ) -> Iterator[Bar]:
        """A progress bar; bytes where `is_download`."""
        if not self._animated:
            self.step(f"{description} ...")
            yield Bar(None, description, total)
            return
        unit = [DownloadColumn(), TransferSpeedColumn()] if is_download else []
        columns = (TextColumn("{task.description}"), BarColumn(), *unit)
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield Bar(progress, description, total)
