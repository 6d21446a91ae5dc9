"""Reads a lead list, CSV, JSONL or Parquet, row by row: a path, or a URI that pyarrow knows.

Memory does not grow with the list. What cannot be read as a row comes out as a BadRow, so that each
row of the list is either given or named.
"""

import codecs
import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from charset_normalizer import from_bytes
from pyarrow import ArrowException, parquet
from pyarrow.fs import FileSystem, FileType, LocalFileSystem

from followup.backends.whole_file import WholeFile
from followup.errors import InvalidInputError

FORMATS = (".csv", ".jsonl", ".parquet")
MAX_CELL_CHARACTERS = 16 * 1024**2
PARQUET_ROWS = 4_096
_SAMPLE_BYTES = 256 * 1024
_READ_BYTES = 1024 * 1024
_MAX_UTF8_CUT = 4
_DELIMITERS = ",;\t|"
_LATIN_FALLBACK = "lead_list_cp1252"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAX_LATIN_SHARE = 0.2
"""Accents are few among the letters of a Latin text; in other scripts most bytes are above 127."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number, 1 the first below the header. `names` is the same object for all rows of
    one header."""

    number: int
    names: tuple[str, ...]
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """What tells that a list is the same as before. `num_lines` counts its newlines."""

    location: str
    num_bytes: int
    sha256: str
    num_lines: int


class LeadList:
    """One list. Every method raises InvalidInputError where the file cannot be read."""

    def __init__(self, filesystem: FileSystem, path: str, location: str) -> None:
        self._filesystem = filesystem
        self._path = path
        self.location = location
        self.kind = PurePosixPath(path).suffix.lower()

    @classmethod
    def open(cls, location: str) -> "LeadList":
        """The list at a path or URI."""
        try:
            if "://" in location:
                filesystem, path = FileSystem.from_uri(location)
            else:
                filesystem, path = LocalFileSystem(), location
            kind = filesystem.get_file_info(path).type
        except (ArrowException, OSError, ValueError) as error:
            raise _unreadable(location, error) from error
        if kind is not FileType.File:
            message = f"'{location}' is not a file. Name a list that ends in {', '.join(FORMATS)}."
            raise InvalidInputError(message, field="leads")
        found = cls(filesystem, path, location)
        if found.kind not in FORMATS:
            message = f"'{location}' ends in '{found.kind}'. Allowed: {', '.join(FORMATS)}."
            raise InvalidInputError(message, field="leads")
        return found

    def identify(self) -> ListIdentity:
        """Read the whole file once, for its hash."""
        digest, num_bytes, num_lines = hashlib.sha256(), 0, 0
        try:
            with self._stream() as stream:
                while block := stream.read(_READ_BYTES):
                    digest.update(block)
                    num_bytes += len(block)
                    num_lines += block.count(b"\n")
        except (ArrowException, OSError) as error:
            raise _unreadable(self.location, error) from error
        return ListIdentity(self.location, num_bytes, digest.hexdigest(), num_lines)

    def copy_to(self, path: Path, max_bytes: int) -> None:
        """Copy the file, whole or not at all. Raises InvalidInputError beyond `max_bytes`."""
        num_bytes = 0
        try:
            with self._stream() as stream, WholeFile(path) as copy:
                while block := stream.read(_READ_BYTES):
                    num_bytes += len(block)
                    if num_bytes > max_bytes:
                        message = f"'{self.location}' is larger than {max_bytes:,} bytes."
                        raise InvalidInputError(message, field="leads")
                    copy.write(block)
        except (ArrowException, OSError) as error:
            raise _unreadable(self.location, error) from error

    def estimate_rows(self, identity: ListIdentity) -> int:
        """How many rows there are, about: a quoted newline counts as a row."""
        if self.kind == ".parquet":
            with self._filesystem.open_input_file(self._path) as file:
                return int(parquet.ParquetFile(file).metadata.num_rows)
        return max(0, identity.num_lines - (self.kind == ".csv"))

    def rows(self) -> Iterator[Row | BadRow]:
        """All rows in order."""
        readers = {".csv": self._csv, ".jsonl": self._jsonl, ".parquet": self._parquet}
        try:
            yield from readers[self.kind]()
        except (ArrowException, OSError, UnicodeError, LookupError) as error:
            raise _unreadable(self.location, error) from error

    def _stream(self) -> Any:  # pyarrow has no types
        return self._filesystem.open_input_stream(self._path, compression=None)

    def _text(self, stream: BinaryIO) -> io.TextIOWrapper:
        """Text with its line ends as they are; a byte that is no UTF-8 is read as Windows-1252."""
        codecs.register_error(_LATIN_FALLBACK, _as_latin)
        reader = io.BufferedReader(stream, _SAMPLE_BYTES)  # type: ignore[type-var]  # a NativeFile
        encoding = _encoding(reader.peek(_SAMPLE_BYTES)[:_SAMPLE_BYTES])
        is_utf8 = encoding in {"utf-8", "utf-8-sig"}
        errors = _LATIN_FALLBACK if is_utf8 else "replace"
        return io.TextIOWrapper(reader, encoding=encoding, errors=errors, newline="")

    def _csv(self) -> Iterator[Row | BadRow]:
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        with self._stream() as stream:
            text = self._text(stream)
            first = text.readline()
            while first and not first.strip():
                first = text.readline()
            if not first:
                return
            delimiter = max(_DELIMITERS, key=first.count)
            reader = csv.reader(_chain(first, text), delimiter=delimiter)
            names = tuple(name.strip() for name in next(reader))
            yield from _csv_rows(reader, names)

    def _jsonl(self) -> Iterator[Row | BadRow]:
        seen: dict[tuple[str, ...], tuple[str, ...]] = {}
        number = 0
        with self._stream() as stream:
            for line in self._text(stream):
                if not line.strip():
                    continue
                number += 1
                record = _json_record(line)
                if isinstance(record, str):
                    yield BadRow(number, record)
                    continue
                names = tuple(record)
                yield Row(number, seen.setdefault(names, names), tuple(record.values()))

    def _parquet(self) -> Iterator[Row | BadRow]:
        number = 0
        with self._filesystem.open_input_file(self._path) as source:
            file = parquet.ParquetFile(source)
            names = tuple(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                columns = [column.to_pylist() for column in batch.columns]
                for values in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, names, values)


