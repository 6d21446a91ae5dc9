"""A part's table as the bytes of a file: Parquet, CSV or JSONL. The same table, the same bytes."""

import io
import json
from collections.abc import Iterable
from dataclasses import asdict

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from deployments.bulk_options import OutputFormat
from deployments.bulk_parts import Reject

FORMULA_STARTS = r"^[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - full-width forms, which sheets read too
_LIST_JOINER = "; "


def encode_table(table: pa.Table, kind: OutputFormat, *, has_header: bool = True) -> bytes:
    """The file's bytes. `has_header` is of CSV."""
    buffer = io.BytesIO()
    if kind == "parquet":
        parquet.write_table(table, buffer, compression="zstd")
    elif kind == "csv":
        csv.write_csv(neutralised(table), buffer, csv.WriteOptions(include_header=has_header))
    else:
        for record in table.to_pylist():
            buffer.write(json.dumps(record, ensure_ascii=False, default=str).encode())
            buffer.write(b"\n")
    return buffer.getvalue()


def encode_rejects(rejects: Iterable[Reject]) -> bytes:
    """Rejects as JSON lines."""
    lines = [json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects]
    return "".join(lines).encode("utf-8", "replace")


def neutralised(table: pa.Table) -> pa.Table:
    """Lists joined to text, and an apostrophe before each text that a sheet would take as a formula
    (OWASP, CSV injection). Numbers stay numbers."""
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        made = column
        if pa.types.is_list(field.type):
            made = pc.binary_join(made, _LIST_JOINER)
        if pa.types.is_string(made.type):
            is_formula = pc.match_substring_regex(made, FORMULA_STARTS)
            made = pc.if_else(is_formula, pc.binary_join_element_wise("'", made, ""), made)
        columns.append(made)
    return pa.table(columns, names=table.schema.names)
