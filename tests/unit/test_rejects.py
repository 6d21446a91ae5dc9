import json
from pathlib import Path

import pytest

from ingestion.rejects import Reject, RejectCode, write_rejects


def test_rejects_are_written_one_a_line_by_name(tmp_path: Path) -> None:
    path = tmp_path / "state" / "acme.jsonl"
    write_rejects(
        path, [Reject("b.txt", "it is empty", RejectCode.EMPTY), Reject("ä\n.pdf", "it is damaged")]
    )
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {"document": "b.txt", "reason": "it is empty", "code": "empty"},
        {"document": "ä\n.pdf", "reason": "it is damaged", "code": "damaged"},
    ]


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "acme.jsonl"
    write_rejects(path, [Reject("a.txt", "it is empty")])
    before = path.read_text(encoding="utf-8")
    unwritable = Reject("b.txt", object())  # type: ignore[arg-type]  # stands for a failing write
    with pytest.raises(TypeError):
        write_rejects(path, [unwritable])
    assert path.read_text(encoding="utf-8") == before