def _csv_rows(reader: Any, names: tuple[str, ...]) -> Iterator[Row | BadRow]:
    number = 0
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            number += 1
            yield BadRow(number, f"it is no CSV near line {reader.line_num}: {error}")
            continue
        if values is None:
            return
        if not values:
            continue
        number += 1
        if len(values) == len(names):
            yield Row(number, names, values)
        else:
            yield BadRow(number, f"it has {len(values):,} cells, the header has {len(names):,}")


def _json_record(line: str) -> dict[str, object] | str:
    """The object of a line, or why there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"it is not valid JSON: {error}"[:200]
    return record if isinstance(record, dict) else "it is not a JSON object"


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _encoding(sample: bytes) -> str:
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    half = max(1, len(sample) // 2)
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[start::2].count(0) > half * 0.3 and sample[1 - start :: 2].count(0) == 0:
            return encoding
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(sample) - _MAX_UTF8_CUT:
            return "utf-8"  # the sample ends within a character
    else:
        return "utf-8"
    if sum(byte > 127 for byte in sample) < _MAX_LATIN_SHARE * len(sample):  # noqa: PLR2004 - ASCII
        return "utf-8"  # and what is none of it is Windows-1252: a list may hold both
    best = from_bytes(sample).best()
    return best.encoding if best else "utf-8"


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", errors="replace"), error.end


def _unreadable(location: str, error: Exception) -> InvalidInputError:
    shown = location.partition("?")[0]  # an object store's keys may stand in the query
    return InvalidInputError(f"'{shown}' cannot be read: {error}", field="leads")
