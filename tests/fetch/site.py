"""A web server on the loopback that can fail in the ways that servers fail."""

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What is done with one request; the default is to send what was asked for.

    Attributes:
      status: sent instead of the file.
      cut: bytes of the body after which the connection is closed.
      stall: bytes of the body after which nothing more comes.
      content: other bytes than the file's.
      location: where a redirect leads.
      headers: sent in addition, or instead, None to leave one out.
      ignores_if_range: whether a range is sent although the file is another one.
      hold: what is waited for before the answer.
    """

    status: int = 200
    cut: int | None = None
    stall: int | None = None
    content: bytes | None = None
    location: str | None = None
    headers: dict[str, str | None] = field(default_factory=dict)
    ignores_if_range: bool = False
    hold: threading.Event | None = None


@dataclass
class Site:
    """What the server has and does.

    Attributes:
      files: content by path.
      answers: by path, what is done with the first requests; later ones get the file.
      has_ranges: whether parts of files are sent.
      has_etags: whether versions of files are told apart.
      requests: path, Range and If-Range of each request so far.
      url: where the server is.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    has_ranges: bool = True
    has_etags: bool = True
    requests: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [wanted for _, wanted, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        with site.lock:
            site.requests.append((self.path, wanted, condition))
            queue = site.answers.get(self.path, [])
            answer = queue.pop(0) if queue else Answer()
        self.close_connection = True
        if answer.hold is not None:
            answer.hold.wait(60)
        if answer.location is not None:
            self._head(answer.status, {"Location": answer.location, "Content-Length": "0"})
            return
        content = site.files.get(self.path) if answer.content is None else answer.content
        if content is None or answer.status != 200:
            status = 404 if content is None else answer.status
            self._head(status, {"Content-Length": "0"} | answer.headers)
            return
        self._send(content, wanted, condition, answer)

    def _send(self, content: bytes, wanted: str | None, condition: str | None, answer: Answer) -> None:
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers: dict[str, str | None] = {"ETag": etag} if self.site.has_etags else {}
        start = 0
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if match and self.site.has_ranges and (condition in (None, etag) or answer.ignores_if_range):
            start = int(match[1])
            if start >= len(content):
                self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"} | answer.headers)
                return
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        self._head(206 if start else 200, headers | {"Content-Length": str(len(body))} | answer.headers)
        sent = min((at for at in (answer.cut, answer.stall) if at is not None), default=len(body))
        self.wfile.write(body[:sent])
        self.wfile.flush()
        if answer.stall is not None:
            self.site.over.wait(60)
        if sent < len(body):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, status: int, headers: dict[str, str | None]) -> None:
        self.send_response(status)
        for name, value in ({"Connection": "close"} | headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: Any) -> None:
        pass  # a client that hangs up is part of the tests


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serves a site while the block lasts."""
    handler = type("Handler", (_Handler,), {"site": site})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
