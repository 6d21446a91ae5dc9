"""python -m ingestion.parser_worker FILE_DESCRIPTOR

The process in which files are parsed, started by ParserProcess. It takes (name, bytes) and gives a
Document or a Reject, one after the other, until the other end closes.
"""

import resource
import signal
import sys
from multiprocessing.connection import Connection

from config.ingestion import IngestionSettings
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode


def main() -> None:
    """Serve until the parent closes its end or is gone."""
    connection: Connection = Connection(int(sys.argv[1]))
    settings = IngestionSettings.model_validate_json(connection.recv_bytes())
    memory = settings.limits.max_parse_memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    while True:
        try:
            name, content = connection.recv()
        except EOFError:
            return
        # The kernel ends this process when the time is used up, whatever code then runs.
        signal.setitimer(signal.ITIMER_PROF, settings.limits.max_parse_seconds)
        try:
            connection.send(parse_document(name, content, settings))
        except MemoryError:
            del content
            connection.send(out_of_memory(name, settings))
            return  # what is left of the memory may be too little for the next file
        signal.setitimer(signal.ITIMER_PROF, 0)


def out_of_memory(name: str, settings: IngestionSettings) -> Reject:
    """The reject of a file that took more memory than it may."""
    limit = settings.limits.max_parse_memory_bytes
    reason = f"it takes more than {limit} bytes of memory to parse"
    return Reject(name, reason, RejectCode.OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
