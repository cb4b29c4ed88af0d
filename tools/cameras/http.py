"""One HTTP request to a camera, with an end: nothing it does, however slowly, takes longer than was granted."""

import contextlib
import http
import http.client
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from smartcam.capture.credentials import CameraCredentials
from tools.cameras.addresses import ServiceAddress
from tools.cameras.digest import digest_answer
from tools.cameras.envelope import LARGEST_ANSWER, NotUnderstood

GRANTED_S: Final = 15.0
"""For all questions to one camera."""
_ONE_S: Final = 5.0
_MOST_CHALLENGES: Final = 8
_LATE: Final = "it does not answer in time"
_HEADERS: Final = {"Content-Type": "application/soap+xml; charset=utf-8", "Connection": "close"}


class HttpPost:
    """Posts to the services of one camera until the time that it has been granted is over. See `onvif.Post`.

    With a login it answers a challenge by digest; it never sends the password itself.
    """

    def __init__(
        self,
        login: CameraCredentials | None = None,
        granted_s: float = GRANTED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._login = login
        self._clock = clock
        self._end = clock() + granted_s

    def __call__(self, service: ServiceAddress, body: bytes) -> tuple[int, bytes]:
        """Status and answer, no more of it than may be read. Raises NotUnderstood."""
        status, raw, challenges = self._once(service, body, {})
        if status != http.HTTPStatus.UNAUTHORIZED or self._login is None:
            return status, raw
        number = secrets.token_hex(8)
        answers = [digest_answer(each, self._login, "POST", service.path, number) for each in challenges]
        answer = next(filter(None, answers), "")
        if not answer:
            return status, raw
        return self._once(service, body, {"Authorization": answer})[:2]

    def _once(self, service: ServiceAddress, body: bytes, more: Mapping[str, str]) -> tuple[int, bytes, list[str]]:
        left = min(_ONE_S, self._end - self._clock())
        if left <= 0:
            raise NotUnderstood(_LATE)
        connection = http.client.HTTPConnection(service.host, service.port, timeout=left)
        over = threading.Event()
        try:
            connection.connect()
            with _ended_after(left, connection.sock, over):
                connection.request("POST", service.path, body, {**_HEADERS, **more})
                answer = connection.getresponse()
                raw = answer.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if over.is_set() or isinstance(error, TimeoutError):
                raise NotUnderstood(_LATE) from error
            raise NotUnderstood(f"it cannot be asked ({type(error).__name__})") from error
        finally:
            connection.close()
        if over.is_set():  # what was cut off may look like a short answer
            raise NotUnderstood(_LATE)
        return answer.status, raw, answer.headers.get_all("WWW-Authenticate", [])[:_MOST_CHALLENGES]


@contextlib.contextmanager
def _ended_after(seconds: float, door: socket.socket, over: threading.Event) -> Iterator[None]:
    """A socket's own time-out begins anew with every byte; this one does not."""

    def end() -> None:
        over.set()
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
