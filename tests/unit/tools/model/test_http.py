"""One question over HTTP: where it may lead, and how long it may take."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.file_server import HOST, FileServer, serving
from tools.model.errors import FetchError
from tools.model.http import MOST_REDIRECTS, Pace, ask


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(FileServer({"/m": b"model"})) as server:
        yield server


def read(address: str, pace: Pace = Pace()) -> bytes:  # noqa: B008
    with contextlib.closing(ask(address, {}, pace)) as answer:
        return answer.read()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(server: FileServer, status: int) -> None:
    server.redirects = {"/old": (status, "/m"), "/older": (status, server.address("/old"))}
    assert read(server.address("/older")) == b"model"


def test_redirects_in_a_circle_end(server: FileServer) -> None:
    server.redirects = {"/a": (302, "/b"), "/b": (302, "/a")}
    with pytest.raises(FetchError, match=r"/a: redirects more than 5 times") as caught:
        read(server.address("/a"))
    assert len(server.asked) == MOST_REDIRECTS + 1
    assert not caught.value.again


@pytest.mark.parametrize("location", [
    "file:///etc/passwd", "ftp://127.0.0.1/m", "http://example.org/m", "//example.org/m", "", "data:,x", "gopher://h",
    "https://user:hunter2@127.0.0.1/m", "http://[::1", "http://127.0.0.1:99999/",
    "http://127.0.0.1.example.org/m", "http://example.org#127.0.0.1",
])  # fmt: skip
def test_a_redirect_to_anything_else_is_refused_without_asking(server: FileServer, location: str) -> None:
    server.redirects = {"/old": (302, location)}
    with pytest.raises(FetchError, match="/old: redirects ") as caught:
        read(server.address("/old"))
    assert "hunter2" not in str(caught.value)
    assert server.paths()[0] == "/old"
    assert len(server.asked) == (MOST_REDIRECTS + 1 if location == "" else 1)


def test_a_redirects_query_is_not_printed_because_it_may_hold_a_key(server: FileServer) -> None:
    server.redirects = {"/old": (302, "http://example.org/m?sig=hunter2#hunter2")}
    with pytest.raises(FetchError, match=r"redirects to http://example.org/m: must begin with https") as caught:
        read(server.address("/old"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", [
    "http://example.org/m", "ftp://127.0.0.1/m", "file:///etc/passwd", "https://", "https://a b/", "https://h/\n",
    "https://u:hunter2@example.org/m", "https://[::1", "https://h:x/", "https://bücher.example/m", "://",
    "https://h/" + "x" * 5000,
])  # fmt: skip
def test_an_address_that_must_not_be_asked_is_refused(address: str) -> None:
    with pytest.raises(FetchError) as caught:
        ask(address, {})
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_nobody_there_is_told() -> None:
    with socket.create_server((HOST, 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(
        FetchError, match=rf"http://127.0.0.1:{port}/m: cannot be reached \(Connection refused\)"
    ) as caught:
        read(f"http://{HOST}:{port}/m")
    assert caught.value.again


def test_a_proxy_is_not_asked_for_this_machine(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert read(server.address("/m")) == b"model"


def test_a_proxy_is_asked_for_the_world(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{HOST}:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(FetchError, match=r"https://example.org/m: cannot be reached \(.*501"):
        read("https://example.org/m")


@pytest.mark.parametrize("proxy", ["http:/user:hunter2@x", "http://user:hunter2@[::1", "http://u:hunter2@h:x"])
def test_a_proxys_password_is_never_said(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(FetchError, match=r"https://example.org/m: cannot be reached") as caught:
        read("https://example.org/m")
    assert "hunter2" not in str(caught.value)


@contextlib.contextmanager
def saying(parts: list[bytes], again: bytes = b"", pause: float = 0.02) -> Iterator[str]:
    """A server that says just this to whoever comes, the last of it for five seconds; its address."""
    over = threading.Event()

    def serve(door: socket.socket) -> None:
        while not over.is_set():
            line, _ = door.accept()
            with line, contextlib.suppress(OSError):
                for part in parts:
                    line.sendall(part)
                for _ in range(round(5 / pause)):
                    if not again or over.wait(pause):
                        break
                    line.sendall(again)

    with socket.create_server((HOST, 0)) as door:
        address = f"http://{HOST}:{door.getsockname()[1]}/m"
        thread = threading.Thread(target=serve, args=(door,), daemon=True)
        thread.start()
        yield address
        over.set()
        socket.create_connection(door.getsockname()).close()
        thread.join(5)


DRIPS = {
    "its status": ([b"HTTP/1.1 2"], b"0"),
    "a header": ([b"HTTP/1.1 200 OK\r\nX: "], b"y"),
    "headers without end": ([b"HTTP/1.1 100 Continue\r\n"], b"X: y\r\n"),
    "the size of a chunk": ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], b"0"),
    "its body": ([b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"], b"y"),
}


@pytest.mark.parametrize(("parts", "again"), DRIPS.values(), ids=DRIPS.keys())
def test_who_drips_is_left(parts: list[bytes], again: bytes) -> None:
    """It drips for ever."""
    with saying(parts, again) as address, pytest.raises((FetchError, OSError, ValueError)):
        read(address, Pace(window_s=0.3))


@pytest.mark.parametrize("nonsense", [
    b"", b"\x1b[2J\x9b1m\r\n\r\n", b"\x00" * 100, b"HTTP/1.1 abc OK\r\n\r\n",
    b"SSH-2.0-x\r\n", b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500,
    b"HTTP/1.1 200 " + b"x" * 100_000, b"HTTP/1.1 99999 OK\r\n\r\n", b"HTTP/1.1 -5 OK\r\n\r\n",
])  # fmt: skip
def test_an_answer_that_is_none_is_told(nonsense: bytes) -> None:
    with saying([nonsense]) as address, pytest.raises(FetchError, match="/m: cannot be reached") as caught:
        read(address)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_silent_server_is_left() -> None:
    with socket.create_server((HOST, 0)) as door, pytest.raises(FetchError, match="does not answer in time"):
        read(f"http://{HOST}:{door.getsockname()[1]}/m", Pace(window_s=0.2))


def certificate(folder: Path, name: str) -> Path:
    """A certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "tls.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextlib.contextmanager
def saying_under_tls(file: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def serve(door: socket.socket) -> None:
        line, _ = door.accept()
        with contextlib.suppress(OSError), context.wrap_socket(line, server_side=True) as sealed:
            sealed.recv(10_000)
            sealed.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nmodel")
        line.close()

    with socket.create_server((HOST, 0)) as door:
        thread = threading.Thread(target=serve, args=(door,), daemon=True)
        thread.start()
        yield door.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(("name", "trusted"), [("localhost", True), ("localhost", False), ("other.example", True)])
def test_a_certificate_must_be_trusted_and_of_this_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,  # noqa: FBT001
) -> None:
    file = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(file if trusted else tmp_path / "none"))
    with saying_under_tls(file) as port:
        if (name, trusted) == ("localhost", True):
            assert read(f"https://localhost:{port}/m") == b"model"
            return
        with pytest.raises(FetchError, match="its certificate is refused") as caught:
            read(f"https://localhost:{port}/m")
        assert not caught.value.again
