"""The console's door: every request passes it before anything else sees it."""

import asyncio
import hmac
import json
import logging
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartcam.console.access import PasswordUnreadable, Session, Sessions
from smartcam.edge.logs import log_exception

logger = logging.getLogger(__name__)

TOKEN_HEADER: Final = "x-smartcam-token"  # noqa: S105  a header's name
SESSION_PATH: Final = "/api/session"
LARGEST_BODY: Final = 64 * 1024
_BODY_S: Final = 10.0
_API: Final = "/api/"
_READING: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Why a request goes no further: an HTTP status, and words."""

    status: int
    words: str


def cookie_name(*, is_tls: bool) -> str:
    """The session's cookie. With TLS, browsers take it from no other host and send it nowhere else (RFC 6265bis)."""
    return "__Host-smartcam" if is_tls else "smartcam"


class Door:
    """Lets a request through to `app` if it comes from our own page, and from somebody who is signed in.

    What it lets through has `request.state.session`, None where nobody is signed in, and its body has arrived whole.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, names: tuple[str, ...] = (), *, is_tls: bool = False) -> None:
        """`names`: by which the console is reached, besides addresses and localhost."""
        self._app = app
        self._sessions = sessions
        self._names = frozenset({*names, "localhost"})
        self._is_tls = is_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's entry point."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = _Started(send, is_kept=not scope["path"].startswith(_API))
        try:
            refusal = self._refusal(scope)
            if refusal is None and scope["type"] == "http" and scope["method"] not in _READING:
                body = await _body(Headers(scope=scope), receive)
                if isinstance(body, bytes):
                    receive = _replaying(body, receive)
                else:
                    refusal = body
            if refusal is not None:
                await _refuse(scope, refusal, started.send)
            else:
                await self._app(scope, receive, started.send)
        except PasswordUnreadable as error:
            await _refuse(scope, TurnedAway(503, str(error)), started.send)
        except Exception as error:  # noqa: BLE001  the edge of a request: one that fails takes nobody with it
            log_exception(logger, "request_failed", error, path=scope["path"])
            if not started.is_started:
                await _refuse(scope, TurnedAway(500, "the console has failed here: see its log"), started.send)

    def _refusal(self, scope: Scope) -> TurnedAway | None:
        """Raises PasswordUnreadable."""
        headers = Headers(scope=scope)
        is_socket = scope["type"] == "websocket"
        host = headers.get("host", "")
        if not self._is_ours(host):
            return TurnedAway(421, "the console is not known by this name: use its address, or add the name to `names`")
        origin = headers.get("origin")
        if origin is None:
            # Browsers name the origin of every WebSocket, and of whatever changes something.
            if is_socket or headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
                return TurnedAway(403, "this does not come from the console's own page")
        elif origin.lower() != f"{'https' if self._is_tls else 'http'}://{host}".lower():
            return TurnedAway(403, "this comes from another page than the console's own")
        return self._unsigned(scope, headers)

    def _unsigned(self, scope: Scope, headers: Headers) -> TurnedAway | None:
        """Why it is refused even though it comes from our page. Raises PasswordUnreadable."""
        cookie = cookie_parser(headers.get("cookie", "")).get(cookie_name(is_tls=self._is_tls))
        session = self._sessions.find(cookie)
        scope.setdefault("state", {})["session"] = session
        if scope["type"] == "http" and _is_open(scope["path"], scope["method"]):
            return None
        if session is None:
            return TurnedAway(401, "sign in first")
        if scope["type"] == "http" and scope["method"] not in _READING and not _has_token(session, headers):
            return TurnedAway(403, "the token is not the session's: load the page again")
        return None

    def _is_ours(self, host: str) -> bool:
        """A name can be made to lead here by whoever owns it; an address cannot, and the port may be a tunnel's."""
        name = _without_port(host.lower())
        if name in self._names:
            return True
        try:
            ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True


class _Started:
    """Adds our headers to a response, and knows whether it has begun."""

    def __init__(self, send: Send, *, is_kept: bool) -> None:
        self._send = send
        self._is_kept = is_kept
        self.is_started = False

    async def send(self, message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
            self.is_started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-cache" if self._is_kept else "no-store")
        await self._send(message)


def _is_open(path: str, method: str) -> bool:
    """Whether it is for everybody: the files of the page, which lie in no folder, and signing in."""
    return path.count("/") == 1 or (path == SESSION_PATH and method != "DELETE")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (":" not in name or name.endswith("]")) else host


def _has_token(session: Session, headers: Headers) -> bool:
    given = headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), session.token.encode())


async def _body(headers: Headers, receive: Receive) -> bytes | TurnedAway:
    """The whole body: a little JSON, so that more, or a slow one, is somebody else's."""
    too_large = TurnedAway(413, f"a request has at most {LARGEST_BODY} bytes")
    said = headers.get("content-length", "0")
    if not said.isdigit() or int(said) > LARGEST_BODY:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY:
                    return too_large
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return TurnedAway(408, f"the request did not arrive within {_BODY_S:.0f} s")


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Receives the body that has arrived already, and then what comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(scope: Scope, refusal: TurnedAway, send: Send) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = json.dumps({"error": refusal.words}).encode()
    # What is left of the request is not read: the connection ends.
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
