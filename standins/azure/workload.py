"""The workload API of IoT Edge on a Unix socket: it signs with the module's key, and gives the trust bundle."""

import base64
import binascii
import json
import socketserver
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from standins.azure.identity import API_VERSION, ModuleIdentity

_LARGEST: Final = 64 * 1024


class WorkloadApi:
    """The API in a thread of its own, until it is closed."""

    def __init__(self, socket: Path, identity: ModuleIdentity, trust_bundle: str) -> None:
        self._server = _Server(str(socket), _Handler)
        socket.chmod(0o600)
        self._server.identity, self._server.trust_bundle = identity, trust_bundle
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="workload-api")
        self._thread.start()

    def trust(self, bundle: str) -> None:
        """Give another trust bundle from now on."""
        self._server.trust_bundle = bundle

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingUnixStreamServer):
    identity: ModuleIdentity
    trust_bundle: str
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        """The trust bundle."""
        if self._path() == "/trust-bundle":
            self._answer(HTTPStatus.OK, {"certificate": self.server.trust_bundle})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"message": "no such path"})

    def do_POST(self) -> None:
        """A signature."""
        identity = self.server.identity
        # Before any answer: what is left unread would be taken for the next request.
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _LARGEST))
        if self._path() != f"/modules/{identity.module}/genid/{identity.generation}/sign":
            self._answer(HTTPStatus.NOT_FOUND, {"message": "no such module or generation"})
            return
        try:
            asked = json.loads(body)
            if (asked["keyId"], asked["algo"]) != ("primary", "HMACSHA256"):
                raise ValueError("keyId or algo")
            digest = identity.sign(base64.b64decode(asked["data"], validate=True))
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"message": f"{type(error).__name__}: {error}"})
            return
        self._answer(HTTPStatus.OK, {"digest": digest})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        """A Unix socket's client has no address."""
        return "module"

    def _path(self) -> str:
        parts = urlsplit(self.path)
        is_known = parse_qs(parts.query).get("api-version") == [API_VERSION]
        return parts.path if is_known else ""

    def _answer(self, status: HTTPStatus, document: Mapping[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
