"""The ways by which cameras are called: redirects, encryption, datagrams; through FFmpeg, against a plain camera."""

import errno
import ipaddress
import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smartcam.capture.settings import RtspTransport, SourceSettings
from smartcam.capture.sources import pyav_live
from smartcam.capture.sources.opening import open_source
from smartcam.contract.errors import CameraLost
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from tests.rtsp.plain_camera import PlainCamera, Request
from tests.rtsp.test_rtsp_source import settings, take

USER, PASSWORD = "viewer", "Zq9-Secret"
DAY = timedelta(days=1)


def width_of(chosen: SourceSettings) -> int:
    """How wide the first picture is."""
    with closing(open_source(chosen, SystemClock(), StopToken())) as source:
        return take(source)[0].picture.width


def refusal(chosen: SourceSettings) -> str:
    with pytest.raises(CameraLost) as caught:
        width_of(chosen)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "credentials"
    path.write_text(f"user={USER}\npassword={PASSWORD}\n")
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
def test_a_camera_that_asks_for_the_password_gets_it(secret: str, scheme: str) -> None:
    with PlainCamera(login=(scheme, USER, PASSWORD)) as camera:
        assert width_of(settings(camera.url, secret)) == 320


def test_a_camera_may_call_its_session_by_a_name_in_another_encoding_than_ours() -> None:
    with PlainCamera(session="Caméra".encode("latin-1")) as camera:
        assert width_of(settings(camera.url)) == 320


def test_a_camera_that_still_clears_away_after_our_own_question_is_asked_again(secret: str) -> None:
    described = 0

    def answer(request: Request) -> str | None:
        nonlocal described
        described += request.method == "DESCRIBE" and "authorization" in request.headers
        return "503 Service Unavailable" if request.method == "DESCRIBE" and described in {2, 3} else None

    with PlainCamera(login=("Digest", USER, PASSWORD), answer=answer) as camera:
        assert width_of(settings(camera.url, secret)) == 320


def test_a_camera_that_goes_on_refusing_is_lost(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav_live, "_FREE_S", 0.3)
    with PlainCamera(login=("Digest", USER, PASSWORD), answer=lambda _: "503 Service Unavailable") as camera:
        assert "5XX" in refusal(settings(camera.url, secret))


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
def test_a_camera_that_asks_for_a_password_says_which_key_is_missing(scheme: str) -> None:
    with PlainCamera(login=(scheme, USER, PASSWORD)) as camera:
        said = refusal(settings(camera.url))
    assert said == f"{camera.url}: the camera wants a user and a password: name a file in `credentials` (401)"


@pytest.mark.parametrize("login", ["", "secret"])
@pytest.mark.parametrize("scheme", ["rtsp", "rtsps"])
def test_a_host_that_nobody_knows_is_said(request: pytest.FixtureRequest, scheme: str, login: str) -> None:
    said = refusal(settings(f"{scheme}://gate.invalid/live", request.getfixturevalue(login) if login else ""))
    assert said.startswith(f"{scheme}://gate.invalid/live: ")
    assert "name" in said.lower().split(": ", 1)[1]


@pytest.mark.parametrize("scope", ["%25eth0", "%eth0"])
def test_the_scope_of_a_link_local_address_is_given_as_ffmpeg_takes_it(
    monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    called: list[str] = []

    def refuse(target: str, **_: object) -> None:
        called.append(target)
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr("av.open", refuse)
    said = refusal(settings(f"rtsp://[fe80::1{scope}]:8554/live%25"))
    assert said == f"rtsp://[fe80::1{scope}]:8554/live%25: Network is unreachable"
    assert called == ["rtsp://[fe80::1%eth0]:8554/live%25"]


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE"])
def test_a_redirect_to_another_host_gets_no_password(secret: str, scheme: str, method: str) -> None:
    with PlainCamera("127.0.0.2", login=(scheme, USER, PASSWORD)) as other:

        def answer(request: Request) -> str | None:
            return f"302 Found\r\nLocation: {other.url}" if request.method == method else None

        with PlainCamera(answer=answer, login=(scheme, USER, PASSWORD)) as camera:
            said = refusal(settings(camera.url, secret))
        assert said.startswith(f"{camera.url}: the camera redirects to another host, rtsp://127.0.0.2:{other.port},")
        assert (other.secrets, other.asked) == ([], [])


def test_a_password_inside_the_address_is_not_sent_on_by_a_redirect(secret: str) -> None:
    with PlainCamera("127.0.0.2") as other:

        def answer(request: Request) -> str:
            return f"302 Found\r\nLocation: {other.url}/{request.url.rsplit('/', 1)[1]}"

        with PlainCamera(answer=answer) as camera:
            said = refusal(settings(camera.url + "/{user}:{password}", secret))
        assert "redirects to another host" in said
        assert other.asked == []


def test_without_a_password_a_redirect_is_followed() -> None:
    with (
        PlainCamera("127.0.0.2") as other,
        PlainCamera(answer=lambda _: f"302 Found\r\nLocation: {other.url}") as camera,
    ):
        assert width_of(settings(camera.url)) == 320


def test_a_redirect_within_the_camera_keeps_the_password(secret: str) -> None:
    def answer(request: Request) -> str | None:
        return None if request.url.split("/live")[1] else f"302 Found\r\nLocation: {request.url}/second"

    with PlainCamera(answer=answer, login=("Digest", USER, PASSWORD)) as camera:
        assert width_of(settings(camera.url, secret)) == 320


def test_a_camera_that_sends_datagrams_only_says_which_key_helps_and_plays_with_it() -> None:
    with PlainCamera(lower=frozenset({"udp"})) as camera:
        said = refusal(settings(camera.url))
        assert said == f"{camera.url}: the camera does not send its pictures over TCP: write `rtsp_transport: udp`"
        assert width_of(replace(settings(camera.url), rtsp_transport=RtspTransport.UDP)) == 320


@pytest.mark.parametrize("login", ["", "secret"])
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\0"])
def test_something_that_is_no_camera_is_said_to_be_none(
    request: pytest.FixtureRequest, login: str, answer: bytes
) -> None:
    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                with line:
                    line.recv(1000)
                    line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"
        said = refusal(settings(url, request.getfixturevalue(login) if login else ""))
        server.shutdown(socket.SHUT_RDWR)
    assert said == f"{url}: does not answer as an RTSP camera does"


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="nothing here encodes AV1")
def test_a_camera_that_sends_av1_is_shown() -> None:
    with PlainCamera(codec="AV1") as camera:
        assert width_of(settings(camera.url)) == 320


