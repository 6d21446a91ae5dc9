"""A real Milvus Lite server for tests: own data folder, free port, loopback only.

`with milvus_server(folder) as server:` gives a running server with `uri`, `stop()`, `start()`,
`freeze()` and `thaw()`.
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.preflight import free_port

START_SECONDS = 60
STOP_SECONDS = 30
HOST = "127.0.0.1"


class MilvusServer:
    """`milvus-lite server` on one folder and one port, through stops and starts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start on the same port and data, and wait until it accepts connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - an installed binary, no outside input
                [
                    str(Path(sys.executable).with_name("milvus-lite")), "server",
                    "--data-dir", str(self._folder / "data"),
                    "--host", HOST, "--port", str(self._port),
                ],
                stdout=log,
                stderr=log,
            )  # fmt: skip
        give_up_at = time.monotonic() + START_SECONDS
        while not self._accepts_connections():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                pytest.fail(f"Milvus Lite did not start:\n{self._log.read_text()}", pytrace=False)
            time.sleep(0.05)

    def stop(self) -> None:
        """Shut down, cutting every connection. Safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Keep connections open and answer nothing, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def _log(self) -> Path:
        return self._folder / "milvus.log"

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server is stopped"
        self._process.send_signal(number)

    def _accepts_connections(self) -> bool:
        try:
            with socket.create_connection((HOST, self._port), timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def milvus_server(folder: Path) -> Iterator[MilvusServer]:
    """A running server with its data in `folder`; stopped at the end."""
    server = MilvusServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
