"""Documents that were left out: why, and the file that lists them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


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


@dataclass(frozen=True, slots=True)
class Reject:
    """A document that was left out. `reason` is a clause that begins with 'it'."""

    document: str
    reason: str
    code: RejectCode = RejectCode.DAMAGED


class RejectedFileError(Exception):
    """A file that is refused before or while it is parsed; the message is the reason."""

    def __init__(self, code: RejectCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def write_rejects(path: Path, rejects: Sequence[Reject]) -> None:
    """Write one JSON object a line, in the order of the documents' names; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.partial")
    with temporary.open("w", encoding="utf-8") as file:
        for reject in sorted(rejects, key=lambda reject: reject.document):
            file.write(json.dumps(asdict(reject)) + "\n")
    temporary.replace(path)
