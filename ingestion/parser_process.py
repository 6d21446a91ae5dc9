"""Parses and cuts files in a process of its own.

So no file can hang, crash or fill up the caller, and an embedder in the caller's process does not
wait for the interpreter lock while files are cut.
"""

import os
import signal
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from config.ingestion import IngestionSettings
from followup.backends.token_counter import TokenCounter
from ingestion.cutting import CutDocument
from ingestion.document import Document
from ingestion.rejects import Reject, RejectCode

# Processor time is what is limited, so that a busy machine rejects no more files than an idle one.
# The clock only ends a parser that waits for something that never comes.
_CLOCK_FACTOR = 10
_END_SECONDS = 5


class ParserProcess:
    """One parsing process, started with the first file and again after a file has ended it.

    May be called from several threads; one file is parsed at a time.
    """

    def __init__(self, settings: IngestionSettings, model_path: Path | None = None) -> None:
        """`model_path` is the embedding model's folder, whose tokenizer sizes what `cut` returns.

        Raises SettingError where it has none.
        """
        if model_path is not None:
            TokenCounter(model_path)  # here, once: in the process every file would become a reject
        self._model_path = model_path
        self._settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def parse(self, name: str, content: bytes) -> Document | Reject:
        """The file's document, or why there is none; see `parse_document`. Raises nothing."""
        parsed: Document | Reject = self._ask("parse", name, content)
        return parsed

    def cut(self, name: str, content: bytes) -> CutDocument | Reject:
        """The file's chunks, or why there are none; see `Cutter`. Raises nothing."""
        if self._model_path is None:
            message = "a ParserProcess without model_path only parses"
            raise ValueError(message)
        cut: CutDocument | Reject = self._ask("cut", name, content)
        return cut

    def _ask(self, task: Literal["parse", "cut"], name: str, content: bytes) -> Any:
        with self._lock:
            connection = self._connected()
            try:
                connection.send((task, name, content))
                seconds = self._settings.limits.max_parse_seconds * _CLOCK_FACTOR
                if not connection.poll(seconds):
                    self._stop()
                    return self._too_slow(name)
                made = connection.recv()
            except (EOFError, OSError):
                return self._died(name)
            if isinstance(made, Reject) and made.code is RejectCode.OUT_OF_MEMORY:
                self._stop()
            return made

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _connected(self) -> Connection:
        if self._connection is None:
            ours, theirs = Pipe()
            # The fresh interpreter takes nothing over from this one: no threads, no open files.
            self._process = subprocess.Popen(  # noqa: S603 - this program's own module
                [sys.executable, "-m", "ingestion.parser_worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ
                | {
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    # One file's texts are few: threads for them only disturb the embedder.
                    "TOKENIZERS_PARALLELISM": "false",
                },
            )
            theirs.close()
            ours.send((self._settings, self._model_path))
            self._connection = ours
        return self._connection

    def _stop(self) -> int:
        """End the process where it runs; its exit status, 0 where there was none."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            return process.wait(0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _died(self, name: str) -> Reject:
        process = self._process
        if process is not None:
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        status = self._stop()
        if status == -signal.SIGPROF:
            return self._too_slow(name)
        reason = f"it ended its parser (exit status {status})"
        return Reject(name, reason, RejectCode.DAMAGED)

    def _too_slow(self, name: str) -> Reject:
        limit = self._settings.limits.max_parse_seconds
        reason = f"it takes more than {limit} seconds to parse"
        return Reject(name, reason, RejectCode.TOO_SLOW)
