"""Documents that were left out: why, and the file that lists them."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from followup.backends.whole_file import write_whole


class RejectCode(StrEnum):
    """Why a document was left out, for programs; the reason says it for people."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    WRONG_NAME = "wrong_name"
    UNKNOWN_FORMAT = "unknown_format"
    NO_TEXT = "no_text"
    TOO_SLOW = "too_slow"
    OUT_OF_MEMORY = "out_of_memory"
    OUTSIDE_FOLDER = "outside_folder"
    UNAVAILABLE = "unavailable"
    QUARANTINED = "quarantined"


LASTING = frozenset(RejectCode) - {
    RejectCode.TOO_SLOW,
    RejectCode.OUT_OF_MEMORY,
    RejectCode.UNAVAILABLE,
    RejectCode.OUTSIDE_FOLDER,
}
"""What the same bytes are refused for again; the others depend on the machine and the moment."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that was left out. `reason` is a clause that begins with 'it'."""

    document: str
    reason: str
    code: RejectCode = RejectCode.DAMAGED
    content_hash: str = ""
    """As of stored documents; empty where the file could not be read."""


class RejectedFileError(Exception):
    """A file that is refused before or while it is parsed; the message is the reason."""

    def __init__(self, code: RejectCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write one JSON object a line, in the order of the documents' names; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    in_order = sorted(rejects, key=lambda reject: reject.document)
    write_whole(path, "".join(json.dumps(asdict(reject)) + "\n" for reject in in_order).encode())


def read_rejects(path: Path) -> dict[str, Reject]:
    """Those of the last run that the same bytes would give again, by document.

    What cannot be read is left out: the file is then parsed once more.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, Reject] = {}
    for line in lines:
        with suppress(ValueError, TypeError):  # by hand, or by another version
            reject = Reject(**json.loads(line))
            reject = replace(reject, code=RejectCode(reject.code))
            if reject.content_hash and reject.code in LASTING:
                found[reject.document] = reject
    return found
