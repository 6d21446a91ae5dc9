"""A bulk run: a list in parts through the workers into a folder, from where it stopped."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice

from deployments.bulk_options import OutputFormat
from deployments.bulk_output import encode_rejects, encode_table
from deployments.bulk_parts import (
    ListFacts,
    Part,
    PartCutter,
    PartResult,
    add_sums,
    merge_counts,
)
from deployments.bulk_workers import Workers, work
from followup.backends.lead_list import BadRow, Row
from followup.backends.ledger import PARTS, REJECTS, FinishedPart, RunFolder
from followup.errors import FollowupError

REJECTS_FILE = "rejects.jsonl"
_KEY_SEPARATOR = b"\x00"


class IncompleteRunError(FollowupError):
    """The ledger and the list do not agree, which no known event brings about."""

    code = "run_incomplete"


@dataclass(slots=True)
class Progress:
    """How far a run is."""

    num_rows: int = 0
    """Rows of the list that are finished, now or in earlier runs."""
    num_rows_before: int = 0
    """Of those, what earlier runs finished."""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BulkRun:
    """What a run needs, whatever its workers do. `on_progress` is called after each part."""

    folder: RunFolder
    cutter: PartCutter
    output: OutputFormat
    limit: int | None
    on_progress: Callable[[Progress], None]

    def finish(
        self, rows: Iterable[Row | BadRow], start_workers: Callable[[], Workers]
    ) -> ListFacts:
        """Do every part that is not finished; workers are started only if there is one.

        Raises what reading, the workers or the folder raise; what is finished then stays.
        """
        progress = Progress()
        todo = self._unfinished(self.cutter.cut(islice(rows, self.limit)), progress)
        first = next(todo, None)
        if first is not None:
            with closing(start_workers()) as workers:
                began = time.monotonic()
                for part, result in work(chain([first], todo), workers):
                    now = time.monotonic()
                    self._commit(part, result, now - began, progress)
                    began = now
        self._check()
        self._collect_rejects()
        return self.cutter.facts

    def _unfinished(self, parts: Iterator[Part], progress: Progress) -> Iterator[Part]:
        for part in parts:
            finished = self.folder.finished.get(part.number)
            if finished is None:
                yield part
                continue
            progress.num_rows_before += finished.num_rows
            self._advance(finished, progress)

    def _commit(self, part: Part, result: PartResult, seconds: float, progress: Progress) -> None:
        contents = {}
        name = f"part-{part.number:06d}"
        if result.table.num_columns:
            contents[f"{PARTS}/{name}.{self.output}"] = encode_table(result.table, self.output)
        if result.rejects:
            contents[f"{REJECTS}/{name}.jsonl"] = encode_rejects(result.rejects)
        finished = FinishedPart(
            part=part.number,
            key=self._key(result),
            num_rows=part.num_rows,
            files=(),
            counts={kind: dict(counts) for kind, counts in result.counts.items()},
            sums=result.sums,
            seconds=seconds,
            finished_at=datetime.now(UTC),
        )
        num_results = result.table.num_rows + len(result.rejects)
        if num_results != part.num_rows:
            message = (
                f"Part {part.number} has {part.num_rows:,} rows and {num_results:,} results; it "
                "was not stored. This is a fault of the product."
            )
            raise IncompleteRunError(message)
        self.folder.commit(finished, contents)
        self._advance(finished, progress)

    def _advance(self, finished: FinishedPart, progress: Progress) -> None:
        progress.num_rows += finished.num_rows
        merge_counts(progress.counts, finished.counts)
        add_sums(progress.sums, finished.sums)
        self.on_progress(progress)

    def _key(self, result: PartResult) -> str:
        """Of lead ids, content hashes and settings."""
        digest = hashlib.sha256(self.folder.fingerprint.encode())
        for lead_id, content in result.content_hashes.items():
            digest.update(_KEY_SEPARATOR + lead_id.encode("utf-8", "surrogatepass"))
            digest.update(_KEY_SEPARATOR + content.encode())
        return digest.hexdigest()

    def _check(self) -> None:
        num_done = sum(part.num_rows for part in self.folder.finished.values())
        if num_done != self.cutter.facts.num_rows:
            message = (
                f"The ledger covers {num_done:,} rows, the list has "
                f"{self.cutter.facts.num_rows:,}. Did the list change meanwhile? Run it again."
            )
            raise IncompleteRunError(message)

    def _collect_rejects(self) -> None:
        """All rejects in one file, in the order of the list."""
        with self.folder.writing(REJECTS_FILE) as file:
            for part in self.folder.in_order():
                for stored in part.files:
                    if stored.name.startswith(f"{REJECTS}/"):
                        file.write((self.folder.folder / stored.name).read_bytes())
