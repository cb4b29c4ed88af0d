"""Asks an RTSP camera whether it sends its callers elsewhere, before FFmpeg is given the password.

FFmpeg (8.1) follows a redirect with the user and the password of the first host, and has no option against it. Here
the camera is called as FFmpeg calls it, OPTIONS and DESCRIBE, and a redirect to another host is refused. A camera that
redirects only FFmpeg gains nothing by it: whom we call with a password may ask for it in the clear anyway (Basic).
"""

import base64
import hashlib
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from smartcam.capture.credentials import CameraCredentials
from smartcam.contract.errors import CameraLost

PORTS: Final = {"rtsp": 554, "rtsps": 322}
_MOST_HOPS: Final = 4
_MOST_LOGINS: Final = 2
"""The second one where the camera says that its nonce is too old."""
_LARGEST_ANSWER: Final = 65536
_UNAUTHORIZED: Final = 401
_REDIRECTS: Final = range(300, 400)
NO_ANSWER: Final = "does not answer as an RTSP camera does"

Dial = Callable[[str, int, bool], socket.socket]
"""Connects to a host and port, over TLS or not; raises OSError."""


@dataclass(frozen=True, slots=True)
class RtspAnswer:
    """What a camera says to a request; the headers' names are in lower case, each with all of its values."""

    status: int
    headers: Mapping[str, list[str]]


@dataclass(slots=True)
class RtspCall:
    """One connection to a camera. `until` is a time of the monotonic clock, in seconds."""

    line: socket.socket
    until: float
    login: CameraCredentials | None
    _held: bytes = b""
    _sequence: int = 0
    _logins: int = 0
    _challenge: str = field(default="", repr=False)
    _room: int = 0
    """Bytes that may still come of this answer."""

    def ask(self, method: str, url: str) -> RtspAnswer:
        """The answer, with the login where the camera asks for one. Raises OSError, ValueError, IndexError."""
        answer = self._exchange(method, url)
        for _ in range(_MOST_LOGINS):
            challenge = _chosen(answer.headers.get("www-authenticate", []))
            is_new = not self._challenge or "stale=true" in challenge.lower()
            if answer.status != _UNAUTHORIZED or self.login is None or not (challenge and is_new):
                break
            self._challenge = challenge
            answer = self._exchange(method, url)
        return answer

    def _exchange(self, method: str, url: str) -> RtspAnswer:
        self._sequence += 1
        head = f"{method} {url} RTSP/1.0\r\nCSeq: {self._sequence}\r\nUser-Agent: smartcam\r\n"
        if method == "DESCRIBE":
            head += "Accept: application/sdp\r\n"
        if self.login is not None and self._challenge:
            self._logins += 1
            head += f"Authorization: {authorization(self._challenge, method, url, self.login, self._logins)}\r\n"
        self.line.sendall(f"{head}\r\n".encode())
        return self._answer()

    def _answer(self) -> RtspAnswer:
        self._room = _LARGEST_ANSWER
        words = self._text_line().split()
        if len(words) < 2 or not words[0].startswith("RTSP/"):  # noqa: PLR2004
            raise ValueError(NO_ANSWER)
        headers: dict[str, list[str]] = {}
        while text := self._text_line():
            name, _, value = text.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        self._bytes(int(headers.get("content-length", ["0"])[-1]))
        return RtspAnswer(int(words[1]), headers)

    def _text_line(self) -> str:
        while b"\n" not in self._held:
            self._receive()
        text, _, self._held = self._held.partition(b"\n")
        return text.replace(b"\r", b"").decode("latin-1")

    def _bytes(self, count: int) -> None:
        while len(self._held) < count:
            self._receive()
        self._held = self._held[count:]

    def _receive(self) -> None:
        left_s = self.until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self.line.settimeout(left_s)
        received = self.line.recv(4096)
        self._room -= len(received)
        if not received or self._room < 0:
            raise ValueError(NO_ANSWER)
        self._held += received


