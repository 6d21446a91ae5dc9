"""Hostile lists: each row is given or named, whatever the bytes are."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from followup.backends.lead_list import BadRow, LeadList, Row
from followup.errors import InvalidInputError


def rows_of(path: Path) -> list[Row | BadRow]:
    return list(LeadList.open(str(path)).rows())


def records_of(path: Path) -> list[dict[str, object]]:
    return [
        dict(zip(row.names, row.values, strict=True))
        for row in rows_of(path)
        if isinstance(row, Row)
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("id,lead_name\n1,Zoë\n2,Ångström\n".encode(), id="utf-8"),
        pytest.param("id,lead_name\n1,Zoë\n2,Ångström\n".encode("utf-8-sig"), id="byte order mark"),
        pytest.param("id,lead_name\r\n1,Zoë\r\n2,Ångström".encode("utf-16"), id="utf-16"),
        pytest.param("id,lead_name\r\n1,Zoë\r\n2,Ångström".encode("utf-16-le"), id="no mark"),
        pytest.param("id,lead_name\r1,Zoë\r2,Ångström\r".encode("cp1252"), id="cp1252, old Mac"),
        pytest.param(
            "id,lead_name\n1,Zoë\r\n2,".encode() + "Ångström\r".encode("cp1252"), id="mixed"
        ),
        pytest.param("\n\nid;lead_name\n\n1;Zoë\n2;Ångström\n".encode(), id="semicolons, blanks"),
        pytest.param('"id"\t"lead_name"\n1\t"Zoë"\n2\tÅngström'.encode(), id="tabs"),
    ],
)
def test_a_csv_is_read_whatever_its_encoding_and_line_ends(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    assert records_of(path) == [
        {"id": "1", "lead_name": "Zoë"},
        {"id": "2", "lead_name": "Ångström"},
    ]


@pytest.mark.parametrize(
    ("encoding", "name", "notes"),
    [
        (
            "shift_jis",
            "田中さん",
            (
                "価格について質問がありました。導入の時期を検討しています。",
                "デモを二回ご覧になり、見積もりを依頼されました。",
                "無料トライアルに登録し、請求書を三枚作成しました。",
            ),
        ),
        ("cp1251", "Иван Петров", ("Спросил о цене.", "Просит прислать договор и счёт.")),
        ("gbk", "王小明", ("询问了价格和实施时间。", "要求提供企业版报价。")),
    ],
)
def test_a_list_in_another_script_is_read_in_its_encoding(
    tmp_path: Path, encoding: str, name: str, notes: tuple[str, ...]
) -> None:
    rows = [f"{number},{name}{number},{notes[number % len(notes)]}" for number in range(200)]
    path = tmp_path / "leads.csv"
    path.write_bytes("\n".join(["id,lead_name,note", *rows]).encode(encoding))
    assert [record["lead_name"] for record in records_of(path)][7] == f"{name}7"


def test_a_row_that_is_none_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('id,note\n1,a\n2\n3,"two\nlines"\n4,b,c\n5,d\n')
    found = rows_of(path)
    assert [type(row) for row in found] == [Row, BadRow, Row, BadRow, Row]
    assert [row.number for row in found] == [1, 2, 3, 4, 5]
    assert found[1] == BadRow(2, "it has 1 cells, the header has 2")


def test_a_quote_that_never_ends_is_one_named_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("followup.backends.lead_list.MAX_CELL_CHARACTERS", 10_000)
    path = tmp_path / "leads.csv"
    path.write_text("id,note\n1,a\n" + '2,"' + "x" * 20_000 + "\n3,b\n")
    found = rows_of(path)
    assert [type(row) for row in found] == [Row, BadRow, Row]
    assert "larger than field limit" in str(found[1])


def test_a_cell_of_a_megabyte_and_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    names = ["id", *(f"c{number}" for number in range(10_000))]
    path = tmp_path / "leads.csv"
    path.write_text(",".join(names) + "\n1," + "x" * 1_000_000 + "," * 9_999 + "\n")
    [row] = rows_of(path)
    assert isinstance(row, Row)
    assert (len(row.values), len(str(row.values[1]))) == (10_001, 1_000_000)


def test_json_lines_that_are_no_objects_are_named(tmp_path: Path) -> None:
    path = tmp_path / "leads.jsonl"
    path.write_text('{"id": 1}\n[1]\n{"id": \n\n' + "[" * 100_000 + '\n{"id": 2, "x": NaN}\n')
    found = rows_of(path)
    assert [type(row) for row in found] == [Row, BadRow, BadRow, BadRow, Row]
    assert [row.number for row in found] == [1, 2, 3, 4, 5]


def test_a_parquet_file_gives_its_own_values(tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "score": [1.5, None]}), path)
    leads = LeadList.open(path.absolute().as_uri())
    assert [row.values for row in leads.rows() if isinstance(row, Row)] == [(1, 1.5), (2, None)]
    assert leads.estimate_rows(leads.identify()) == 2


@pytest.mark.parametrize(
    "content", ["", "\n\n", "id,lead_name\n"], ids=["nothing", "blank", "header"]
)
def test_an_empty_list_has_no_rows(tmp_path: Path, content: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(content)
    assert rows_of(path) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [("missing.csv", "is not a file"), ("leads.xlsx", "Allowed: .csv, .jsonl, .parquet"),
     ("broken.parquet", "cannot be read")],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, name: str, fault: str
) -> None:
    if name != "missing.csv":
        (tmp_path / name).write_text(json.dumps({}))
    with pytest.raises(InvalidInputError, match=fault):
        rows_of(tmp_path / name)
