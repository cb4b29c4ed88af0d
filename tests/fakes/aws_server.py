"""The token exchange service and S3 on 127.0.0.1, as far as a device meets them; signatures are checked by botocore."""

import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import md5
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import unescape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

ACCESS_KEY: Final = "ASIAEXAMPLE"
SECRET_KEY: Final = "secret/of+nobody"  # noqa: S105 - a dummy
SESSION: Final = "session//token=="
REGION: Final = "eu-west-1"
SMALLEST_PIECE: Final = 5 << 20


@dataclass
class FakeExchange:
    """Hands out credentials to who knows the token; set `status`, `body` or `delay_s` to make it fail."""

    token: str = "let-me-in"  # noqa: S105 - a dummy
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    session: str = SESSION
    status: int = 200
    body: bytes | None = None
    valid_s: float = 3600
    delay_s: float = 0
    asked: int = 0
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What the nucleus and the start script give to a component."""
        return {
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://localhost:{self.port}/2016-11-01/credentialprovider/",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token,
        }

    def answer(self, authorization: str | None) -> tuple[int, bytes]:
        self.asked += 1
        time.sleep(self.delay_s)
        if authorization != self.token:
            return 403, b"no"
        document = {
            "AccessKeyId": self.access_key,
            "SecretAccessKey": self.secret_key,
            "Token": self.session,
            "Expiration": f"{datetime.now(UTC) + timedelta(seconds=self.valid_s):%Y-%m-%dT%H:%M:%SZ}",
        }
        return self.status, self.body if self.body is not None else json.dumps(document).encode()


@dataclass
class FakeS3:
    """Keeps what is put with a right signature; `refusals` are answered first, one by one."""

    objects: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    refusals: list[int] = field(default_factory=list)
    puts: int = 0
    port: int = 0

    pieces: dict[str, dict[int, bytes]] = field(default_factory=dict)
    """Of the uploads that go on, by their ids."""

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, str]:
        """The status, the answer and its tag."""
        self.puts += 1
        if self.refusals:
            return self.refusals.pop(0), b"<Error><Code>AccessDenied</Code></Error>", ""
        if headers["authorization"] != expected_authorization(path, headers, body, method):
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", ""
        place, _, query = path.partition("?")
        if query:
            return self._in_pieces(method, place, dict(parse_qsl(query, keep_blank_values=True)), headers, body)
        self.objects[place] = body
        self.types[place] = headers["content-type"]
        return 200, b"", ""

    def _in_pieces(
        self, method: str, place: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, str]:
        if "uploads" in query:
            upload = f"upload.{len(self.pieces)}+{place[-1]}/"
            self.pieces[upload], self.types[place] = {}, headers["content-type"]
            return 200, f"<R><UploadId>{upload}</UploadId></R>".encode(), ""
        pieces = self.pieces.get(query["uploadId"])
        if pieces is None:
            return 404, b"<Error><Code>NoSuchUpload</Code></Error>", ""
        if method == "PUT":
            number = int(query["partNumber"])
            pieces[number] = body
            return 200, b"", f'"{md5(body).hexdigest()}"'  # noqa: S324  as S3 does
        tags = [unescape(tag, {"&quot;": '"'}) for tag in re.findall("<ETag>(.*?)</ETag>", body.decode())]
        given = [f'"{md5(pieces[number]).hexdigest()}"' for number in sorted(pieces)]  # noqa: S324
        is_small = any(len(pieces[number]) < SMALLEST_PIECE for number in sorted(pieces)[:-1])
        if tags != given or is_small:
            return 200, b"<Error><Code>InvalidPart</Code></Error>", ""
        self.objects[place] = b"".join(pieces[number] for number in sorted(pieces))
        del self.pieces[query["uploadId"]]
        return 200, b"<CompleteMultipartUploadResult/>", ""


def expected_authorization(path: str, headers: dict[str, str], body: bytes, method: str = "PUT") -> str:
    """What botocore would have written for the same request at the same time."""
    place, _, query = path.partition("?")
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    request = AWSRequest(method, f"https://{headers['host']}{place}", data=body, params=parameters)
    if "content-type" in headers:
        request.headers["content-type"] = headers["content-type"]
    request.context["timestamp"] = headers["x-amz-date"]
    request.headers["X-Amz-Date"] = headers["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = SESSION
    request.headers["X-Amz-Content-SHA256"] = headers["x-amz-content-sha256"]
    signer = S3SigV4Auth(BotoCredentials(ACCESS_KEY, SECRET_KEY, SESSION), "s3", REGION)
    request.headers["host"] = headers["host"]
    text = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, text), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"


@contextmanager
def serving(what: FakeExchange | FakeS3, certificate: tuple[Path, Path] | None = None) -> Iterator[None]:
    """Serve it on 127.0.0.1, on a free port or the one it had before, over TLS where there is a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(what, FakeExchange)
            self._reply(*what.answer(self.headers.get("Authorization")))

        def do_PUT(self) -> None:
            assert isinstance(what, FakeS3)
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {k.lower(): v for k, v in self.headers.items()}
            self._reply(*what.answer(self.command, self.path, headers, body))

        do_POST = do_PUT  # noqa: N815  the server's names

        def _reply(self, status: int, body: bytes, tag: str = "") -> None:
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", what.port), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    what.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
