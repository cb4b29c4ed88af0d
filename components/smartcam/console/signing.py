"""Signing in and out."""

import asyncio
import logging
from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from smartcam.console.access import LONGEST, Guesses, Session, Sessions
from smartcam.console.door import SESSION_PATH, cookie_name, fields_of
from smartcam.console.settings import ConsoleSettings
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)


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
