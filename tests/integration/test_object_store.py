"""Documents in an object store: pyarrow's real S3 client against a server on this machine.

The server speaks the part of S3's protocol that listing and reading need; it is no S3.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from config.ingestion import IngestionLimits
from followup.errors import InvalidInputError
from ingestion.ingest import ingest_folder
from ingestion.rejects import RejectCode, RejectedFileError
from ingestion.sources import DocumentSource
from tests.fakes import FakeIngestEmbedder, FakeIngestStore

BUCKET = "company"
OBJECTS = {
    "docs/pricing/plans.md": b"# Plans\n\nThe Growth plan costs $299.",
    "docs/faq/trial.txt": b"The trial lasts 14 days.",
    "docs/faq/large.txt": b"x" * 2_000,
    "docs/.hidden/a.txt": b"Hidden.",
    "other/b.txt": b"Not asked for.",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer_object(with_body=False)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path.strip("/") == BUCKET and "list-type" in query:
            self._answer_list(query.get("prefix", [""])[0])
        else:
            self._answer_object(with_body=True)

    def _answer_list(self, prefix: str) -> None:
        keys = sorted(key for key in OBJECTS if key.startswith(prefix))
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(OBJECTS[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in keys
        )
        body = (
            '<?xml version="1.0"?><ListBucketResult '
            f'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{BUCKET}</Name>'
            f"<KeyCount>{len(keys)}</KeyCount><IsTruncated>false</IsTruncated>{contents}"
            "</ListBucketResult>"
        ).encode()
        self._answer(200, body)

    def _answer_object(self, *, with_body: bool) -> None:
        key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
        content = OBJECTS.get(key)
        if content is None:
            self._answer(404, b"")
            return
        wanted = self.headers.get("Range", "")
        if with_body and wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            content = content[int(first) : int(last) + 1 if last else None]
            self._answer(206, content)
            return
        self._answer(200, content, with_body=with_body)

    def _answer(self, status: int, body: bytes, *, with_body: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def store() -> Iterator[str]:
    """The URI of the bucket, up to the path."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def uri(store: str, path: str) -> str:
    return f"s3://key:secret@{BUCKET}/{path}?endpoint_override={store}&scheme=http&region=us-east-1"


def test_the_files_of_a_prefix_are_listed_and_read(store: str) -> None:
    source = DocumentSource.open(uri(store, "docs"))
    files = source.list_files()
    assert [file.name for file in files] == ["faq/large.txt", "faq/trial.txt", "pricing/plans.md"]
    assert source.read(files[1], IngestionLimits()) == b"The trial lasts 14 days."
    with pytest.raises(RejectedFileError, match="above the limit of 1000") as caught:
        source.read(files[0], IngestionLimits(max_document_bytes=1_000))
    assert caught.value.code is RejectCode.TOO_LARGE


def test_a_glob_and_a_single_object_are_found(store: str) -> None:
    globbed = DocumentSource.open(uri(store, "docs/*/*.md")).list_files()
    assert [file.name for file in globbed] == ["pricing/plans.md"]
    single = DocumentSource.open(uri(store, "docs/faq/trial.txt")).list_files()
    assert [file.name for file in single] == ["trial.txt"]


def test_a_prefix_without_objects_is_named(store: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a folder"):
        DocumentSource.open(uri(store, "nowhere"))


async def test_a_store_is_ingested_as_a_folder_is(store: str) -> None:
    vectors = FakeIngestStore()
    summary = await ingest_folder(uri(store, "docs"), "acme", FakeIngestEmbedder(), vectors)
    assert summary.num_added == 3
    kinds = {chunk.document: chunk.source_type for chunk in vectors.chunks["acme"].values()}
    assert kinds["pricing/plans.md"] == "pricing"
