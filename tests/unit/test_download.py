"""A download goes on where it stopped, and only the right bytes are accepted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.download import MAX_ATTEMPTS, download
from cluster.errors import DownloadError
from tests.unit.file_server import FileServer

CONTENT = hashlib.shake_256(b"a model").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(CONTENT).run() as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "model.whl"


def test_a_file_is_fetched_whole_and_no_part_is_left(server: FileServer, target: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    download(server.url, target, SHA256, lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_later_run_asks_only_for_what_is_missing(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.whl.part").write_bytes(CONTENT[:1_000])
    download(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_a_broken_connection_is_taken_up_again(server: FileServer, target: Path) -> None:
    server.break_after_bytes = [100_000]
    download(server.url, target, SHA256, pause_seconds=0)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]


def test_a_server_without_ranges_gives_the_file_from_the_start(
    server: FileServer, target: Path
) -> None:
    server.knows_ranges = False
    target.parent.mkdir()
    target.with_name("model.whl.part").write_bytes(b"x" * 1_000)
    download(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_used(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.whl.part").write_bytes(CONTENT)
    download(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_other_bytes_than_expected_are_deleted_and_named(server: FileServer, target: Path) -> None:
    server.content = b"something else"
    with pytest.raises(DownloadError, match=rf"has the SHA-256 .* but {SHA256} is expected"):
        download(server.url, target, SHA256)
    assert list(target.parent.iterdir()) == []


def test_a_part_of_another_file_does_not_survive(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.whl.part").write_bytes(b"x" * 1_000)
    with pytest.raises(DownloadError, match="checksum"):
        download(server.url, target, SHA256)
    download(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT


def test_a_server_error_is_tried_again(server: FileServer, target: Path) -> None:
    server.statuses = [503, 502]
    download(server.url, target, SHA256, pause_seconds=0)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("statuses", "num_requests"),
    [
        pytest.param([404], 1, id="not-found-is-final"),
        pytest.param([503] * MAX_ATTEMPTS, MAX_ATTEMPTS, id="server-error-gives-up"),
    ],
)
def test_a_refusal_is_named_with_its_status(
    server: FileServer, target: Path, statuses: list[int], num_requests: int
) -> None:
    server.statuses = list(statuses)
    with pytest.raises(DownloadError, match=f"answered with status {statuses[0]}"):
        download(server.url, target, SHA256, pause_seconds=0)
    assert len(server.ranges) == num_requests


def test_what_came_before_the_connection_failed_for_good_is_kept(
    server: FileServer, target: Path
) -> None:
    server.break_after_bytes = [10_000] * MAX_ATTEMPTS
    with pytest.raises(DownloadError, match="run it again to go on"):
        download(server.url, target, SHA256, pause_seconds=0)
    assert target.with_name("model.whl.part").read_bytes() == CONTENT[: 10_000 * MAX_ATTEMPTS]


def test_a_file_url_is_copied(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "an index" / "model.whl"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    download(source.as_uri(), target, SHA256)
    assert target.read_bytes() == CONTENT


def test_a_file_url_that_leads_nowhere_is_named(tmp_path: Path, target: Path) -> None:
    with pytest.raises(DownloadError, match=r"gone\.whl' cannot be read"):
        download((tmp_path / "gone.whl").as_uri(), target, SHA256)
