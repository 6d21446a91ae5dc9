"""A server that speaks the part of S3's protocol that pyarrow's client needs; it is no S3."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "company"
_XML = '<?xml version="1.0"?>'


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A bucket; `objects` are its contents by key, `fails` whether it refuses to take any."""

    address: str
    server: "_Server"

    @property
    def objects(self) -> dict[str, bytes]:
        return self.server.objects

    def uri(self, path: str) -> str:
        return (
            f"s3://key:secret@{BUCKET}/{path}"
            f"?endpoint_override={self.address}&scheme=http&region=us-east-1"
        )

    def refuse_writes(self, *, refuse: bool) -> None:
        self.server.refuses = refuse


@contextmanager
def object_store(objects: dict[str, bytes]) -> Iterator[ObjectStore]:
    """The store, until the block ends."""
    server = _Server(dict(objects))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield ObjectStore(f"127.0.0.1:{server.server_port}", server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects = objects
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.refuses = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def store(self) -> _Server:
        return cast("_Server", self.server)

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}").lstrip("/")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def do_HEAD(self) -> None:
        if not self.key:
            self._answer(200, b"")
        else:
            self._answer_object(with_body=False)

    def do_GET(self) -> None:
        if not self.key and "list-type" in self.query:
            self._answer_list(self.query.get("prefix", [""])[0])
        else:
            self._answer_object(with_body=True)

    def do_PUT(self) -> None:
        content = self._read_body()
        if self.store.refuses:
            self._answer(403, b"")
        elif "uploadId" in self.query:
            parts = self.store.uploads[self.query["uploadId"][0]]
            parts[int(self.query["partNumber"][0])] = content
            self._answer(200, b"")
        else:
            self.store.objects[self.key] = content
            self._answer(200, b"")

    def do_POST(self) -> None:
        self._read_body()
        if self.store.refuses:
            self._answer(403, b"")
        elif "uploads" in self.query:
            upload = str(len(self.store.uploads))
            self.store.uploads[upload] = {}
            found = f"<UploadId>{upload}</UploadId>"
            self._answer_xml("InitiateMultipartUploadResult", found)
        else:
            parts = self.store.uploads.pop(self.query["uploadId"][0])
            self.store.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
            self._answer_xml("CompleteMultipartUploadResult", "<ETag>whole</ETag>")

    def do_DELETE(self) -> None:
        self.store.uploads.pop(self.query.get("uploadId", [""])[0], None)
        self.store.objects.pop(self.key, None)
        self._answer(204, b"")

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self._read_chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            return _decode_chunks(body)
        return body

    def _read_chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return found

    def _answer_list(self, prefix: str) -> None:
        objects = self.store.objects
        keys = sorted(key for key in objects if key.startswith(prefix))
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in keys
        )
        found = (
            f"<Name>{BUCKET}</Name><KeyCount>{len(keys)}</KeyCount>"
            f"<IsTruncated>false</IsTruncated>{contents}"
        )
        self._answer_xml("ListBucketResult", found)

    def _answer_object(self, *, with_body: bool) -> None:
        content = self.store.objects.get(self.key)
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

    def _answer_xml(self, name: str, content: str) -> None:
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        self._answer(200, f'{_XML}<{name} xmlns="{namespace}">{content}</{name}>'.encode())

    def _answer(self, status: int, body: bytes, *, with_body: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"whole"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _decode_chunks(body: bytes) -> bytes:
    """What a client sent in signed or checked chunks: size in hex, content, until size 0."""
    found, place = b"", 0
    while match := re.compile(rb"([0-9a-fA-F]+)[^\r]*\r\n").match(body, place):
        size = int(match[1], 16)
        if not size:
            break
        found += body[match.end() : match.end() + size]
        place = match.end() + size + 2
    return found
