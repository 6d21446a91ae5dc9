"""Published adapters: immutable versions in a folder, and the alias that says which one serves."""

import asyncio
import re
from pathlib import Path

from cachetools import TTLCache

from followup.errors import AdapterMissingError, InvalidInputError
from followup.passage import TENANT_PATTERN

VERSION_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}@[0-9a-f]{12}")
ALIAS_SECONDS = 1.0
"""How old the known version of a tenant may be."""
MAX_TENANTS_REMEMBERED = 10_000


class AdapterStore:
    """Reads `<folder>/<tenant>/<alias>`, a file that holds one version such as name@3f2a9c...

    A version is a folder of that name beside the alias. Publishing writes the version first and
    replaces the alias file last, so a reader sees either the old version or the new one, whole.
    """

    def __init__(self, folder: Path, alias: str) -> None:
        self._folder = folder
        self._alias = alias
        self._known: TTLCache[str, str | None] = TTLCache(MAX_TENANTS_REMEMBERED, ALIAS_SECONDS)

    async def resolve(self, tenant: str) -> str | None:
        """The version that serves this tenant, or None while nothing is published for it.

        Raises AdapterMissingError, which names the file, for an alias that cannot be read or holds
        no version, and InvalidInputError for what is no tenant.
        """
        try:
            return self._known[tenant]
        except KeyError:
            version = await asyncio.to_thread(self._read, tenant)
        self._known[tenant] = version
        return version

    def _read(self, tenant: str) -> str | None:
        if re.fullmatch(TENANT_PATTERN, tenant) is None:
            message = f"'tenant' has value {tenant!r}; it must match {TENANT_PATTERN}."
            raise InvalidInputError(message, field="tenant")
        path = self._folder / tenant / self._alias
        try:
            version = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(path, f"cannot be read ({type(error).__name__})") from error
        if VERSION_PATTERN.fullmatch(version) is None:
            raise _damaged(path, f"holds {version[:80]!r}, not a version such as name@0123456789ab")
        return version


def _damaged(path: Path, what: str) -> AdapterMissingError:
    message = f"The adapter alias '{path}' {what}. Publish again with: lead-assistant train publish"
    return AdapterMissingError(message)
