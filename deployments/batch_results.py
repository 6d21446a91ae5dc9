"""The results of a batch, a page at a time or as a file: what its ledger says is finished."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pyarrow import parquet

from deployments.bulk_output import encode_table
from followup.backends.ledger import PARTS, REJECTS, FinishedPart, read_ledger

FileFormat = Literal["jsonl", "csv"]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of the list, and the number of the row that the next page begins after."""

    rows: Sequence[dict[str, Any]]
    last_row: int
    is_last: bool
    """Whether nothing more is finished."""


@dataclass(frozen=True, slots=True)
class BatchResults:
    """Reads a run's folder beside the process that writes it. `rejected`: its rejects instead."""

    folder: Path
    rejected: bool

    def page(self, after_row: int, limit: int) -> Page:
        """At most `limit` rows of the list that come after a row number."""
        rows: list[dict[str, Any]] = []
        end = 0
        for part in read_ledger(self.folder):
            end += part.num_rows
            if end <= after_row:
                continue
            found = [row for row in self._table(part).to_pylist() if row["row"] > after_row]
            room = limit - len(rows)
            rows += found[:room]
            if len(found) >= room:
                return Page(rows, rows[-1]["row"], is_last=False)
        return Page(rows, max(end, after_row), is_last=True)

    def file(self, kind: FileFormat) -> Iterator[bytes]:
        """All rows, a part at a time."""
        has_header = True
        for part in read_ledger(self.folder):
            table = self._table(part)
            if table.num_columns:
                yield encode_table(table, kind, has_header=has_header)
                has_header = False

    def _table(self, part: FinishedPart) -> pa.Table:
        wanted = REJECTS if self.rejected else PARTS
        for file in part.files:
            if file.name.startswith(f"{wanted}/"):
                path = self.folder / file.name
                return _rejects(path) if self.rejected else parquet.read_table(path)
        return pa.table({})


def _rejects(path: Path) -> pa.Table:
    lines = path.read_text(encoding="utf-8").splitlines()
    return pa.Table.from_pylist([json.loads(line) for line in lines])
