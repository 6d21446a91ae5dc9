"""Compares a source with what is stored: which files have to be made into documents."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from config.ingestion import IngestionLimits
from ingestion.rejects import Reject, RejectCode, RejectedFileError
from ingestion.sources import DocumentSource, SourceFile

SCAN_THREADS = 4
FILES_PER_SCAN = 256


@dataclass(slots=True)
class IngestPlan:
    """What a run would do, by name. Which of `added` and `changed` can be read is not known yet."""

    added: list[SourceFile] = field(default_factory=list)
    changed: list[SourceFile] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    unavailable: set[str] = field(default_factory=set)
    """Stored documents that cannot be had just now: they stay as they are."""

    @property
    def to_make(self) -> list[SourceFile]:
        """The files that have to be read, in the order of their names."""
        return sorted([*self.added, *self.changed], key=lambda file: file.name)


def make_plan(
    source: DocumentSource,
    stored: Mapping[str, str],
    refused: Mapping[str, Reject],
    limits: IngestionLimits,
    hash_content: Callable[[bytes], str],
) -> IngestPlan:
    """`stored` has the content hash of each stored document, `refused` the rejects of the last run
    by document. Only files that one of them knows are read. Blocks."""
    plan = IngestPlan()
    files = source.list_files()
    known = [file for file in files if file.name in stored or file.name in refused]
    names = {file.name for file in known}
    plan.added = [file for file in files if file.name not in names]
    plan.deleted = sorted(stored.keys() - {file.name for file in files})

    def read_hash(file: SourceFile) -> str | Reject:
        try:
            return hash_content(source.read(file, limits))
        except RejectedFileError as error:
            return Reject(file.name, str(error), error.code)

    with ThreadPoolExecutor(SCAN_THREADS) as threads:
        # In portions: a waiting result is small, but a million waiting calls are not.
        for start in range(0, len(known), FILES_PER_SCAN):
            portion = known[start : start + FILES_PER_SCAN]
            for file, found in zip(portion, threads.map(read_hash, portion), strict=True):
                _sort(plan, file, found, stored.get(file.name), refused.get(file.name))
    return plan


def _sort(
    plan: IngestPlan,
    file: SourceFile,
    found: str | Reject,
    stored_hash: str | None,
    refused: Reject | None,
) -> None:
    """Put a file that was read, or could not be, where it belongs."""
    if found == stored_hash:
        plan.unchanged.append(file.name)
        return
    if refused is not None and refused.content_hash == found:
        found = refused
    if isinstance(found, str):
        (plan.added if stored_hash is None else plan.changed).append(file)
        return
    plan.rejects.append(found)
    if stored_hash is not None:
        is_away = found.code is RejectCode.UNAVAILABLE
        (plan.unavailable.add if is_away else plan.deleted.append)(file.name)
