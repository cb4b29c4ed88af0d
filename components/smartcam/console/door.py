"""The console's door: every request passes it before anything else sees it. And its bell: signing in and out."""

import asyncio
import hmac
import logging
import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartcam.console.access import LONGEST, Guesses, PasswordUnreadable, Session, Sessions
from smartcam.console.settings import ConsoleSettings
from smartcam.contract.reading import Fields, parse_object
from smartcam.edge.logs import log, log_exception

logger = logging.getLogger(__name__)

TOKEN_HEADER: Final = "x-smartcam-token"  # noqa: S105  a header's name
SESSION_PATH: Final = "/api/session"
LARGEST_BODY: Final = 64 * 1024
_BODY_S: Final = 10.0
_API: Final = "/api/"
_READING: Final = frozenset({"GET", "HEAD"})
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::\d+)?", re.ASCII)
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
    " media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def cookie_name(*, is_tls: bool) -> str:
    """The session's cookie. With TLS, browsers take it from no other host and send it nowhere else (RFC 6265bis)."""
    return "__Host-smartcam" if is_tls else "smartcam"


def fields_of(request: Request) -> Fields:
    """The document that a request has brought; one without any has no fields. Raises ContractError."""
    return Fields(parse_object(request.state.body or b"{}", "request"))


class Door:
    """Lets a request through to `app` if it comes from our own page, and from somebody who is signed in.

    What it lets through has `request.state.session`, None where nobody is signed in, and its whole body in
    `request.state.body`.
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
        is_started = False

        async def answer(message: Message) -> None:
            nonlocal is_started
            if message["type"].endswith((".start", ".accept")):
                is_started = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith(_API) else "no-cache")
            await send(message)

        try:
            self._look_at(scope, Headers(scope=scope))
            is_reading = scope["type"] == "websocket" or scope["method"] in _READING
            scope["state"]["body"] = b"" if is_reading else await _body(Request(scope, receive))
            await self._app(scope, receive, answer)
        except HTTPException as error:
            await _refusal(error.status_code, error.detail)(scope, receive, answer)
        except PasswordUnreadable as error:
            await _refusal(503, str(error))(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  the edge of a request: one that fails takes nobody with it
            log_exception(logger, "request_failed", error, path=scope["path"])
            if not is_started:
                await _refusal(500, "the console has failed here: see its log")(scope, receive, answer)

    def _look_at(self, scope: Scope, headers: Headers) -> None:
        """Raises HTTPException for what goes no further, and PasswordUnreadable."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise HTTPException(421, "the console has no such name: use its address, or add the name to `names`")
        origin = headers.get("origin")
        if origin is None:
            # Browsers name the origin of every WebSocket, and of whatever changes something.
            if scope["type"] == "websocket" or headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
                raise HTTPException(403, "this does not come from the console's own page")
        elif origin.lower() != f"{'https' if self._is_tls else 'http'}://{host}".lower():
            raise HTTPException(403, "this comes from another page than the console's own")
        self._look_who(scope, headers)

    def _look_who(self, scope: Scope, headers: Headers) -> None:
        """Raises HTTPException for who is not signed in, or has not the session's token, and PasswordUnreadable."""
        cookie = cookie_parser(headers.get("cookie", "")).get(cookie_name(is_tls=self._is_tls))
        session = self._sessions.find(cookie)
        scope.setdefault("state", {})["session"] = session
        if scope["type"] == "http" and _is_open(scope["path"], scope["method"]):
            return
        if session is None:
            raise HTTPException(401, "sign in first")
        if scope["type"] == "http" and scope["method"] not in _READING and not _has_token(session, headers):
            raise HTTPException(403, "the token is not the session's: load the page again")

    def _is_ours(self, host: str) -> bool:
        """A name can be made to lead here by whoever owns it; an address cannot, and the port may be a tunnel's."""
        found = _HOST.fullmatch(host.lower())
        try:
            return found is not None and (found[2] in self._names or bool(ip_address(found[1] or found[2])))
        except ValueError:
            return False


class Signing:
    """The routes of a session."""

    def __init__(self, settings: ConsoleSettings, sessions: Sessions, guesses: Guesses) -> None:
        self._is_tls = settings.certificate is not None
        self._cookie = cookie_name(is_tls=self._is_tls)
        self._sessions = sessions
        self._guesses = guesses
        self._one_at_a_time = asyncio.Lock()
        """A password takes 16 MB and a third of a second to check."""

    def routes(self) -> Sequence[Route]:
        """GET, POST and DELETE of the session."""
        ways = {"GET": self.tell, "POST": self.sign_in, "DELETE": self.sign_out}
        return [Route(SESSION_PATH, way, methods=[method]) for method, way in ways.items()]

    async def tell(self, request: Request) -> Response:
        """Whether somebody is signed in, and the token that goes with changes."""
        return JSONResponse(self._document(request.state.session))

    async def sign_in(self, request: Request) -> Response:
        """Check the password; there is nothing to check where none is set. Raises ContractError."""
        password = fields_of(request).text("password", LONGEST)
        address = request.client.host if request.client else ""
        async with self._one_at_a_time:
            if not self._sessions.password.is_set():
                return JSONResponse(self._document(request.state.session))
            wait_s = self._guesses.wait_s(address)
            if wait_s:
                words = f"too many wrong passwords: try again in {wait_s} s"
                return JSONResponse({"error": words}, 429, {"Retry-After": str(wait_s)})
            self._guesses.begin(address)
            if not await run_in_threadpool(self._sessions.password.matches, password):
                log(logger, logging.WARNING, "password_wrong", address=address)
                return JSONResponse({"error": "the password is wrong"}, 401)
            self._guesses.right(address)
        cookie, session = self._sessions.begin()
        log(logger, logging.INFO, "signed_in", address=address)
        response = JSONResponse(self._document(session))
        response.set_cookie(self._cookie, cookie, httponly=True, samesite="strict", secure=self._is_tls)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session: its cookie is worth nothing from now on, and its live pictures end."""
        self._sessions.end(request.state.session)
        response = JSONResponse(self._document(self._sessions.find(None)))
        response.delete_cookie(self._cookie, httponly=True, samesite="strict", secure=self._is_tls)
        return response

    def _document(self, session: Session | None) -> dict[str, object]:
        return {
            "signed_in": session is not None,
            "password_needed": self._sessions.password.is_set(),
            "token": None if session is None else session.token,
        }


def _is_open(path: str, method: str) -> bool:
    """Whether it is for everybody: the files of the page, which lie in no folder, and signing in."""
    return path.count("/") == 1 or (path == SESSION_PATH and method != "DELETE")


def _has_token(session: Session, headers: Headers) -> bool:
    given = headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), session.token.encode())


async def _body(request: Request) -> bytes:
    """The whole body: a little JSON, so that more, or a slow one, is somebody else's. Raises HTTPException."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise HTTPException(413, f"a request has at most {LARGEST_BODY} bytes")
    except (TimeoutError, ClientDisconnect) as error:
        raise HTTPException(408, f"the request did not arrive within {_BODY_S:.0f} s") from error
    return bytes(body)


def _refusal(status: int, words: str) -> JSONResponse:
    # What is left of the request is not read: the connection ends.
    return JSONResponse({"error": words}, status, {"Connection": "close"})
