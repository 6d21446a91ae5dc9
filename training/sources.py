"""Reads training rows from CSV, JSONL, Parquet or the database; bad ones with their reason."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import ArrowException, parquet
from pydantic import TypeAdapter, ValidationError

from followup.backends.database import Database
from followup.backends.training_messages import TrainingMessage, list_training_messages
from followup.errors import InvalidInputError
from followup.lead import Lead
from followup.passage import Passage
from training.rows import RowPassage, TrainingRow, lead_key

REQUIRED = (
    "lead_name", "product", "industry", "lead_score", "interaction_history", "successful_response",
)  # fmt: skip
RENAMED = {"product": "product_name", "industry": "lead_industry"}
OWN_COLUMNS = ("lead_id", "passages", "successful_response")
LIST_SEPARATOR = ";"
MAX_REASON_CHARACTERS = 300
_MAX_CELL_CHARACTERS = 10_000_000
_PASSAGES = TypeAdapter(tuple[RowPassage, ...])
_FORMATS = ".csv, .jsonl, .parquet"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out, by its line in the source (1-based), and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class SourceRows:
    """What a source holds."""

    rows: list[TrainingRow]
    bad: list[BadRow]
    ignored_columns: tuple[str, ...] = ()


def read_source(path: Path, company_name: str) -> SourceRows:
    """The rows of a file. `company_name` is that of rows that name none.

    Raises InvalidInputError for a file that is not there, not readable, or lacks columns.
    """
    return _collect(read_records(path, REQUIRED), company_name)


def read_records(path: Path, required: Sequence[str]) -> Iterator["Record"]:
    """The records of a CSV, JSONL or Parquet file with their line, one that is none as a BadRow.

    Raises InvalidInputError for a file that is not there, not readable, or lacks columns.
    """
    readers = {".csv": _csv_records, ".jsonl": _jsonl_records, ".parquet": _parquet_records}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"'{path}' ends in '{path.suffix}'. Allowed: {_FORMATS}."
        raise InvalidInputError(message, field="source")
    try:
        yield from reader(path, required)
    except FileNotFoundError:
        message = f"'{path}' does not exist."
        raise InvalidInputError(message, field="source") from None
    except (OSError, UnicodeDecodeError, csv.Error, ArrowException) as error:
        message = f"'{path}' cannot be read: {error}"
        raise InvalidInputError(message, field="source") from error


async def read_database(database: Database, tenant: str, company_name: str) -> SourceRows:
    """Approved and edited messages of a tenant with a good outcome. Raises PartUnavailableError."""
    rows: list[TrainingRow] = []
    bad: list[BadRow] = []
    after: str | None = None
    while page := await list_training_messages(database, tenant, after=after):
        for message in page:
            found = _from_message(message, company_name)
            if isinstance(found, BadRow):
                bad.append(found)
            else:
                rows.append(found)
        after = page[-1].held.approval.approval_id
    return SourceRows(rows, bad)


Record = tuple[int, Mapping[str, Any] | BadRow]


def _collect(records: Iterable[Record], company_name: str) -> SourceRows:
    rows: list[TrainingRow] = []
    bad: list[BadRow] = []
    known = {*REQUIRED, *OWN_COLUMNS, *Lead.model_fields}
    ignored: dict[str, None] = {}
    for line, record in records:
        if isinstance(record, BadRow):
            bad.append(record)
            continue
        ignored |= dict.fromkeys(name for name in record if name not in known)
        made = to_row(line, record, company_name)
        if isinstance(made, BadRow):
            bad.append(made)
        else:
            rows.append(made)
    return SourceRows(rows, bad, tuple(ignored))


def to_row(line: int, record: Mapping[str, Any], company_name: str) -> TrainingRow | BadRow:
    """A row of the fields of one record, or why there is none."""
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        return BadRow(line, f"'{missing[0]}' is missing")
    given = {name: value for name, value in record.items() if value not in (None, "", [], ())}
    response = str(given.get("successful_response", "")).strip()
    if not response:
        return BadRow(line, "'successful_response' is empty")
    fields = {
        RENAMED.get(name, name): value
        for name, value in given.items()
        if RENAMED.get(name, name) in Lead.model_fields
    }
    if isinstance(objections := fields.get("objections_raised"), str):
        fields["objections_raised"] = [
            item.strip() for item in objections.split(LIST_SEPARATOR) if item.strip()
        ]
    if company_name:
        fields.setdefault("company_name", company_name)
    try:
        lead = Lead.model_validate(fields)
        return TrainingRow(
            line=line,
            lead_key=lead_key(str(given.get("lead_id", "")), lead.lead_name),
            lead=lead,
            passages=_passages(given.get("passages")),
            response=response,
        )
    except ValidationError as error:
        return BadRow(line, _reason(error))


def _passages(value: object) -> tuple[RowPassage, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return _PASSAGES.validate_json(value)
    return _PASSAGES.validate_python(value)


def _reason(error: ValidationError) -> str:
    """The first fault: field as the source names it, value, and what is allowed."""
    fault = error.errors()[0]
    shown = {new: old for old, new in RENAMED.items()}
    field = ".".join(shown.get(str(part), str(part)) for part in fault["loc"]) or "passages"
    text = f"'{field}' has value {fault['input']!r}: {fault['msg']}"
    return text[:MAX_REASON_CHARACTERS]


def _csv_records(path: Path, required: Sequence[str]) -> Iterator[Record]:
    csv.field_size_limit(min(_MAX_CELL_CHARACTERS, sys.maxsize))
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        _require_columns(path, reader.fieldnames or (), required)
        start = reader.line_num + 1
        for record in reader:
            line, start = start, reader.line_num + 1
            if None in record:
                yield line, BadRow(line, "it has more cells than the header")
            elif None in record.values():
                yield line, BadRow(line, "it has fewer cells than the header")
            else:
                yield line, record


def _jsonl_records(path: Path, _required: Sequence[str]) -> Iterator[Record]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                record = json.loads(text)
            except (json.JSONDecodeError, RecursionError) as error:
                yield line, BadRow(line, f"it is not valid JSON: {error}")
                continue
            if isinstance(record, dict):
                yield line, record
            else:
                yield line, BadRow(line, "it is not a JSON object")


def _parquet_records(path: Path, required: Sequence[str]) -> Iterator[Record]:
    with parquet.ParquetFile(path) as file:
        _require_columns(path, file.schema_arrow.names, required)
        line = 0
        for batch in file.iter_batches():
            for record in batch.to_pylist():
                line += 1
                yield line, record


def _require_columns(path: Path, names: Iterable[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        message = (
            f"'{path}' lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Needed are: {', '.join(required)}."
        )
        raise InvalidInputError(message, field="source")


def _from_message(message: TrainingMessage, company_name: str) -> TrainingRow | BadRow:
    held = message.held
    approval = held.approval
    text = held.released_message
    if not text:
        return BadRow(0, f"approval '{approval.approval_id}' holds no released text")
    try:
        lead = Lead.model_validate(approval.lead)
        passages = [Passage.model_validate(item) for item in approval.passages]
    except ValidationError as error:
        return BadRow(0, f"approval '{approval.approval_id}': {_reason(error)}")
    if company_name and not lead.company_name:
        lead = lead.model_copy(update={"company_name": company_name})
    return TrainingRow(
        line=0,
        lead_key=lead_key("", lead.lead_name),
        lead=lead,
        passages=tuple(
            RowPassage(
                document=passage.chunk.document,
                text=passage.chunk.text,
                title=passage.chunk.title,
                section=passage.chunk.section,
            )
            for passage in passages
        ),
        response=text,
    )
