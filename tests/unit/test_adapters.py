"""The alias file that says which adapter serves a tenant."""

from pathlib import Path

import pytest

from followup.backends import adapters
from followup.backends.adapters import AdapterStore
from followup.errors import AdapterMissingError, InvalidInputError

VERSION = "acme@0123456789ab"


def publish(folder: Path, content: bytes, tenant: str = "acme") -> Path:
    alias = folder / tenant / "production"
    alias.parent.mkdir(parents=True, exist_ok=True)
    alias.write_bytes(content)
    return alias


async def test_the_alias_names_the_version_of_its_tenant_only(tmp_path: Path) -> None:
    publish(tmp_path, f"{VERSION}\n".encode())
    store = AdapterStore(tmp_path, "production")
    assert await store.resolve("acme") == VERSION
    assert await store.resolve("globex") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"latest", b"../other@0123456789ab", b"\xff\xfe", f"{VERSION} x".encode()],
    ids=["empty", "no hash", "a path", "not text", "more than one"],
)
async def test_a_damaged_alias_is_a_missing_adapter_and_names_the_file(
    tmp_path: Path, content: bytes
) -> None:
    alias = publish(tmp_path, content)
    with pytest.raises(AdapterMissingError, match="lead-assistant train publish") as caught:
        await AdapterStore(tmp_path, "production").resolve("acme")
    assert str(alias) in caught.value.message


async def test_an_alias_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "acme" / "production").mkdir(parents=True)
    with pytest.raises(AdapterMissingError, match=r"cannot be read \(IsADirectoryError\)"):
        await AdapterStore(tmp_path, "production").resolve("acme")


async def test_a_tenant_folder_that_is_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("")
    with pytest.raises(AdapterMissingError, match=r"cannot be read \(NotADirectoryError\)"):
        await AdapterStore(tmp_path, "production").resolve("acme")


async def test_an_alias_without_permission_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(AdapterMissingError, match=r"cannot be read \(PermissionError\)"):
        await AdapterStore(tmp_path, "production").resolve("acme")


@pytest.mark.parametrize("tenant", ["../acme", "/etc", "", "Acme", "acme\n"])
async def test_what_is_no_tenant_never_becomes_a_path(tmp_path: Path, tenant: str) -> None:
    publish(tmp_path, VERSION.encode())
    with pytest.raises(InvalidInputError, match="'tenant' has value"):
        await AdapterStore(tmp_path / "acme", "production").resolve(tenant)


async def test_the_file_is_read_once_in_a_while_and_a_new_version_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = publish(tmp_path, VERSION.encode())
    store = AdapterStore(tmp_path, "production")
    assert await store.resolve("acme") == VERSION
    alias.write_text("acme@ba9876543210")
    assert await store.resolve("acme") == VERSION
    monkeypatch.setattr(adapters, "ALIAS_SECONDS", 0.0)
    assert await AdapterStore(tmp_path, "production").resolve("acme") == "acme@ba9876543210"
