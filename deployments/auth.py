"""Who calls: the API key decides the tenant and what the caller may do."""

import ipaddress
import time
from dataclasses import dataclass

from followup.backends.access import DEFAULT_TENANT, Scope
from followup.backends.api_keys import ApiKeys
from followup.errors import AuthenticationError, PartUnavailableError, ScopeError

RECHECK_SECONDS = 2.0
"""How soon the service notices that the first key was made."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant, and the key it came with; None where the service runs without keys."""

    tenant: str
    key_id: str | None


class Authenticator:
    """Turns an Authorization header into a caller.

    `allow_keyless` opens the service until the first key is made. The starter sets it where the
    proxy listens on a loopback address only; nothing in a replica knows where the proxy listens.
    """

    def __init__(self, keys: ApiKeys, *, allow_keyless: bool) -> None:
        self._keys = keys
        self._allow_keyless = allow_keyless
        self._has_keys = False
        self._checked_at: float | None = None

    async def identify(self, authorization: str | None, scope: Scope) -> Caller:
        """The caller. AuthenticationError without a good key, ScopeError without the scope.

        Where keyless access is allowed and no key was ever made, everyone is DEFAULT_TENANT. An
        admin key has every scope.
        """
        if authorization is None:
            await self._admit_without_key()
            return Caller(DEFAULT_TENANT, None)
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            message = "The Authorization header must be: Bearer <API key>"
            raise AuthenticationError(message)
        key = await self._keys.authenticate(token.strip())
        if scope not in key.scopes and Scope.ADMIN not in key.scopes:
            message = f"This key has the scopes {', '.join(key.scopes)}; '{scope}' is needed."
            raise ScopeError(message)
        return Caller(key.tenant, key.key_id)

    async def _admit_without_key(self) -> None:
        if not self._allow_keyless or await self._any_key():
            message = (
                "An API key is needed, as 'Authorization: Bearer <key>'. "
                "Make one with: lead-assistant keys create"
            )
            raise AuthenticationError(message)

    async def _any_key(self) -> bool:
        now = time.monotonic()
        is_known = self._checked_at is not None and now - self._checked_at < RECHECK_SECONDS
        if self._has_keys or is_known:
            return self._has_keys
        try:
            self._has_keys = await self._keys.has_keys()
        except PartUnavailableError:
            # Before the first good answer nobody is let in unasked; after it, as it was.
            if self._checked_at is None:
                raise
        self._checked_at = now
        return self._has_keys


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