def test_a_camera_that_sends_no_datagrams_says_which_key_helps() -> None:
    with PlainCamera(lower=frozenset({"tcp"})) as camera:
        said = refusal(replace(settings(camera.url), rtsp_transport=RtspTransport.UDP))
        assert said.endswith("does not send its pictures over UDP: write `rtsp_transport: tcp`")


def test_datagrams_of_others_than_the_camera_are_no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav_live, "_OPEN_S", 3.0)
    with PlainCamera(is_impostor=True) as camera:
        chosen = replace(settings(camera.url), rtsp_transport=RtspTransport.UDP)
        with closing(open_source(chosen, SystemClock(), StopToken())) as source:
            assert [source.read() for _ in range(2)] == [None, None]


def certified(
    folder: Path, address: str = "127.0.0.1", *, ends: timedelta = DAY, is_authority: bool = False
) -> tuple[ssl.SSLContext, str]:
    """A camera's side of TLS with a certificate that it made itself, as cameras do, and that certificate's file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), 5, now - 2 * DAY, now + ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret_key = folder / "camera.pem", folder / "camera.key"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret_key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret_key)
    return context, str(certificate)


@pytest.mark.parametrize("is_authority", [True, False])
def test_an_encrypted_camera_plays_with_its_own_certificate(tmp_path: Path, secret: str, is_authority: bool) -> None:  # noqa: FBT001
    tls, certificate = certified(tmp_path, is_authority=is_authority)
    with PlainCamera(tls=tls, login=("Digest", USER, PASSWORD)) as camera:
        assert width_of(replace(settings(camera.url, secret), ca_file=certificate)) == 320


def test_a_certificate_that_nobody_vouches_for_gets_no_password_and_names_both_remedies(
    tmp_path: Path, secret: str
) -> None:
    tls, _ = certified(tmp_path)
    with PlainCamera(tls=tls, login=("Basic", USER, PASSWORD)) as camera:
        said = refusal(settings(camera.url, secret))
        assert "its certificate is not trusted" in said
        assert "name a file with the camera's certificate in `ca_file`, or write `verify: off`" in said
        assert camera.asked == []


def test_ffmpeg_checks_the_certificate_by_itself_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav_live, "_ask_first", lambda *_: None)
    tls, certificate = certified(tmp_path)
    with PlainCamera(tls=tls) as camera:
        assert "Input/output error" in refusal(settings(camera.url))
        assert camera.asked == []
        assert width_of(replace(settings(camera.url), ca_file=certificate)) == 320


@pytest.mark.parametrize(("address", "ends"), [("127.0.0.9", DAY), ("127.0.0.1", -DAY)])
def test_a_certificate_of_another_host_or_of_yesterday_is_refused(
    tmp_path: Path, address: str, ends: timedelta
) -> None:
    tls, certificate = certified(tmp_path, address, ends=ends)
    with PlainCamera(tls=tls) as camera:
        assert "its certificate is not trusted" in refusal(replace(settings(camera.url), ca_file=certificate))
        assert camera.asked == []


@pytest.mark.parametrize("scheme", ["rtsps", "RTSPS"])
def test_an_unchecked_certificate_is_a_written_choice_and_the_connection_is_encrypted(
    tmp_path: Path, secret: str, scheme: str
) -> None:
    tls, _ = certified(tmp_path, "127.0.0.9")
    with PlainCamera(tls=tls, login=("Digest", USER, PASSWORD)) as camera:
        url = camera.url.replace("rtsps", scheme)
        assert width_of(replace(settings(url, secret), verify=False)) == 320


def test_an_encrypted_camera_does_not_lead_to_a_plain_connection(tmp_path: Path, secret: str) -> None:
    tls, certificate = certified(tmp_path)
    with (
        PlainCamera() as plain,
        PlainCamera(tls=tls, answer=lambda _: f"302 Found\r\nLocation: {plain.url}") as camera,
    ):
        said = refusal(replace(settings(camera.url, secret), ca_file=certificate))
        assert f"redirects to rtsp://127.0.0.1:{plain.port}, which is not encrypted" in said
        assert plain.asked == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    said = refusal(replace(settings("rtsps://127.0.0.1:1/l"), ca_file=str(file)))
    assert f"ca_file {file}: " in said


def test_a_plain_camera_that_is_called_encrypted_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.recv(4096)
                accepted.sendall(b"RTSP/1.0 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        said = refusal(settings(f"rtsps://127.0.0.1:{server.getsockname()[1]}/live"))
    assert "no encrypted connection can be made" in said
