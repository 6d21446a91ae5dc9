"""A loopback HTTP server for downloads: ranges, interruptions and errors on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Serves `content` at every path, and remembers what it was asked for."""

    content: bytes
    knows_ranges: bool = True
    break_after_bytes: list[int] = field(default_factory=list)
    """For each of the next requests: cut the connection after so many bytes of its body."""
    statuses: list[int] = field(default_factory=list)
    """For each of the next requests: answer with this status and no body."""
    ranges: list[str | None] = field(default_factory=list)
    """The Range header of every request that came."""
    url: str = ""

    @contextmanager
    def run(self) -> Iterator["FileServer"]:
        """Serve until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/model.whl"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                served.ranges.append(asked)
                if served.statuses:
                    self.send_response(served.statuses.pop(0))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                is_part = asked is not None and served.knows_ranges
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and is_part else 0
                body = served.content[start:]
                self.send_response(416 if is_part and not body else 206 if is_part else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                cut = served.break_after_bytes.pop(0) if served.break_after_bytes else len(body)
                self.wfile.write(body[:cut])
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test says what it saw."""

        return Handler
