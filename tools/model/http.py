"""One question over HTTP, with an end: redirects are few and stay safe, and who sends too slowly is left.

urllib.request because it is in every Python and knows the proxies of the environment; urllib3 does not.
"""

import contextlib
import functools
import http.client
import io
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from smartcam import __version__
from smartcam.contract.reading import printable
from tools.model.address import check_address, is_here, redirected, shown
from tools.model.errors import FetchError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_REDIRECTS: Final = 5
_LONGEST_REASON: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Pace:
    """The least that a server must send: so many bytes in each window of so many seconds, its headers included."""

    window_s: float = 30.0
    least_bytes: int = 3000


USUAL_PACE: Final = Pace()

Answer = http.client.HTTPResponse
Answers = Callable[..., Answer]


def ask(
    address: str, headers: Mapping[str, str], pace: Pace = USUAL_PACE, clock: Callable[[], float] = time.monotonic
) -> Answer:
    """The answer at the end of all redirects, whatever its status; its reader closes it.

    Raises:
        FetchError: an address that must not be asked, too many redirects, nobody there, or an answer that is none.
    """
    check_address(address)
    here, asked = is_here(address), address
    for _ in range(MOST_REDIRECTS + 1):
        answer = _once(asked, headers, pace, clock)
        if answer.status not in _REDIRECTS:
            return answer
        answer.close()
        asked = redirected(asked, answer.headers.get("Location") or "", here=here)
    raise FetchError(shown(address), f"redirects more than {MOST_REDIRECTS} times; is it the right address?")


def _once(address: str, headers: Mapping[str, str], pace: Pace, clock: Callable[[], float]) -> Answer:
    opener = urllib.request.OpenerDirector()  # no handler of errors or redirects: both are decided here
    opener.add_handler(urllib.request.ProxyHandler({} if is_here(address) else None))
    opener.add_handler(_Http(functools.partial(_PacedAnswer, pace, clock)))
    opener.add_handler(_Https(functools.partial(_PacedAnswer, pace, clock)))
    # Compressed bytes would be neither the size nor the hash that was promised.
    said = {"User-Agent": f"smartcam/{__version__}", "Accept-Encoding": "identity", **headers}
    request = urllib.request.Request(address, headers=said)  # noqa: S310 -- the scheme was checked
    try:
        answer: Answer = opener.open(request, timeout=pace.window_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _complain(address, error)
    return answer


def _complain(address: str, error: Exception) -> NoReturn:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise FetchError(shown(address), f"its certificate is refused ({reason.verify_message})") from error
    raise FetchError(shown(address), f"cannot be reached ({in_words(reason)})", again=True) from error


def in_words(reason: object) -> str:
    """Why a connection failed. Part of it may be what the server said."""
    if isinstance(reason, TimeoutError):
        return "it does not answer in time, or too slowly"
    if isinstance(reason, ValueError):  # its text may hold a proxy's password
        return "its answer, or the address of a proxy in the environment, is malformed"
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else f"{type(reason).__name__}: {reason}"
    return printable(text)[:_LONGEST_REASON]


class _PacedReader(io.RawIOBase):
    """What a socket brings, for as long as it brings enough. A socket's own time-out begins anew with every byte."""

    def __init__(self, socket: socket.socket, pace: Pace, clock: Callable[[], float]) -> None:
        super().__init__()
        self._socket, self._pace, self._clock = socket, pace, clock
        self._held = socket.makefile("rb", buffering=0)  # keeps it open until this is closed
        self._begun, self._came = clock(), 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """As a file's. Raises TimeoutError for a window in which too little came."""
        while True:
            left = self._begun + self._pace.window_s - self._clock()
            if left <= 0:
                if self._came < self._pace.least_bytes:
                    raise TimeoutError
                self._begun, self._came = self._clock(), 0
                continue
            self._socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                count = self._socket.recv_into(buffer)
                self._came += count
                return count

    def close(self) -> None:
        """Let go of the socket."""
        self._held.close()
        super().close()


class _PacedAnswer(http.client.HTTPResponse):
    def __init__(self, pace: Pace, clock: Callable[[], float], socket: socket.socket, *, method: str) -> None:
        super().__init__(socket, method=method)
        self.fp.close()
        self.fp = io.BufferedReader(_PacedReader(socket, pace, clock))


class _Http(urllib.request.HTTPHandler):
    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_connected, http.client.HTTPConnection, self._answers), request)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        connect = functools.partial(_connected, http.client.HTTPSConnection, self._answers)
        return self.do_open(connect, request, context=ssl.create_default_context())


def _connected(
    kind: type[http.client.HTTPConnection], answers: Answers, host: str, **more: object
) -> http.client.HTTPConnection:
    connection = kind(host, **more)  # type: ignore[arg-type]
    connection.response_class = answers  # type: ignore[assignment]
    return connection
