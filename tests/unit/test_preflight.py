"""What stops the start before anything was started, and how it is said."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import preflight
from cluster.errors import StartError
from cluster.preflight import MIN_FREE_BYTES, check, check_access, free_port
from config.environment import Environment
from config.settings import Settings, load_settings
from followup.backends.access import Scope
from followup.backends.api_keys import ApiKeys
from followup.backends.database import Database

NOBODY: frozenset[int] = frozenset()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)  # no .env is read
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    for name in ("API_PORT", "METRICS_PORT", "MILVUS_LITE_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    return load_settings()


@pytest.fixture
def listener(settings: Settings) -> Iterator[socket.socket]:
    """Something that holds the API's port, in this process."""
    with socket.create_server(("127.0.0.1", settings.environment.api_port)) as server:
        yield server


def test_free_ports_enough_disk_and_all_packages_pass(settings: Settings) -> None:
    check(settings, NOBODY)


@pytest.mark.usefixtures("listener")
def test_a_taken_port_is_named_with_its_holder_and_its_variable(settings: Settings) -> None:
    port = settings.environment.api_port
    with pytest.raises(StartError, match=rf"Port {port} .*process {os.getpid()} .*API_PORT"):
        check(settings, NOBODY)


@pytest.mark.usefixtures("listener")
def test_a_port_that_our_own_process_holds_is_fine(settings: Settings) -> None:
    check(settings, frozenset({os.getpid()}))


def test_an_address_of_another_machine_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_HOST", "192.0.2.77")
    with pytest.raises(StartError, match=r"on 192\.0\.2\.77 cannot be used: Cannot assign"):
        check(load_settings(), NOBODY)


def test_two_parts_on_one_port_are_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PORT", str(settings.environment.api_port))
    with pytest.raises(StartError, match="API_PORT and METRICS_PORT are both"):
        check(load_settings(), NOBODY)


def test_a_full_disk_is_refused_with_what_is_needed(settings: Settings) -> None:
    with pytest.raises(StartError, match=r"1\.0 GiB free, 2 GiB are needed.*STATE_DIR"):
        check(settings, NOBODY, free_bytes=lambda _folder: MIN_FREE_BYTES // 2)


def test_a_missing_package_is_refused_with_the_command_that_installs_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(preflight.ENGINE_PACKAGES, "openvino", ("no_such_package",))
    expected = r"'no_such_package' is not installed\. Run: pip install 'ai-lead-assistant\[cpu\]'"
    with pytest.raises(StartError, match=expected):
        check(settings, NOBODY)


@pytest.mark.usefixtures("listener")
def test_every_failure_has_a_line_of_its_own(settings: Settings) -> None:
    with pytest.raises(StartError) as raised:
        check(settings, NOBODY, free_bytes=lambda _folder: 0)
    assert len(raised.value.message.splitlines()) == 2


async def test_an_open_address_without_any_key_is_refused_naming_the_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_HOST", "0.0.0.0")  # noqa: S104 - the point of the test
    database = Database(settings.database)
    await database.migrate()
    with pytest.raises(StartError, match=r"no API key exists.*lead-assistant keys create"):
        await check_access(load_settings())
    await ApiKeys(database).create_key("acme", "crm", [Scope.GENERATE])
    await check_access(load_settings())
    await database.close()


async def test_a_loopback_address_needs_no_key_and_no_database(settings: Settings) -> None:
    await check_access(settings)
