"""Lists in an object store, and results copied to one, with pyarrow's real S3 client."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from cluster.cli import app
from tests.integration.object_store import ObjectStore, object_store

ROWS: list[dict[str, Any]] = [
    {"id": f"lead-{number % 110}", "engagement_score": number % 100, "company_size": "smb"}
    for number in range(120)
]
"""The last ten repeat an id: they are rejects."""


def csv_bytes() -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, ROWS[0].keys())
    writer.writeheader()
    writer.writerows(ROWS)
    return file.getvalue().encode()


def parquet_bytes() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    lists = {
        "lists/leads.csv": csv_bytes(),
        "lists/leads.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in ROWS),
        "lists/leads.parquet": parquet_bytes(),
    }
    with object_store(lists) as store:
        yield store


def score(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, ["bulk", "score", *map(str, arguments), "--workers", "1", "--rows-per-part", "50"]
    )
    return done.exit_code, done.output


def scores(lines: bytes) -> dict[str, str]:
    return {row["lead_id"]: row["score"] for row in csv.DictReader(io.StringIO(lines.decode()))}


def test_a_list_in_an_object_store_is_scored_as_a_local_one(
    store: ObjectStore, tmp_path: Path
) -> None:
    local = tmp_path / "leads.csv"
    local.write_bytes(csv_bytes())
    lists = {"local": str(local)}
    lists |= {kind: store.uri(f"lists/leads.{kind}") for kind in ("csv", "jsonl", "parquet")}
    found = {}
    for name, leads in lists.items():
        exit_code, output = score(leads, "-o", tmp_path / name)
        assert exit_code == 0, output
        parts = sorted((tmp_path / name / "parts").iterdir())
        assert len(parts) == 3
        found[name] = scores(
            b"".join(
                parts[0].read_bytes().splitlines(keepends=True)[:1]
                + [
                    line
                    for part in parts
                    for line in part.read_bytes().splitlines(keepends=True)[1:]
                ]
            )
        )
    assert len(found["local"]) == 110
    assert all(each == found["local"] for each in found.values())


def test_results_are_copied_whole_and_only_what_is_missing_is_sent_again(
    store: ObjectStore, tmp_path: Path
) -> None:
    command = (store.uri("lists/leads.csv"), "-o", tmp_path / "out", "--copy-to", store.uri("done"))
    store.refuse_writes(refuse=True)
    exit_code, output = score(*command)
    assert exit_code == 1, output
    assert not any(key.startswith("done/") for key in store.objects)
    assert "secret" not in output

    store.refuse_writes(refuse=False)
    exit_code, output = score(*command)
    assert exit_code == 0, output
    sent = {key: value for key, value in store.objects.items() if key.startswith("done/")}
    for key, value in sent.items():
        if value:  # a folder is an empty object
            assert value == (tmp_path / "out" / key.removeprefix("done/")).read_bytes()
    names = {key.removeprefix("done/") for key, value in sent.items() if value}
    parts = {f"parts/{path.name}" for path in (tmp_path / "out/parts").iterdir()}
    assert names == parts | {
        "ledger.jsonl", "summary.json", "report.html", "rejects.jsonl",
    }  # fmt: skip

    del store.objects["done/parts/part-000001.csv"]
    assert "4 files copied" in score(*command)[1]
    assert store.objects["done/parts/part-000001.csv"] == sent["done/parts/part-000001.csv"]

    other = ("-o", tmp_path / "other", "--limit", "60", "--copy-to", store.uri("done"))
    exit_code, output = score(store.uri("lists/leads.csv"), *other)
    assert exit_code == 1
    assert "another run" in output
    assert store.objects["done/parts/part-000000.csv"] == sent["done/parts/part-000000.csv"]


def test_a_place_that_is_none_is_refused_before_anything_is_done(
    store: ObjectStore, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for target, reason in (("results", "Allowed: a URI"), (store.uri("lists/leads.csv"), "a file")):
        exit_code, output = score(store.uri("lists/leads.csv"), "-o", out, "--copy-to", target)
        assert exit_code == 1, output
        assert reason in output
        assert not out.exists()
