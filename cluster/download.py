"""Fetches one file of known checksum; an interrupted download goes on where it stopped."""

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from cluster.errors import DownloadError

TIMEOUT = httpx.Timeout(30.0, connect=15.0)
"""Seconds; 30 without a single byte ends an attempt, however long the whole takes."""
MAX_ATTEMPTS = 4
PAUSE_SECONDS = 1.0

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the whole size, None where unknown."""


def download(
    url: str,
    target: Path,
    sha256: str,
    on_progress: OnProgress = lambda _done, _total: None,
    pause_seconds: float = PAUSE_SECONDS,
) -> None:
    """Fetch `url` (http, https or file) to `target`. Proxies and certificates: the environment's.

    Until the checksum is right the bytes lie in `TARGET.part`. Raises DownloadError when the server
    does not give the file in MAX_ATTEMPTS attempts, or gives another file, which is deleted.
    """
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    if urlsplit(url).scheme == "file":
        _copy(url, part)
    else:
        _fetch(url, part, on_progress, pause_seconds)
    found = _sha256(part)
    if found != sha256:
        part.unlink()
        message = (
            f"{url} has the SHA-256 checksum {found}, but {sha256} is expected. The file was "
            "deleted. Run it again, or correct sha256 in models.yaml if the model was changed."
        )
        raise DownloadError(message)
    part.replace(target)


def _copy(url: str, part: Path) -> None:
    source = Path(unquote(urlsplit(url).path))
    try:
        shutil.copyfile(source, part)
    except OSError as error:
        message = f"'{source}' cannot be read: {error.strerror}"
        raise DownloadError(message) from error


def _fetch(url: str, part: Path, on_progress: OnProgress, pause_seconds: float) -> None:
    certificates = httpx.create_ssl_context()
    certificates.load_default_certs()  # what the machine's owner added counts too
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True, verify=certificates) as client:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                _fetch_rest(client, url, part, on_progress)
            except httpx.HTTPStatusError as error:
                status = error.response.status_code
                if status < httpx.codes.INTERNAL_SERVER_ERROR or attempt == MAX_ATTEMPTS:
                    message = f"{url} answered with status {status}."
                    raise DownloadError(message) from error
            except httpx.TransportError as error:
                if attempt == MAX_ATTEMPTS:
                    message = (
                        f"{url} could not be fetched: {type(error).__name__} {error}. "
                        "What came so far is kept; run it again to go on."
                    )
                    raise DownloadError(message) from error
            else:
                return
            time.sleep(pause_seconds * attempt)


def _fetch_rest(client: httpx.Client, url: str, part: Path, on_progress: OnProgress) -> None:
    """One attempt: ask for the bytes after those that are there."""
    offset = part.stat().st_size if part.exists() else 0
    # Compressed on the way, a range would count other bytes than those of the file.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing after what is there: it is whole, or the checksum says otherwise
        response.raise_for_status()
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            offset = 0
        length = response.headers.get("Content-Length")
        total = offset + int(length) if length else None
        with part.open("ab" if offset else "wb") as file:
            # In blocks as they come: with a fixed size, what came before a break would be lost.
            for block in response.iter_bytes():
                file.write(block)
                on_progress(file.tell(), total)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
