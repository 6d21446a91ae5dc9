import os
from pathlib import Path

import pytest

from config.ingestion import IngestionLimits
from followup.errors import InvalidInputError
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.sources import DocumentSource

LIMITS = IngestionLimits(max_document_bytes=100)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    for name in (
        "pricing/plans.md",
        "pricing/old/2019.md",
        "faq/a.txt",
        ".git/config",
        "odd[1].md",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("", ["faq/a.txt", "odd[1].md", "pricing/old/2019.md", "pricing/plans.md"]),
        ("/", ["faq/a.txt", "odd[1].md", "pricing/old/2019.md", "pricing/plans.md"]),
        ("/pricing", ["old/2019.md", "plans.md"]),
        ("/pricing/plans.md", ["plans.md"]),
        ("/*/*.md", ["pricing/plans.md"]),
        ("/**/*.md", ["odd[1].md", "pricing/old/2019.md", "pricing/plans.md"]),
        ("/p*/**", ["pricing/old/2019.md", "pricing/plans.md"]),
        ("/faq/[ab].t[wx]t", ["a.txt"]),
    ],
)
@pytest.mark.parametrize("scheme", ["", "file://"], ids=["path", "URI"])
def test_a_folder_a_file_and_a_glob_name_the_same_files(
    root: Path, location: str, names: list[str], scheme: str
) -> None:
    source = DocumentSource.open(f"{scheme}{root}{location}")
    files = source.list_files()
    assert [file.name for file in files] == names
    assert all(source.read(file, LIMITS).decode().endswith(file.name) for file in files)


def test_a_name_with_a_bracket_and_a_question_mark_in_a_glob(root: Path) -> None:
    for location in (f"{root}/odd[1].md", f"{root}/odd?1?.md"):
        files = DocumentSource.open(location).list_files()
        assert [file.name for file in files] == ["odd[1].md"]


def test_an_error_does_not_show_the_secrets_of_a_location() -> None:
    with pytest.raises(InvalidInputError) as caught:
        DocumentSource.open("nosuch://key:secret@bucket/docs?token=secret")
    assert "secret" not in str(caught.value)
    assert "'nosuch://***@bucket/docs?***' cannot be opened" in str(caught.value)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("/nowhere", "is not a folder"),
        ("nosuch://bucket/x", "cannot be opened"),
    ],
)
def test_a_source_that_is_not_there_is_named(root: Path, location: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        DocumentSource.open(location if ":" in location else f"{root}{location}")


def test_a_link_out_of_the_folder_is_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Secret.")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    source = DocumentSource.open(str(root))
    codes = {}
    for file in source.list_files():
        try:
            source.read(file, LIMITS)
        except RejectedFileError as error:
            codes[file.name] = error.code
    assert codes == {
        "link.txt": RejectCode.OUTSIDE_FOLDER,
        "gone.txt": RejectCode.OUTSIDE_FOLDER,
    }


def test_a_file_that_is_too_large_is_not_read(root: Path) -> None:
    (root / "large.txt").write_text("x" * 101)
    source = DocumentSource.open(str(root / "large.txt"))
    with pytest.raises(RejectedFileError, match="size of 101 bytes is above the limit of 100"):
        source.read(source.list_files()[0], LIMITS)


def test_a_file_name_that_is_no_utf_8_is_written_out(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9.txt")).write_text("Text.")
    names = [file.name for file in DocumentSource.open(str(root)).list_files()]
    assert "caf\\udce9.txt" in names
