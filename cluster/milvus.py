"""Milvus Lite's server: one process with its data under the state folder, loopback only."""

import socket
import time

from cluster.errors import StartError
from cluster.processes import (
    ProcessRecord,
    marked_environment,
    python_module,
    read_record,
    start_detached,
    stop_processes,
    write_record,
)
from cluster.state import StateFolder

HOST = "127.0.0.1"
START_SECONDS = 60.0
POLL_SECONDS = 0.1


class MilvusRecord(ProcessRecord):
    """Pid file of the server."""

    port: int


def start_milvus(state: StateFolder, port: int) -> bool:
    """Start the server unless it runs; True when it was started. StartError names its log."""
    record = read_record(state.milvus_record, MilvusRecord)
    process = record.find() if record else None
    if record is not None and process is not None:
        if record.port == port and accepts_connections(port):
            return False
        # On another port, or stopped half-way through its start.
        stop_processes([process])
    _launch(state, port)
    return True


def milvus_runs(state: StateFolder) -> bool:
    """Whether the server that `start_milvus` started runs and accepts connections."""
    record = read_record(state.milvus_record, MilvusRecord)
    return record is not None and record.find() is not None and accepts_connections(record.port)


def stop_milvus(state: StateFolder) -> bool:
    """Stop the server; False when it did not run."""
    record = read_record(state.milvus_record, MilvusRecord)
    process = record.find() if record else None
    if process is not None:
        stop_processes([process])
    state.milvus_record.unlink(missing_ok=True)
    return process is not None


def accepts_connections(port: int, host: str = HOST) -> bool:
    """Whether something listens on the port."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def _launch(state: StateFolder, port: int) -> None:
    log = state.logs / "milvus.log"
    command = [
        *python_module("milvus_lite.cmdline", "server", "--data-dir", str(state.milvus_data)),
        # Its own default is every interface.
        "--host", HOST, "--port", str(port),
    ]  # fmt: skip
    process = start_detached(command, marked_environment(state.marker, {}), log)
    record = ProcessRecord.of(process.pid)
    write_record(state.milvus_record, MilvusRecord(**record.model_dump(), port=port))
    give_up_at = time.monotonic() + START_SECONDS
    while not accepts_connections(port):
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"exit status {process.returncode}"
            message = f"Milvus Lite ended at once: {reason}. Log: {log}"
            raise StartError(message)
        if time.monotonic() > give_up_at:
            message = f"Milvus Lite does not answer after {START_SECONDS:g} s. Log: {log}"
            raise StartError(message)
        time.sleep(POLL_SECONDS)
