"""What a camera's redirect gets to see. The hosts are two of loopback's, and each keeps what it was asked."""

import hashlib
import itertools
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.credentials import CameraCredentials
from smartcam.capture.sources import redirect
from smartcam.capture.sources.redirect import authorization, refuse_redirect
from smartcam.contract.errors import CameraLost
from tests.rtsp.plain_camera import PlainCamera, Request
from tests.waiting import PATIENCE_S

LOGIN = CameraCredentials("viewer", "Zq9-Secret")
SCHEMES = ["Basic", "Digest"]


def dial(host: str, port: int, is_encrypted: bool) -> socket.socket:  # noqa: FBT001
    assert not is_encrypted
    return socket.create_connection((host, port), PATIENCE_S)


def login_of(scheme: str) -> tuple[str, str, str]:
    return scheme, LOGIN.user, LOGIN.password


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_camera_that_serves_its_callers_itself_is_passed(scheme: str) -> None:
    with PlainCamera(login=login_of(scheme)) as camera:
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
    assert [each.method for each in camera.asked] == ["OPTIONS", "OPTIONS", "DESCRIBE"]
    assert all(each.startswith(scheme) for each in camera.secrets)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("method", ["OPTIONS", "DESCRIBE"])
@pytest.mark.parametrize("knows_us", [True, False])
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Moved Temporarily", "305 Use Proxy", "399 X"])
def test_another_host_gets_no_password_and_is_named(scheme: str, method: str, knows_us: bool, status: str) -> None:  # noqa: FBT001
    with PlainCamera("127.0.0.2", login=login_of(scheme)) as other:

        def answer(request: Request) -> str | None:
            if request.method != method or (knows_us and "authorization" not in request.headers):
                return None
            return f"{status}\r\nLocation: {other.url}?token=Zq9-Secret"

        with PlainCamera(answer=answer, login=login_of(scheme)) as camera, pytest.raises(CameraLost) as caught:
            refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
        assert other.asked == []
        assert str(caught.value) == (
            f"the camera redirects to another host, rtsp://127.0.0.2:{other.port}, which gets no password: write that"
            " address in `url` if it is right"
        )


def test_a_redirect_within_the_camera_is_followed_and_the_next_host_is_looked_at_too() -> None:
    with PlainCamera("127.0.0.2") as other:

        def answer(request: Request) -> str | None:
            if request.method != "DESCRIBE":
                return None
            there = other.url if request.url.endswith("/second") else f"{camera.url}/second"
            return f"302 Found\r\nLocation: {there}"

        with PlainCamera(answer=answer) as camera, pytest.raises(CameraLost, match=r"127\.0\.0\.2"):
            refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
        assert other.asked == []
        answered = [each.url for each in camera.asked if each.method == "DESCRIBE"]
        assert answered == [camera.url, f"{camera.url}/second"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("", "none of RTSP"),
        ("/elsewhere", "none of RTSP"),
        ("http://127.0.0.1/x", "none of RTSP"),
        ("rtsp://[broken/x", "none of RTSP"),
        ("rtsp://127.0.0.1:port/x", "none of RTSP"),
        ("rtsp://viewer:Zq9-Secret@127.0.0.3/x", "another host, rtsp://127.0.0.3,"),
        ("rtsp://127.0.0.1@127.0.0.3/x", "another host, rtsp://127.0.0.3,"),
        ("rtsp://127.0.0.1.example/x", "another host, rtsp://127.0.0.1.example,"),
        ("RTSP://OTHER:99/x", "another host, rtsp://other:99,"),
        ("rtsp://[2001:DB8::7]:99/x", "another host, rtsp://[2001:db8::7]:99,"),
        ("rtsp://[2001:db8::7]/x", "another host, rtsp://[2001:db8::7],"),
    ],
)
def test_a_redirect_that_cannot_be_followed_is_said_in_words_without_a_secret(location: str, said: str) -> None:
    with (
        PlainCamera(answer=lambda _: f"302 Found\r\nLocation: {location}") as camera,
        pytest.raises(CameraLost, match=re.escape(said)) as caught,
    ):
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
    assert "Secret" not in str(caught.value)


def test_a_camera_that_redirects_for_ever_is_left() -> None:
    with (
        PlainCamera(answer=lambda each: f"302 Found\r\nLocation: {each.url}x") as camera,
        pytest.raises(CameraLost, match="again and again"),
    ):
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
    assert len(camera.asked) < 10


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_wrong_password_is_tried_once_and_said(scheme: str) -> None:
    with (
        PlainCamera(login=(scheme, "viewer", "another")) as camera,
        pytest.raises(CameraLost, match=r"refuses the user or the password \(401\)"),
    ):
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
    assert len(camera.secrets) == 1


@pytest.mark.parametrize(("times", "logins"), [(1, 3), (99, 2)])
def test_a_nonce_that_has_become_too_old_is_replaced_but_not_for_ever(times: int, logins: int) -> None:
    left = [times]

    def answer(request: Request) -> str | None:
        if "authorization" in request.headers and left[0]:
            left[0] -= 1
            return '401 Unauthorized\r\nWWW-Authenticate: Digest realm="camera", nonce="0123456789abcdef", stale=true'
        return None

    with PlainCamera(answer=answer, login=login_of("Digest")) as camera, suppress(CameraLost):
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)
    assert len(camera.secrets) == logins


def test_what_ffmpeg_will_name_is_left_to_it() -> None:
    with PlainCamera(answer=lambda _: "404 Not Found") as camera:
        refuse_redirect(camera.url, LOGIN, dial, PATIENCE_S)


