"""The processes of one installation: started detached, recognised later, stopped to the last.

Every process that `up` starts carries the installation's marker in its environment, and so do all
that it starts in turn; Ray's workers, which overwrite theirs, keep logs of the installation open.
That tells ours from those of another installation, another Ray cluster or another program,
whatever their pids and titles are.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from cluster.errors import StartError
from cluster.state import StateFolder, write_atomically

MARKER = "LEAD_ASSISTANT_HOME"
GRACE_SECONDS = 10.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.05
CREATE_TIME_TOLERANCE_SECONDS = 0.01
Record = TypeVar("Record", bound=BaseModel)


class ProcessRecord(BaseModel):
    """A pid file. The creation time tells the process from a later one with the same pid."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    create_time: float

    @classmethod
    def of(cls, pid: int) -> "ProcessRecord":
        """Record a process that runs now. psutil.NoSuchProcess when it does not."""
        return cls(pid=pid, create_time=psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """The very process that was recorded, while it runs."""
        try:
            process = psutil.Process(self.pid)
            age_difference = abs(process.create_time() - self.create_time)
        except psutil.Error:
            return None
        is_same = age_difference < CREATE_TIME_TOLERANCE_SECONDS
        return process if is_same and is_alive(process) else None


def read_record(path: Path, kind: type[Record]) -> Record | None:
    """The record in a pid file; None where there is none or it is damaged."""
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def write_record(path: Path, record: BaseModel) -> None:
    """Write a pid file."""
    write_atomically(path, record.model_dump_json())


def start_detached(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a process that outlives this one and its terminal; its output goes to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments, no shell
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def own_processes(state: StateFolder) -> list[psutil.Process]:
    """Every process of the installation, this one and its parents left out."""
    mine = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.pid in mine or not _is_own(process, state):
                continue
            family = [process, *process.children(recursive=True)]
        except (psutil.Error, OSError):  # gone meanwhile, or another user's
            continue
        found.update({member.pid: member for member in family})
    return [process for process in found.values() if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended and was not yet collected by its parent does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_own(process: psutil.Process, state: StateFolder) -> bool:
    if _carries_marker(process, state.marker):
        return True
    # A worker of Ray writes its title over its environment, but keeps its logs open.
    return process.name().startswith("ray::") and any(
        Path(file.path).is_relative_to(state.ray_temp) for file in process.open_files()
    )


def _carries_marker(process: psutil.Process, marker: str) -> bool:
    block = Path(f"/proc/{process.pid}/environ")
    if not block.exists():
        return bool(process.environ().get(MARKER) == marker)
    # psutil stops reading at the first empty variable; a title leaves such ones behind.
    return f"{MARKER}={marker}".encode() in block.read_bytes().split(b"\0")


def stop_processes(
    processes: Iterable[psutil.Process], grace_seconds: float = GRACE_SECONDS
) -> None:
    """Ask them to end, kill what has not after the grace period, wait until all are gone.

    psutil sends no signal to a process that took over the pid. StartError names what survives.
    """
    alive = list(processes)
    for send, seconds in (
        (psutil.Process.terminate, grace_seconds),
        (psutil.Process.kill, KILL_SECONDS),
    ):
        for process in alive:
            try:
                send(process)
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied as error:
                message = f"Process {process.pid} may not be stopped by this user."
                raise StartError(message) from error
        alive = wait_until_ended(alive, seconds)
    if alive:
        pids = ", ".join(str(process.pid) for process in alive)
        message = f"These processes do not end: {pids}. Look at them with: ps -fp {pids}"
        raise StartError(message)


def wait_until_ended(
    processes: Sequence[psutil.Process], timeout_seconds: float
) -> list[psutil.Process]:
    """Wait; those that still run at the end.

    An ended process that its parent never collects, as in containers whose first process collects
    nothing, counts as ended; psutil.wait_procs would wait for it.
    """
    give_up_at = time.monotonic() + timeout_seconds
    alive = [process for process in processes if is_alive(process)]
    while alive and time.monotonic() < give_up_at:
        time.sleep(POLL_SECONDS)
        alive = [process for process in alive if is_alive(process)]
    return alive


def run_to_end(
    command: Sequence[str], environment: Mapping[str, str], log: Path, timeout_seconds: float
) -> int:
    """Run a command with its output in `log`; its exit status. StartError past the time limit.

    It is killed when this process is interrupted meanwhile.
    """
    process = start_detached(command, environment, log)
    try:
        return process.wait(timeout=timeout_seconds)
    except subprocess.TimeoutExpired as error:
        message = f"'{' '.join(command[1:4])}' took over {timeout_seconds:g} s. Log: {log}"
        raise StartError(message) from error
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def python_module(module: str, *arguments: str) -> list[str]:
    """Command line of a module in this interpreter's environment."""
    return [sys.executable, "-m", module, *arguments]


def marked_environment(marker: str, extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with the marker and `extra`."""
    return {**os.environ, **extra, MARKER: marker}
