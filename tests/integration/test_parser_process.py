"""Files that hang, crash or fill up their parser, parsed in a real process."""

import io
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from config.ingestion import IngestionLimits, IngestionSettings
from followup.backends.token_counter import TokenCounter
from followup.errors import SettingError
from ingestion.cutting import CutDocument, Cutter
from ingestion.document import Document
from ingestion.ingest import ingest_folder
from ingestion.parser_process import ParserProcess
from ingestion.readers import parse_document
from ingestion.rejects import Reject, RejectCode
from tests.fakes import FakeIngestEmbedder, FakeIngestStore
from tests.integration.models import embedding_model_path

MIB = 1024 * 1024


@pytest.fixture
def parser() -> Iterator[ParserProcess]:
    limits = IngestionLimits(max_parse_seconds=3, max_parse_memory_bytes=700 * MIB)
    with ParserProcess(IngestionSettings(limits=limits)) as process:
        yield process


def pdf_with(stream: bytes, dictionary: str) -> bytes:
    """A PDF of one page whose content is this stream."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << "
        b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), dictionary.encode(), stream),
    ]
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, part in enumerate(parts, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, part))
    start = out.tell()
    out.write(b"xref\n0 5\n0000000000 65535 f \n")
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % start)
    return out.getvalue()


SLOW = pdf_with(b"BT /F1 9 Tf (a) Tj ET\n" * 200_000, "")
BOMB = pdf_with(zlib.compress(b" " * (900 * MIB), 9), "/Filter /FlateDecode")


def test_a_file_is_parsed_as_in_the_same_process(parser: ParserProcess) -> None:
    document = parser.parse("pricing/a.md", b"# Plans\n\nThe plan costs $99.")
    assert isinstance(document, Document)
    assert (document.title, document.source_type) == ("Plans", "pricing")
    rejected = parser.parse("a.txt", b"")
    assert rejected == Reject("a.txt", "it is empty", RejectCode.EMPTY)


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        pytest.param(SLOW, "too_slow", "more than 3 seconds", id="slow"),
        pytest.param(BOMB, "out_of_memory", f"more than {700 * MIB} bytes", id="bomb"),
    ],
)
def test_a_file_that_takes_too_much_is_rejected_and_the_next_is_read(
    parser: ParserProcess, content: bytes, code: str, reason: str
) -> None:
    rejected = parser.parse("bad.pdf", content)
    assert isinstance(rejected, Reject)
    assert (rejected.document, rejected.code) == ("bad.pdf", RejectCode(code))
    assert reason in rejected.reason
    assert isinstance(parser.parse("a.txt", b"Text."), Document)


def test_a_parser_that_is_killed_costs_one_document(
    parser: ParserProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(parser.parse("a.txt", b"Text."), Document)
    process = parser._process
    assert process is not None
    process.kill()
    process.wait()
    rejected = parser.parse("b.txt", b"Text.")
    assert isinstance(rejected, Reject)
    assert "ended its parser" in rejected.reason
    assert isinstance(parser.parse("c.txt", b"Text."), Document)


def test_a_file_is_cut_as_in_the_same_process() -> None:
    settings, tokenizer = IngestionSettings(), TokenCounter(embedding_model_path())
    content = b"# Plans\n\n" + b"The plan costs $99 a month. " * 80 + b"\n\n## Trial\n\n14 days."
    parse = partial(parse_document, settings=settings)
    here = Cutter(parse, tokenizer, settings).cut("pricing/a.md", content)
    with ParserProcess(settings, embedding_model_path()) as process:
        there = process.cut("pricing/a.md", content)
        rejected = process.cut("a.txt", b"")
    assert isinstance(here, CutDocument)
    assert isinstance(there, CutDocument)
    assert there.chunks == here.chunks
    assert [chunk.section for chunk in there.chunks] == ["", "", "", "Trial"]
    assert rejected == Reject("a.txt", "it is empty", RejectCode.EMPTY)


def test_a_model_without_a_tokenizer_is_named_before_any_file_is_cut(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"needs tokenizer\.json"):
        ParserProcess(IngestionSettings(), tmp_path)


async def test_a_run_goes_on_after_a_file_that_ends_its_parser(
    parser: ParserProcess, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(BOMB)
    (tmp_path / "b.txt").write_text("Text.")
    summary = await ingest_folder(
        tmp_path, "acme", FakeIngestEmbedder(), FakeIngestStore(), parse=parser.parse
    )
    assert [reject.document for reject in summary.rejects] == ["a.pdf"]
    assert summary.num_added == 1
