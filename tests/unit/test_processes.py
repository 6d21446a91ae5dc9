"""Only our own processes are recognised and stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster.errors import StartError
from cluster.processes import (
    MARKER,
    ProcessRecord,
    is_alive,
    own_processes,
    read_record,
    run_to_end,
    stop_processes,
    write_record,
)
from cluster.state import StateFolder

SLEEP = "import time; time.sleep(60)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); "
    "time.sleep(60)"
)
PARENT = (
    "import os, subprocess, sys, time; env = {'PATH': os.environ['PATH']}; "
    f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], env=env); print(flush=True); "
    "time.sleep(60)"
)

NEGLIGENT_PARENT = (
    "import subprocess, sys, time; "
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print(flush=True); "
    "time.sleep(60)"
)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of a test; killed at its end with all that they started."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            for member in family:
                member.kill()
            process.kill()
        process.communicate()


def _start(
    started: list[subprocess.Popen[bytes]], code: str, marker: str, *, wait: bool = False
) -> psutil.Process:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], env={**os.environ, MARKER: marker}, stdout=subprocess.PIPE
    )
    started.append(process)
    if wait:
        assert process.stdout is not None
        process.stdout.readline()
    return psutil.Process(process.pid)


def test_a_recorded_process_is_found_until_it_ends(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    process = _start(started, SLEEP, "here")
    path = tmp_path / "x.json"
    write_record(path, ProcessRecord.of(process.pid))
    record = read_record(path, ProcessRecord)
    assert record is not None
    assert record.find() == process
    stop_processes([process])
    assert record.find() is None


def test_another_process_with_a_recorded_pid_is_not_ours() -> None:
    mine = ProcessRecord.of(os.getpid())
    older = mine.model_copy(update={"create_time": mine.create_time - 3_600})
    assert mine.find() is not None
    assert older.find() is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}'], ids=["empty", "cut", "incomplete"])
def test_a_damaged_pid_file_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert read_record(path, ProcessRecord) is None
    assert read_record(tmp_path / "none.json", ProcessRecord) is None


def test_only_processes_with_our_marker_are_ours(started: list[subprocess.Popen[bytes]]) -> None:
    ours = _start(started, SLEEP, "/our/state")
    theirs = _start(started, SLEEP, "/our/state2")
    found = own_processes(StateFolder(Path("/our/state")))
    assert ours in found
    assert theirs not in found


def test_a_child_that_lost_the_marker_is_ours_too(started: list[subprocess.Popen[bytes]]) -> None:
    parent = _start(started, PARENT, "/parent/state", wait=True)
    found = own_processes(StateFolder(Path("/parent/state")))
    assert {process.pid for process in found} == {
        parent.pid,
        *(child.pid for child in parent.children()),
    }
    assert len(found) == 2


def test_this_process_and_its_parents_are_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = psutil.Process().environ().get("PATH", "")
    monkeypatch.setattr("cluster.processes.MARKER", "PATH")
    mine = {process.pid for process in (psutil.Process(), *psutil.Process().parents())}
    assert mine.isdisjoint({process.pid for process in own_processes(StateFolder(Path(marker)))})


def test_a_process_that_ignores_the_request_is_killed(
    started: list[subprocess.Popen[bytes]],
) -> None:
    deaf = _start(started, DEAF, "here", wait=True)
    stop_processes([deaf], grace_seconds=0.2)
    assert not is_alive(deaf)


def test_stopping_what_has_already_ended_does_nothing(
    started: list[subprocess.Popen[bytes]],
) -> None:
    process = _start(started, "", "here")
    process.wait(10)
    stop_processes([process])


def test_an_ended_process_that_nobody_collects_counts_as_ended(
    started: list[subprocess.Popen[bytes]],
) -> None:
    holder = _start(started, NEGLIGENT_PARENT, "here", wait=True)
    [child] = holder.children()
    begun = time.monotonic()
    stop_processes([child], grace_seconds=5)
    assert time.monotonic() - begun < 4
    assert child.status() == psutil.STATUS_ZOMBIE


def test_a_command_past_its_time_is_killed_and_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import os; print(os.getpid(), flush=True); {SLEEP}"
    begun = time.monotonic()
    with pytest.raises(StartError, match=r"took over 1 s\. Log: .*log"):
        run_to_end([sys.executable, "-c", code], os.environ, log, timeout_seconds=1)
    assert time.monotonic() - begun < 10
    assert not psutil.pid_exists(int(log.read_text()))


def test_a_command_gives_its_exit_status(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('said'); raise SystemExit(3)"]
    assert run_to_end(command, os.environ, tmp_path / "log", timeout_seconds=20) == 3
    assert (tmp_path / "log").read_text() == "said\n"
