"""python -m ingestion.parser_worker FILE_DESCRIPTOR

The process in which files are parsed and cut, started by ParserProcess. It takes (task, name,
bytes) and gives a Document, a CutDocument or a Reject, one after the other, until the other end
closes.
"""

import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from config.ingestion import IngestionSettings
from followup.backends.token_counter import TokenCounter
from ingestion.cutting import CutDocument, Cutter
from ingestion.document import Document
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode

Task = Callable[[str, bytes], Document | CutDocument | Reject]


def main() -> None:
    """Serve until the parent closes its end or is gone."""
    connection: Connection = Connection(int(sys.argv[1]))
    settings, model_path = connection.recv()
    tasks = _tasks(settings, model_path)
    memory = settings.limits.max_parse_memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    while True:
        try:
            task, name, content = connection.recv()
        except EOFError:
            return
        # The kernel ends this process when the time is used up, whatever code then runs.
        signal.setitimer(signal.ITIMER_PROF, settings.limits.max_parse_seconds)
        try:
            connection.send(tasks[task](name, content))
        except MemoryError:
            del content
            connection.send(out_of_memory(name, settings))
            return  # what is left of the memory may be too little for the next file
        signal.setitimer(signal.ITIMER_PROF, 0)


def _tasks(settings: IngestionSettings, model_path: Path | None) -> dict[str, Task]:
    parse = partial(parse_document, settings=settings)
    tasks: dict[str, Task] = {"parse": parse}
    if model_path is not None:
        tasks["cut"] = Cutter(parse, TokenCounter(model_path), settings).cut
    return tasks


def out_of_memory(name: str, settings: IngestionSettings) -> Reject:
    """The reject of a file that took more memory than it may."""
    limit = settings.limits.max_parse_memory_bytes
    reason = f"it takes more than {limit} bytes of memory to parse"
    return Reject(name, reason, RejectCode.OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
