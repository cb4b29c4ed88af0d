"""The stand-in as a server on 127.0.0.1, for boto3 and for the Greengrass Development Kit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standins.greengrass_api.wire import Answer, Fields, Refusal, Request, Wire

Handle = Callable[[str, Fields], Fields]
"""Takes an operation and its fields, returns the answer's fields. Raises Refusal."""


@contextmanager
def serving(handle: Handle) -> Iterator[str]:
    """Serve until the block ends; gives the URL for AWS_ENDPOINT_URL_GREENGRASSV2."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(handle, Wire()))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="control-plane")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(handle: Handle, wire: Wire) -> type[BaseHTTPRequestHandler]:
    one_at_a_time = threading.Lock()

    def respond(method: str, target: str, body: bytes) -> Answer:
        request: Request | None = None
        try:
            request = wire.read(method, target, body)
            with one_at_a_time:
                return wire.answer(request.operation, handle(request.operation, request.fields))
        except Refusal as refusal:
            return wire.refuse(request.operation if request else None, refusal)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body in one packet: two would wait for each other.
        wbufsize = -1

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            answer = respond(self.command, self.path, self.rfile.read(length))
            self.send_response(answer.status)
            body = answer.body if answer.status != HTTPStatus.NO_CONTENT else b""
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if answer.code:
                self.send_header("x-amzn-ErrorType", answer.code)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  named by http.server

        def log_message(self, *_: object) -> None:
            """Nothing is logged: clients report what they get."""

    return Handler