def authorization(challenge: str, method: str, url: str, login: CameraCredentials, count: int) -> str:
    """The login as a camera's challenge wants it, for the `count`th time: Basic, or Digest with MD5 (RFC 2617)."""
    if _scheme(challenge) != "digest":
        return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    asked = parse_keqv_list(parse_http_list(challenge.partition(" ")[2]))
    realm, nonce, client = asked.get("realm", ""), asked.get("nonce", ""), secrets.token_hex(8)
    known = _md5(f"{login.user}:{realm}:{login.password}")
    if asked.get("algorithm", "").lower() == "md5-sess":
        known = _md5(f"{known}:{nonce}:{client}")
    middle = f"{count:08x}:{client}:auth:" if "qop" in asked else ""
    response = _md5(f"{known}:{nonce}:{middle}{_md5(f'{method}:{url}')}")
    said = f'Digest username="{login.user}", realm="{realm}", nonce="{nonce}", uri="{url}", response="{response}"'
    said += "".join(f', {key}="{asked[key]}"' for key in ("algorithm", "opaque") if key in asked)
    return said + (f', qop=auth, nc={count:08x}, cnonce="{client}"' if middle else "")


def refuse_redirect(url: str, login: CameraCredentials | None, dial: Dial, limit_s: float) -> None:
    """Returns where the camera at an address would serve FFmpeg itself, or refuse it for what FFmpeg will name.

    `url` holds no user before its host; where it holds the login inside, `login` is None.

    Raises:
        CameraLost: it redirects to another host, or from an encrypted connection to a plain one, or refuses the login,
            or cannot be reached. The message holds no secret.
    """
    until = time.monotonic() + limit_s
    for _ in range(_MOST_HOPS):
        here = urlsplit(url)
        try:
            location = _location(url, here, login, dial, until)
        except TimeoutError:
            raise CameraLost(f"does not answer within {limit_s:.0f} s") from None
        except ssl.SSLCertVerificationError as error:
            raise CameraLost(
                f"its certificate is not trusted ({error.verify_message}): name a file with the camera's certificate in"
                " `ca_file`, or write `verify: off`"
            ) from None
        except ssl.SSLError as error:
            raise CameraLost(f"no encrypted connection can be made ({error.reason or 'TLS fails'})") from None
        except OSError as error:
            raise CameraLost(error.strerror or str(error)) from None
        except (ValueError, IndexError):  # the latter from urllib, about a challenge such as `realm=`
            raise CameraLost(NO_ANSWER) from None
        if location is None:
            return
        _check_hop(here, location)
        url = location
    raise CameraLost("the camera redirects again and again")


def _location(url: str, here: SplitResult, login: CameraCredentials | None, dial: Dial, until: float) -> str | None:
    """Where the camera sends its callers; None where it serves or refuses them itself."""
    host, is_encrypted = unquote(here.hostname or ""), here.scheme == "rtsps"
    with dial(host, here.port or PORTS[here.scheme], is_encrypted) as line:
        call = RtspCall(line, until, login)
        for method in ("OPTIONS", "DESCRIBE"):
            answer = call.ask(method, url)
            if answer.status in _REDIRECTS:
                return answer.headers.get("location", [""])[-1]
            if answer.status == _UNAUTHORIZED and login is not None:
                raise CameraLost("the camera refuses the user or the password (401)")
            if answer.status != 200:  # noqa: PLR2004
                return None
    return None


def _check_hop(here: SplitResult, location: str) -> None:
    try:
        there = urlsplit(location)
        port = there.port
    except ValueError:
        there, port = urlsplit(""), None
    if there.scheme not in PORTS or not there.hostname or not there.hostname.isprintable():
        raise CameraLost("the camera redirects to an address that is none of RTSP")
    host = there.hostname[:253]
    shown = f"{there.scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port else "")
    if there.hostname != here.hostname:
        raise CameraLost(
            f"the camera redirects to another host, {shown}, which gets no password: write that address in `url` if it"
            " is right"
        )
    if here.scheme == "rtsps" and there.scheme != "rtsps":
        raise CameraLost(f"the camera redirects to {shown}, which is not encrypted: write that in `url` if it is right")


def _chosen(challenges: Sequence[str]) -> str:
    """As FFmpeg chooses: Digest where both are offered. Of several, the one that it can answer."""
    digests = [each for each in challenges if _scheme(each) == "digest"]
    spoken = [each for each in digests if "sha-" not in each.lower()]
    return next(iter(spoken or digests or challenges), "")


def _scheme(challenge: str) -> str:
    return challenge.partition(" ")[0].lower()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
