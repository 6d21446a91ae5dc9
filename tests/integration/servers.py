"""Real PostgreSQL and Redis servers for tests: own data folder, free port, loopback only.

`with postgres_server() as server:` and `with redis_server() as server:` give a running server with
`url`, `stop()` and `start()`. A missing binary fails the test and names the apt package.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psutil
import pytest
import redis

from cluster.preflight import free_port

START_SECONDS = 30
STOP_SECONDS = 30


class PostgresServer:
    """A PostgreSQL cluster in a folder of its own; user postgres, no password."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._binaries = _find_postgres_binaries()
        # PostgreSQL refuses to run as root.
        self._account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        self._run(
            "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8",
            "--locale=C", f"--pgdata={self._data}",
        )  # fmt: skip

    @property
    def url(self) -> str:
        """URL of the database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None, "the server is stopped"
        return self._process.pid

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{uuid.uuid4().hex}"
        self._run("createdb", "--host=127.0.0.1", f"--port={self._port}", "-Upostgres", name)
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def start(self) -> None:
        """Start on the same port and data, and wait until connections are accepted."""
        self._process = self._spawn(
            "postgres", "-D", str(self._data), "-p", str(self._port),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "fsync=off",  # no test cuts the power
        )  # fmt: skip
        _wait_until_ready(self._process, self._is_ready, self._log)

    def stop(self) -> None:
        """Shut down, cutting every connection. Safe to call twice."""
        self._end(signal.SIGINT)  # PostgreSQL's "fast" shutdown

    def freeze(self) -> None:
        """Keep connections open and answer nothing, until `thaw`."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        """The server and the processes of its connections."""
        server = psutil.Process(self.pid)
        return [server, *server.children(recursive=True)]

    def discard(self) -> None:
        """End at once, without the checkpoint that a later start would need. Safe to call twice."""
        self._end(signal.SIGQUIT)  # PostgreSQL's "immediate" shutdown

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _is_ready(self) -> bool:
        # The eighth line of postmaster.pid is the server's own word on its state.
        pid_file = self._data / "postmaster.pid"
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _run(self, name: str, *arguments: str) -> None:
        process = self._spawn(name, *arguments)
        if process.wait(timeout=START_SECONDS) != 0:
            pytest.fail(f"{name} failed:\n{self._log.read_text()}", pytrace=False)

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        account = self._account
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - an installed binary, no outside input
                [str(self._binaries / name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )


class RedisServer:
    """A Redis server that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """URL of database 0."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start empty on the same port and wait until it answers."""
        binary = shutil.which("redis-server")
        if binary is None:
            _fail_for_missing("redis-server", "redis-server")
        log = self._folder / "server.log"
        self._process = subprocess.Popen(  # noqa: S603 - an installed binary, no outside input
            [
                binary, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", str(self._folder), "--logfile", str(log),
            ]
        )  # fmt: skip
        _wait_until_ready(self._process, self._is_ready, log)

    def stop(self) -> None:
        """Shut down, cutting every connection. Safe to call twice."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None

    def _is_ready(self) -> bool:
        with redis.Redis(port=self._port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL server; stopped and its data removed at the end."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = PostgresServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.discard()


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running Redis server; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _find_postgres_binaries() -> Path:
    """The folder that holds postgres and its tools; Debian keeps it off PATH, one per version."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not folders:
        _fail_for_missing("postgres", "postgresql")
    return max(folders, key=lambda folder: int(folder.parent.name))


def _fail_for_missing(binary: str, apt_package: str) -> NoReturn:
    pytest.fail(f"{binary} is not installed. Run: apt-get install {apt_package}", pytrace=False)


def _wait_until_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path
) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > give_up_at:
            shown = log.read_text() if log.exists() else "(no log)"
            pytest.fail(f"The server did not start:\n{shown}", pytrace=False)
        time.sleep(0.02)
