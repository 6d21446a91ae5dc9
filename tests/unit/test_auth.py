"""Who is let in without a key, and how soon the first key closes that door."""

import pytest

from deployments import auth
from deployments.auth import Authenticator, Caller, is_loopback
from followup.backends.access import Scope
from followup.errors import AuthenticationError, PartUnavailableError


class KeyTable:
    """Stands for ApiKeys: tells whether a key was made, or raises as it does in an outage."""

    def __init__(self) -> None:
        self.any_key = False
        self.failure: PartUnavailableError | None = None

    async def has_keys(self) -> bool:
        if self.failure is not None:
            raise self.failure
        return self.any_key


@pytest.fixture
def keys() -> KeyTable:
    return KeyTable()


@pytest.fixture(autouse=True)
def _recheck_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "RECHECK_SECONDS", 0.0)


def authenticator(keys: KeyTable, *, allow_keyless: bool) -> Authenticator:
    return Authenticator(keys, allow_keyless=allow_keyless)  # type: ignore[arg-type]  # a fake


async def test_keyless_access_is_refused_unless_it_was_allowed(keys: KeyTable) -> None:
    with pytest.raises(AuthenticationError, match="lead-assistant keys create"):
        await authenticator(keys, allow_keyless=False).identify(None, Scope.GENERATE)


async def test_where_allowed_a_caller_without_a_key_is_the_default_tenant(keys: KeyTable) -> None:
    caller = await authenticator(keys, allow_keyless=True).identify(None, Scope.GENERATE)
    assert caller == Caller("default", None)


async def test_the_first_key_closes_a_service_that_was_open(keys: KeyTable) -> None:
    opened = authenticator(keys, allow_keyless=True)
    await opened.identify(None, Scope.GENERATE)
    keys.any_key = True
    with pytest.raises(AuthenticationError, match="An API key is needed"):
        await opened.identify(None, Scope.GENERATE)


async def test_nobody_is_let_in_unasked_while_the_keys_were_never_read(keys: KeyTable) -> None:
    keys.failure = PartUnavailableError("The database is away.")
    opened = authenticator(keys, allow_keyless=True)
    with pytest.raises(PartUnavailableError, match="database is away"):
        await opened.identify(None, Scope.GENERATE)
    keys.failure = None
    await opened.identify(None, Scope.GENERATE)
    keys.failure = PartUnavailableError("The database is away.")
    await opened.identify(None, Scope.GENERATE)


@pytest.mark.parametrize("header", ["la_x", "Basic la_x", "Bearer", "Bearer  "])
async def test_a_header_that_is_no_bearer_token_is_refused(keys: KeyTable, header: str) -> None:
    with pytest.raises(AuthenticationError, match="must be: Bearer <API key>"):
        await authenticator(keys, allow_keyless=True).identify(header, Scope.GENERATE)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the address that must not count as this machine
        ("::", False),
        ("192.168.1.4", False),
        ("api.example", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_reached_by_this_machine_alone(
    host: str, expected: bool
) -> None:
    assert is_loopback(host) is expected
