"""The folder of a bulk run: which parts are finished, so that a run can end at any moment.

A part is finished when its line stands in ledger.jsonl, which is written last: after its files were
written under other names, flushed to the disk and renamed. What has no line is made again.

    OUT/run.json           what the run is of: list, settings, format
    OUT/ledger.jsonl       a line for each finished part: rows, bytes, SHA-256, counts
    OUT/parts/             part-00000.parquet ...
    OUT/rejects/           part-00000.jsonl, where a part has rejects
    OUT/.lock              held by the process at work
"""

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup.backends.held_lock import held_lock
from followup.backends.whole_file import WholeFile, write_whole
from followup.errors import FollowupError, InvalidInputError

PARTS, REJECTS = "parts", "rejects"
RUN_FILE, LEDGER_FILE, LOCK_FILE = "run.json", "ledger.jsonl", ".lock"
ENDINGS = ("rejects.jsonl", "summary.json", "report.html")
"""Files that are written when every part is finished."""
_MAX_SHOWN = 120


class RunInProgressError(FollowupError):
    """Another process works on the same folder."""

    code = "run_in_progress"


class OtherRunError(InvalidInputError):
    """The folder holds a run of another list, or with other settings."""


class OutputError(FollowupError):
    """The folder cannot be written: a full disk, no permission. What is finished stays."""

    code = "output_failed"


class StoredFile(BaseModel):
    """A file of a finished part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Relative to the run's folder.")
    num_bytes: int
    sha256: str


class FinishedPart(BaseModel):
    """A line of the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: int = Field(ge=0)
    key: str = Field(description="Hash of ids, contents and settings of the part's leads.")
    num_rows: int = Field(description="Rows of the list that the part covers.")
    files: tuple[StoredFile, ...]
    counts: dict[str, dict[str, int]]
    sums: dict[str, float] = Field(default_factory=dict)
    seconds: float
    finished_at: datetime


