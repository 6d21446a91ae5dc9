"""Where everything lies that a running installation writes, under STATE_DIR."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.errors import StartError


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths under one absolute STATE_DIR. `marker` names the installation to its processes."""

    root: Path

    @property
    def marker(self) -> str:
        """Value of LEAD_ASSISTANT_HOME in the environment of every process that `up` starts."""
        return str(self.root)

    @property
    def logs(self) -> Path:
        """Logs of the servers."""
        return self.root / "logs"

    @property
    def milvus_data(self) -> Path:
        """Data of Milvus Lite."""
        return self.root / "milvus"

    @property
    def milvus_record(self) -> Path:
        """Pid file of Milvus Lite."""
        return self.root / "run" / "milvus.json"

    @property
    def ray_record(self) -> Path:
        """Pid file and addresses of the Ray cluster."""
        return self.root / "run" / "ray.json"

    @property
    def ray_token(self) -> Path:
        """The secret that Ray's processes and drivers show each other."""
        return self.root / "run" / "ray_token"

    @property
    def serve_config(self) -> Path:
        """The Serve configuration as deployed."""
        return self.root / "run" / "serve_config.yaml"

    def ingest_lock(self, tenant: str) -> Path:
        """Held by who changes the tenant's documents, and says who that is."""
        return self.root / "run" / "ingest" / f"{tenant}.lock"

    @property
    def ray_temp(self) -> Path:
        """Ray's sessions. Outside the root: a Unix socket's path may have 107 characters at most,
        of which Ray uses 64."""
        digest = hashlib.sha256(self.marker.encode()).hexdigest()[:8]
        return Path(tempfile.gettempdir()) / f"lead-{digest}"

    def create(self) -> None:
        """Make the folders. StartError when someone else owns Ray's temporary folder."""
        for folder in (self.logs, self.milvus_data, self.ray_record.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.ray_record.parent.chmod(0o700)
        self.ray_temp.mkdir(mode=0o700, exist_ok=True)
        if self.ray_temp.stat().st_uid != os.getuid():
            owner = self.ray_temp.owner()
            message = f"'{self.ray_temp}' belongs to {owner}. Remove it, or set TMPDIR."
            raise StartError(message)


def write_atomically(path: Path, text: str) -> None:
    """Write so that readers see the old text or the new one. Only the owner may read it."""
    part = path.with_name(f"{path.name}.{psutil.Process().pid}")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    part.replace(path)