@pytest.fixture
def talker() -> Iterator[tuple[str, list[bytes]]]:
    """A server that says these bytes, whatever it is asked, and keeps the line open until the test is over."""
    says, over = list[bytes](), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                accepted, _ = server.accept()
                with accepted:
                    accepted.recv(4096)
                    for each in says:
                        accepted.sendall(each)
                    over.wait()

        threading.Thread(target=serve, daemon=True).start()
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/l", says
        over.set()


@pytest.mark.parametrize(
    "says",
    [
        [b"HTTP/1.1 200 OK\r\n\r\n"],
        [b"RTSP/1.0\r\n\r\n"],
        [b"RTSP/1.0 abc\r\n\r\n"],
        [b"RTSP/1.0 200 OK\r\nContent-Length: many\r\n\r\n"],
        [b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x" * 200_000],
        [b"x" * 200_000],
    ],
)
def test_a_camera_that_answers_nonsense_is_left(talker: tuple[str, list[bytes]], says: list[bytes]) -> None:
    url, kept = talker
    kept += says
    with pytest.raises(CameraLost, match="does not answer as an RTSP camera does"):
        refuse_redirect(url, LOGIN, dial, PATIENCE_S)


def test_a_camera_that_says_nothing_is_left_when_its_time_is_over(talker: tuple[str, list[bytes]]) -> None:
    url, _ = talker
    with pytest.raises(CameraLost, match="does not answer within 1 s"):
        refuse_redirect(url, LOGIN, dial, 1)


def test_a_camera_that_answers_for_ever_gets_no_more_time_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(b"RTSP/1.0 200 OK\r\nX: " + b"y" * 200)
    times = itertools.count(0.0, 0.3)
    monkeypatch.setattr(redirect, "time", SimpleNamespace(monotonic=lambda: next(times)))
    monkeypatch.setattr(line, "recv", lambda _: Line.recv(line, 1))
    with pytest.raises(CameraLost, match="does not answer within 5 s"):
        refuse_redirect("rtsp://127.0.0.1/l", LOGIN, lambda *_: line, 5)  # type: ignore[arg-type]
    assert len(line.held) > 200


class Line:
    """A connection over which these bytes come, and then nothing more."""

    def __init__(self, held: bytes) -> None:
        self.held = held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def sendall(self, _: bytes) -> None:
        return

    def settimeout(self, _: float) -> None:
        return

    def recv(self, count: int) -> bytes:
        received, self.held = self.held[:count], self.held[count:]
        return received


ANSWERS = st.lists(
    st.sampled_from(
        [
            *(b"RTSP/1.0 401 X\r\n", b"RTSP/1.0 302 X\r\n", b"RTSP/1.0 200 OK\r\n", b"\r\n", b"=", b'"', b",", b" "),
            *(
                b"WWW-Authenticate: Digest realm=",
                b"WWW-Authenticate: ",
                b"Location: rtsp://",
                b"127.0.0.1",
                b"[",
                b"]",
            ),
            *(b"Content-Length: -5", b"nonce", b'qop="auth"', b":", b"\xff", b"\0", b"Basic", b"\n"),
        ]
    ),
    max_size=14,
).map(b"".join)


@given(ANSWERS | st.binary(max_size=60))
def test_whatever_a_camera_answers_it_is_passed_or_lost(said: bytes) -> None:
    with suppress(CameraLost):
        refuse_redirect("rtsp://127.0.0.1/l", LOGIN, lambda *_: Line(said), PATIENCE_S)  # type: ignore[arg-type]


def test_a_login_that_is_asked_for_in_broken_words_is_no_answer_of_a_camera() -> None:
    said = b"RTSP/1.0 401 X\r\nWWW-Authenticate: Digest realm=\r\n\r\n"
    with pytest.raises(CameraLost, match="does not answer as an RTSP camera does"):
        refuse_redirect("rtsp://127.0.0.1/l", LOGIN, lambda *_: Line(said), PATIENCE_S)  # type: ignore[arg-type]


def test_a_camera_that_is_not_there_is_said_in_words() -> None:
    with pytest.raises(CameraLost, match="Connection refused"):
        refuse_redirect("rtsp://127.0.0.1:1/l", LOGIN, dial, PATIENCE_S)


def test_a_digest_is_the_one_of_the_standard() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"'
    said = authorization(challenge, "GET", "/dir/index.html", CameraCredentials("Mufasa", "Circle Of Life"), 1)
    # RFC 2617's example without qop, which RFC 2069 corrected later prints as this.
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in said
    assert 'opaque="5ccc"' in said


def test_a_digest_with_quality_counts_each_use_of_a_nonce() -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
    said = authorization(challenge, "DESCRIBE", "rtsp://h/l", CameraCredentials("u", "p"), 2)
    client = re.search(r'cnonce="(\w+)"', said)
    assert client is not None
    parts = [hashlib.md5(each.encode()).hexdigest() for each in ("u:r:p", "DESCRIBE:rtsp://h/l")]  # noqa: S324
    expected = hashlib.md5(f"{parts[0]}:n:00000002:{client[1]}:auth:{parts[1]}".encode()).hexdigest()  # noqa: S324
    assert f'response="{expected}"' in said
    assert "nc=00000002" in said


def test_a_camera_whose_headers_do_not_end_is_not_heard_out() -> None:
    line = Line(b"RTSP/1.0 200 OK\r\n" + b"X-More: and more\r\n" * 100_000)
    with pytest.raises(CameraLost, match="does not answer as an RTSP camera does"):
        refuse_redirect("rtsp://127.0.0.1/l", LOGIN, lambda *_: line, PATIENCE_S)  # type: ignore[arg-type]
    assert len(line.held) > 1_000_000