class RunFolder:
    """One run's folder, held by this process. `finished` is what the ledger says, by part."""

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity = identity
        self.finished: dict[int, FinishedPart] = {}

    @property
    def fingerprint(self) -> str:
        """Hash of what the run is of."""
        text = json.dumps(self.identity, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path, identity: Mapping[str, Any], *, restart: bool = False
    ) -> Iterator["RunFolder"]:
        """Hold the folder. Goes on with what is there if it is the same run.

        `restart` deletes an earlier run. Raises RunInProgressError naming the process that holds
        it, InvalidInputError for a folder of another run or with files of somebody else, and
        OutputError where it cannot be written.
        """
        with _writing(folder):
            _check_free(folder)
            folder.mkdir(parents=True, exist_ok=True)
        with held_lock(folder / LOCK_FILE, partial(_in_progress, folder)):
            run = cls(folder, identity)
            with _writing(folder):
                if restart:
                    _delete(folder)
                run._begin()
            yield run

    def commit(self, part: FinishedPart, contents: Mapping[str, bytes]) -> FinishedPart:
        """Store a part's files by name, then its line. Raises OutputError; it is then undone."""
        with _writing(self.folder):
            files = tuple(self._store(name, content) for name, content in contents.items())
            stored = part.model_copy(update={"files": files})
            self._append(stored)
        self.finished[part.part] = stored
        return stored

    def write(self, name: str, content: bytes) -> None:
        """A file beside the parts, whole or not at all. Raises OutputError."""
        with _writing(self.folder):
            self._store(name, content)

    @contextmanager
    def writing(self, name: str) -> Iterator[WholeFile]:
        """A file that may be large, whole or not at all. Raises OutputError."""
        with _writing(self.folder), WholeFile(self.folder / name) as file:
            yield file

    def in_order(self) -> list[FinishedPart]:
        """The finished parts in the order of the list."""
        return [self.finished[number] for number in sorted(self.finished)]

    def _begin(self) -> None:
        known = _read_identity(self.folder)
        mine = json.loads(json.dumps(self.identity, default=str))
        if known is None:
            self._store(RUN_FILE, json.dumps(mine, indent=2).encode() + b"\n")
        elif known != mine:
            raise OtherRunError(_difference(self.folder, known, mine), field="output")
        for name in (PARTS, REJECTS):
            (self.folder / name).mkdir(exist_ok=True)
            for leftover in (self.folder / name).glob(".*.partial"):
                leftover.unlink()
        self._read_ledger()

    def _read_ledger(self) -> None:
        """Take each part whose files are as the ledger says; a torn last line is cut off."""
        path = self.folder / LEDGER_FILE
        kept = []
        with suppress(FileNotFoundError):
            for line in path.read_bytes().splitlines(keepends=True):
                with suppress(ValidationError):
                    part = FinishedPart.model_validate_json(line)
                    if line.endswith(b"\n") and self._is_whole(part):
                        self.finished[part.part] = part
                        kept.append(line)
            if b"".join(kept) != path.read_bytes():
                self._store(LEDGER_FILE, b"".join(kept))

    def _is_whole(self, part: FinishedPart) -> bool:
        return all(_hash_file(self.folder / file.name) == file.sha256 for file in part.files)

    def _store(self, name: str, content: bytes) -> StoredFile:
        write_whole(self.folder / name, content)
        digest = hashlib.sha256(content).hexdigest()
        return StoredFile(name=name, num_bytes=len(content), sha256=digest)

    def _append(self, part: FinishedPart) -> None:
        path = self.folder / LEDGER_FILE
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(part.model_dump_json().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(path, size)
            raise


def read_ledger(folder: Path) -> list[FinishedPart]:
    """The finished parts of a run that another process may be at, from the first up to a gap."""
    finished: dict[int, FinishedPart] = {}
    with suppress(FileNotFoundError):
        for line in (folder / LEDGER_FILE).read_bytes().splitlines(keepends=True):
            with suppress(ValidationError):
                part = FinishedPart.model_validate_json(line)
                finished[part.part] = part
    return [
        finished[number] for number in itertools.takewhile(finished.__contains__, itertools.count())
    ]


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"'{folder}' cannot be written: {error}. What is finished stays; make room, then run "
            "the same command again to go on."
        )
        raise OutputError(message, field="output") from error


def _in_progress(folder: Path, holder: str) -> RunInProgressError:
    message = (
        f"'{folder}' is being written by {holder}. Wait until it has ended, or name another folder."
    )
    return RunInProgressError(message, field="output")


def _check_free(folder: Path) -> None:
    """Nobody else's files are mixed with a run's, nor deleted by a restart."""
    if not folder.is_dir() or (folder / RUN_FILE).exists():
        return
    mine = {LOCK_FILE, f".{RUN_FILE}.partial"}
    others = sorted(path.name for path in folder.iterdir() if path.name not in mine)
    if others:
        message = f"'{folder}' holds other files, such as '{others[0]}'. Name a new folder."
        raise InvalidInputError(message, field="output")


def _delete(folder: Path) -> None:
    """The ledger first, so that no part counts as finished; last what says whose folder it is."""
    for name in (LEDGER_FILE, *ENDINGS):
        (folder / name).unlink(missing_ok=True)
    for name in (PARTS, REJECTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / RUN_FILE).unlink(missing_ok=True)


def _read_identity(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found


def _difference(folder: Path, known: Mapping[str, Any], mine: Mapping[str, Any]) -> str:
    names = sorted(name for name in {*known, *mine} if known.get(name) != mine.get(name))
    shown = "; ".join(
        f"{name} was {_short(known.get(name))}, is {_short(mine.get(name))}" for name in names
    )
    return (
        f"'{folder}' holds a run of something else: {shown}. Name a new folder for a new run, or "
        "give --restart to delete the old one and begin again."
    )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
