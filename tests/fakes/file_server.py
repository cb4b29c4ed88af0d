"""A web server of files on this machine that answers as badly as it is told."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class FileServer:
    """What it has, and what is wrong with it; `asked` is each request's path and headers."""

    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """ETag of each file, if it has one."""
    dated: str = ""
    """Last-Modified of every file, if it says one."""
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    """What is answered instead, one after another, before the file."""
    breaks: list[int] = field(default_factory=list)
    """After how many bytes of the body the connection ends, one number for each request; then it ends no more."""
    ranges: bool = True
    says_length: bool = True
    length: int | None = None
    """What it says the length is, if not what it is."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Further headers of each file."""
    slow: tuple[int, float] = (1 << 16, 0.0)
    """How many bytes at once, and seconds between them."""
    endless: bool = False
    """Whether it sends the file again and again: a hundred times, so that a test of it ends."""
    range_answer: Callable[[int, int], str] | None = None
    """The Content-Range that it says for a start and a size."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def address(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@contextmanager
def serving(server: FileServer) -> Iterator[FileServer]:
    """The server, switched on."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers)))
            self.close_connection = True
            with contextlib.suppress(OSError):
                _answer(server, self)

    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listening.shutdown()
            thread.join()


def _answer(server: FileServer, handler: http.server.BaseHTTPRequestHandler) -> None:
    path = handler.path
    if path in server.redirects:
        status, location = server.redirects[path]
        return _empty(handler, status, {"Location": location})
    if server.statuses.get(path):
        return _empty(handler, server.statuses[path].pop(0), {})
    if path not in server.files:
        return _empty(handler, 404, {})
    content = server.files[path]
    start = _start(server, handler)
    if start is not None and start >= len(content):
        return _empty(handler, 416, {})
    _headers(server, handler, start)
    cut = server.breaks.pop(0) if server.breaks else None
    _body(server, handler, content[start or 0 :][:cut])
    return None


def _start(server: FileServer, handler: http.server.BaseHTTPRequestHandler) -> int | None:
    wanted = handler.headers.get("Range")
    only_if = handler.headers.get("If-Range")
    known = {server.tags.get(handler.path, ""), server.dated}
    if not server.ranges or wanted is None or (only_if is not None and only_if not in known):
        return None
    return int(wanted.removeprefix("bytes=").removesuffix("-"))


def _headers(server: FileServer, handler: http.server.BaseHTTPRequestHandler, start: int | None) -> None:
    size = len(server.files[handler.path])
    handler.send_response(200 if start is None else 206)
    if start is not None:
        said = server.range_answer or (lambda first, whole: f"bytes {first}-{whole - 1}/{whole}")
        handler.send_header("Content-Range", said(start, size))
    if server.says_length and not server.endless:
        handler.send_header("Content-Length", str(size - (start or 0) if server.length is None else server.length))
    if handler.path in server.tags:
        handler.send_header("ETag", server.tags[handler.path])
    if server.dated:
        handler.send_header("Last-Modified", server.dated)
    for name, value in server.more.items():
        handler.send_header(name, value)
    handler.send_header("Connection", "close")
    handler.end_headers()


def _body(server: FileServer, handler: http.server.BaseHTTPRequestHandler, content: bytes) -> None:
    at_once, pause = server.slow
    for _ in range(100 if server.endless else 1):
        for place in range(0, len(content), at_once):
            handler.wfile.write(content[place : place + at_once])
            if pause and server.over.wait(pause):
                return


def _empty(handler: http.server.BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
