"""What is checked before anything starts: ports, disk, packages, and who may call.

Each failure is one line with the remedy.
"""

import random
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from cluster.errors import StartError
from config.settings import Settings
from deployments.auth import is_loopback
from followup.backends.api_keys import ApiKeys
from followup.backends.database import Database

MIN_FREE_BYTES = 2 * 1024**3
"""Twice the models' download and unpacked size, Ray's logs and room for the database."""
PORTS_BELOW_EPHEMERAL = range(20_000, 32_000)
MAX_PORT_TRIES = 100
ENGINE_PACKAGES = {
    "openvino": ("openvino_genai",),
    "vllm": ("vllm",),
    "transformers": ("transformers", "torch"),
}


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port that a part will listen on, and the variable that sets it."""

    host: str
    port: int
    variable: str


def wanted_ports(settings: Settings) -> list[WantedPort]:
    """The ports with fixed numbers. Ray's others are chosen free when it starts."""
    environment = settings.environment
    ports = [
        WantedPort(environment.api_host, environment.api_port, "API_PORT"),
        WantedPort("127.0.0.1", environment.metrics_port, "METRICS_PORT"),
    ]
    if settings.uses_milvus_lite:
        ports.append(WantedPort("127.0.0.1", environment.milvus_lite_port, "MILVUS_LITE_PORT"))
    return ports


def check(
    settings: Settings,
    own_pids: frozenset[int],
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Raise StartError with one line for every failure. `own_pids` may hold the ports."""
    failures = [
        *_missing_packages(settings),
        *_taken_ports(wanted_ports(settings), own_pids),
        *_full_disks(settings, free_bytes),
    ]
    if failures:
        raise StartError("\n".join(failures))


async def check_access(settings: Settings) -> None:
    """Raise StartError when others could reach the API and no key was ever made.

    The database must have been migrated. Errors: PartUnavailableError when it is away.
    """
    host = settings.environment.api_host
    if is_loopback(host):
        return
    database = Database(settings.database)
    try:
        has_keys = await ApiKeys(database).has_keys()
    finally:
        await database.close()
    if not has_keys:
        message = (
            f"API_HOST is '{host}', which others can reach, but no API key exists. Make one with: "
            "lead-assistant keys create --tenant default --name admin --scope admin"
        )
        raise StartError(message)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on at the moment, and that the system gives to nobody unasked.

    Below the range of ephemeral ports: one from that range is soon taken by a connection of Ray's.
    """
    for port in random.sample(PORTS_BELOW_EPHEMERAL, MAX_PORT_TRIES):
        with socket.socket() as listener, suppress(OSError):
            listener.bind((host, port))
            return port
    message = f"None of {MAX_PORT_TRIES} ports tried on {host} is free."
    raise StartError(message)


def _missing_packages(settings: Settings) -> Iterator[str]:
    extra = "gpu" if settings.engine.engine == "vllm" else "cpu"
    wanted = ["ray", "sentence_transformers", *ENGINE_PACKAGES[settings.engine.engine]]
    if settings.uses_milvus_lite:
        wanted.append("milvus_lite")
    for package in wanted:
        if find_spec(package) is None:
            command = f"pip install 'ai-lead-assistant[{extra}]'"
            yield f"Package '{package}' is not installed. Run: {command}"


def _taken_ports(ports: list[WantedPort], own_pids: frozenset[int]) -> Iterator[str]:
    by_number: dict[int, str] = {}
    for wanted in ports:
        other = by_number.setdefault(wanted.port, wanted.variable)
        if other != wanted.variable:
            yield f"{other} and {wanted.variable} are both {wanted.port}. Give each its own."
            continue
        reason = _bind_failure(wanted)
        if reason is None:
            continue
        holder = _listener(wanted.port)
        if holder is not None and holder.pid in own_pids:
            continue
        who = f"process {holder.pid} ({holder.name()})" if holder else reason
        yield (
            f"Port {wanted.port} on {wanted.host} cannot be used: {who}. "
            f"Stop that, or set {wanted.variable} to another port."
        )


def _bind_failure(wanted: WantedPort) -> str | None:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with socket.socket(family) as listener:
        # Without this a connection of the last run, in TIME_WAIT, counts as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((wanted.host, wanted.port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _listener(port: int) -> psutil.Process | None:
    """The process that listens on a port, where this user may see it."""
    for connection in psutil.net_connections(kind="tcp"):
        is_listening = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        if is_listening and connection.pid is not None:
            try:
                return psutil.Process(connection.pid)
            except psutil.NoSuchProcess:
                return None
    return None


def _full_disks(settings: Settings, free_bytes: Callable[[Path], int]) -> Iterator[str]:
    folders = {settings.environment.state_dir.absolute(), settings.model_cache_dir}
    for folder in sorted(folders):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        free = free_bytes(existing)
        if free < MIN_FREE_BYTES:
            yield (
                f"'{folder}' has {free / 1024**3:.1f} GiB free, {MIN_FREE_BYTES / 1024**3:.0f} GiB "
                "are needed. Make room, or set STATE_DIR and MODEL_CACHE_DIR to another disk."
            )
            return
