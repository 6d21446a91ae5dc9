"""The spool's files: locks, half-written ends, a full disk."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from followup.backends.audit_spool import AuditSpool

HOLD_A_FILE = """
import pathlib, sys
from followup.backends.audit_spool import AuditSpool
AuditSpool(pathlib.Path(sys.argv[1])).write([b"theirs"])
print("written", flush=True)
sys.stdin.read()
"""


def read_all(spool: AuditSpool) -> list[bytes]:
    return [line for file in spool.claim_files() for line in file.read_lines(1_000)]


def test_an_empty_or_missing_folder_holds_nothing(tmp_path: Path) -> None:
    assert read_all(AuditSpool(tmp_path / "missing")) == []


def test_lines_come_back_in_order_after_the_file_is_released(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    spool.write([b"one", b"two"])
    spool.write([b"three"])
    assert read_all(spool) == [], "its writer still holds the file"
    spool.release()
    assert read_all(spool) == [b"one", b"two", b"three"]


def test_lines_are_read_in_portions(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    spool.write([b"%d" % number for number in range(5)])
    spool.release()
    (portions,) = ([file.read_lines(2) for _ in range(4)] for file in spool.claim_files())
    assert portions == [[b"0", b"1"], [b"2", b"3"], [b"4"], []]


def test_a_write_after_a_release_goes_to_a_new_file(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    for line in (b"one", b"two"):
        spool.write([line])
        spool.release()
    assert sorted(read_all(spool)) == [b"one", b"two"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_is_claimed_by_one_reader_at_a_time(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    spool.write([b"one"])
    spool.release()
    for _ in spool.claim_files():
        assert read_all(AuditSpool(tmp_path)) == []
    assert read_all(AuditSpool(tmp_path)) == [b"one"]


def test_a_removed_file_is_not_claimed_again(tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path)
    spool.write([b"one"])
    spool.release()
    for file in spool.claim_files():
        file.remove()
    assert list(tmp_path.iterdir()) == []


def test_another_process_file_is_left_alone_while_it_lives_and_taken_once_it_is_killed(
    tmp_path: Path,
) -> None:
    spool = AuditSpool(tmp_path)
    with subprocess.Popen(  # noqa: S603 - this Python, running the text above
        [sys.executable, "-c", HOLD_A_FILE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        assert read_all(spool) == []
        process.kill()
    assert read_all(spool) == [b"theirs"]


def test_half_a_line_at_the_end_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "1.jsonl").write_bytes(b"one\ntw")
    assert read_all(AuditSpool(tmp_path)) == [b"one"]
    assert "half a record that was never acknowledged" in caplog.text


def test_after_a_failed_write_the_next_one_starts_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = AuditSpool(tmp_path)
    spool.write([b"one"])
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "write", write_three_bytes_then_fail())
        with pytest.raises(OSError, match="No space left"):
            spool.write([b"never acknowledged"])
    spool.write([b"two"])
    spool.release()
    assert sorted(read_all(spool)) == [b"one", b"two"]


def write_three_bytes_then_fail() -> object:
    write = os.write
    num_calls = 0

    def fail(descriptor: int, data: memoryview) -> int:
        nonlocal num_calls
        num_calls += 1
        if num_calls > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:3])

    return fail
