"""A run's folder: what is finished stays, what is not is not there."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followup.backends.ledger import (
    LEDGER_FILE,
    FinishedPart,
    OutputError,
    RunFolder,
    RunInProgressError,
)
from followup.errors import InvalidInputError

IDENTITY = {"list_sha256": "a", "settings": {"x": 1}}


def finished(part: int) -> FinishedPart:
    now = datetime.now(UTC)
    return FinishedPart(
        part=part, key="k", num_rows=10, files=(), counts={}, seconds=0.0, finished_at=now
    )


def commit(run: RunFolder, part: int) -> None:
    run.commit(finished(part), {f"parts/part-{part:06d}.csv": b"content %d" % part})


def test_a_second_run_knows_what_the_first_one_finished(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        commit(run, 0)
        commit(run, 1)
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        assert sorted(run.finished) == [0, 1]


def test_a_torn_line_and_a_changed_file_are_made_again(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        for part in range(3):
            commit(run, part)
    ledger = tmp_path / "out" / LEDGER_FILE
    ledger.write_bytes(ledger.read_bytes()[:-7])
    (tmp_path / "out" / "parts" / "part-000001.csv").write_bytes(b"other")
    (tmp_path / "out" / "parts" / ".part-000005.csv.partial").write_bytes(b"half")
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        assert sorted(run.finished) == [0]
        commit(run, 1)
        assert not list((tmp_path / "out" / "parts").glob(".*"))
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        assert sorted(run.finished) == [0, 1]


def test_other_settings_are_refused_with_what_changed_until_restart(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        commit(run, 0)
    other = {**IDENTITY, "list_sha256": "b"}
    with (
        pytest.raises(InvalidInputError, match=r'list_sha256 was "a", is "b".*--restart'),
        RunFolder.open(tmp_path / "out", other),
    ):
        pass
    with RunFolder.open(tmp_path / "out", other, restart=True) as run:
        assert run.finished == {}
        assert not list((tmp_path / "out" / "parts").iterdir())


def test_a_folder_with_files_of_others_is_refused_even_for_a_restart(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with (
        pytest.raises(InvalidInputError, match=r"holds other files, such as 'thesis\.txt'"),
        RunFolder.open(tmp_path, IDENTITY, restart=True),
    ):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "x"


def test_a_folder_named_like_a_run_but_none_is_not_deleted_by_a_restart(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "engine.step").write_text("x")
    with (
        pytest.raises(InvalidInputError, match="holds other files, such as 'parts'"),
        RunFolder.open(tmp_path, IDENTITY, restart=True),
    ):
        pass
    assert (tmp_path / "parts" / "engine.step").exists()


def test_a_second_run_at_the_same_time_is_refused_by_process_and_a_dead_one_is_not(
    tmp_path: Path,
) -> None:
    holder = subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, "-c", _HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder, holder.stdout as output:
        assert output.readline() == "held\n"
        with (
            pytest.raises(RunInProgressError, match=f"process {holder.pid} "),
            RunFolder.open(tmp_path / "out", IDENTITY),
        ):
            pass
        holder.kill()
        holder.wait(30)
    with RunFolder.open(tmp_path / "out", IDENTITY):
        pass


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow beyond a limit, in the middle of the write."""
    done = subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-c", _FILL, str(tmp_path / "out")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "OutputError" in done.stderr
    assert "run the same command again to go on" in done.stderr
    names = sorted(path.name for path in (tmp_path / "out" / "parts").iterdir())
    assert names == ["part-000000.csv"]
    with RunFolder.open(tmp_path / "out", IDENTITY) as run:
        assert sorted(run.finished) == [0]
        commit(run, 1)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    output = tmp_path / "file" / "o"
    with pytest.raises(OutputError, match="cannot be written"), RunFolder.open(output, {}):
        pass


_HOLD = """
import sys, time
from pathlib import Path
from tests.unit.test_ledger import IDENTITY, RunFolder
with RunFolder.open(Path(sys.argv[1]), IDENTITY):
    print("held", flush=True)
    time.sleep(60)
"""
_FILL = """
import resource, sys
from pathlib import Path
from tests.unit.test_ledger import IDENTITY, RunFolder, commit, finished
with RunFolder.open(Path(sys.argv[1]), IDENTITY) as run:
    commit(run, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    run.commit(finished(1), {"parts/part-000001.csv": b"x" * 200_000})
"""
