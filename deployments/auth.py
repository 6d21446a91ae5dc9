"""Who calls: the API key decides the tenant and what the caller may do."""

import ipaddress
import time
from dataclasses import dataclass

from followup.backends.api_keys import ApiKeys
from followup.backends.tables import Scope
from followup.errors import AuthenticationError, PartUnavailableError, ScopeError

DEFAULT_TENANT = "default"
RECHECK_SECONDS = 2.0
"""How soon the service notices that the first key was made."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A tenant, and the key it came with; None where the service runs without keys."""

    tenant: str
    key_id: str | None


class Authenticator:
    """Turns an Authorization header into a caller."""

    def __init__(self, keys: ApiKeys, api_host: str) -> None:
        self._keys = keys
        self._is_local = is_loopback(api_host)
        self._has_keys = False
        self._checked_at = -RECHECK_SECONDS

    async def identify(self, authorization: str | None, scope: Scope) -> Caller:
        """The caller. AuthenticationError without a good key, ScopeError without the scope.

        As long as no key was ever made, everyone on this machine is the tenant "default"; an
        address that others reach always needs a key. An admin key has every scope.
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
        if not self._is_local or await self._any_key():
            message = (
                "An API key is needed, as 'Authorization: Bearer <key>'. "
                "Make one with: lead-assistant keys create"
            )
            raise AuthenticationError(message)

    async def _any_key(self) -> bool:
        now = time.monotonic()
        if self._has_keys or now - self._checked_at < RECHECK_SECONDS:
            return self._has_keys
        try:
            self._has_keys = await self._keys.has_keys()
        except PartUnavailableError:
            # Before the first good answer nobody is let in unasked; after it, as it was.
            if self._checked_at < 0:
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
