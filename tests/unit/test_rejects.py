import json
from pathlib import Path

import pytest

from ingestion.rejects import Reject, RejectCode, read_rejects, write_rejects


def test_rejects_are_written_one_a_line_by_name(tmp_path: Path) -> None:
    path = tmp_path / "state" / "acme.jsonl"
    write_rejects(
        path,
        [
            Reject("b.txt", "it is empty", RejectCode.EMPTY),
            Reject("ä\n.pdf", "it is damaged", content_hash="5f"),
        ],
    )
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {"document": "b.txt", "reason": "it is empty", "code": "empty", "content_hash": ""},
        {"document": "ä\n.pdf", "reason": "it is damaged", "code": "damaged", "content_hash": "5f"},
    ]


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "acme.jsonl"
    write_rejects(path, [Reject("a.txt", "it is empty")])
    before = path.read_text(encoding="utf-8")
    unwritable = Reject("b.txt", object())  # type: ignore[arg-type]  # stands for a failing write
    with pytest.raises(TypeError):
        write_rejects(path, [unwritable])
    assert path.read_text(encoding="utf-8") == before


def test_only_lasting_rejects_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "acme.jsonl"
    lasting = Reject("a.pdf", "it is damaged", RejectCode.DAMAGED, "5f")
    slow = Reject("b.pdf", "it takes too long", RejectCode.TOO_SLOW, "6f")
    unread = Reject("c.pdf", "it cannot be opened", RejectCode.DAMAGED)
    assert read_rejects(path) == {}
    write_rejects(path, [lasting, slow, unread])
    with path.open("a") as file:
        file.write('no JSON\n{"document": "d.pdf"}\n{"other": 1}\n')
    assert read_rejects(path) == {"a.pdf": lasting}
