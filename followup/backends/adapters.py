"""Published adapters: immutable versions in a folder, and the alias that says which one serves."""

import re
from pathlib import Path

from followup.errors import SettingError

VERSION_PATTERN = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}@[0-9a-f]{12}$")


class AdapterStore:
    """Reads `<folder>/<tenant>/<alias>`, a file that holds one version such as name@3f2a9c...

    A version is a folder of that name beside the alias. Publishing writes the version first and
    replaces the alias file last, so a reader sees either the old version or the new one, whole.
    """

    def __init__(self, folder: Path, alias: str) -> None:
        self._folder = folder
        self._alias = alias

    def resolve(self, tenant: str) -> str | None:
        """The version that serves this tenant, or None while nothing is published for it.

        Raises SettingError for an alias file that names no version.
        """
        path = self._folder / tenant / self._alias
        try:
            version = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        if not VERSION_PATTERN.match(version):
            message = (
                f"'{path}' holds {version!r}; it must hold a version such as name@0123456789ab"
            )
            raise SettingError(message)
        return version
