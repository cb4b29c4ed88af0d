"""The console's application: the door, and behind it the routes."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from smartcam.console.access import Guesses, Sessions
from smartcam.console.door import Door
from smartcam.console.page_files import PageFiles
from smartcam.console.settings import ConsoleSettings
from smartcam.console.signing import Signing
from smartcam.console.sockets import LiveSockets
from smartcam.contract.errors import ContractError


def build_app(
    settings: ConsoleSettings,
    sessions: Sessions,
    guesses: Guesses,
    sockets: LiveSockets,
    routes: Sequence[BaseRoute],
) -> ASGIApp:
    """Everything that is answered; `routes` besides the session's, the live pictures' and the page's."""
    page = PageFiles()
    every = [
        *Signing(settings, sessions, guesses).routes(),
        *routes,
        WebSocketRoute("/api/live/{camera}", sockets.answer),
        Route("/", page.answer),
        Route("/{name}", page.answer),
    ]
    app = Starlette(routes=every, exception_handlers={HTTPException: _http, ContractError: _wrong})
    return Door(app, sessions, settings.names, is_tls=settings.certificate is not None)


async def _http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = error.detail if isinstance(error, HTTPException) else "the console has failed here"
    return JSONResponse({"error": words}, status)


async def _wrong(_: Request, error: Exception) -> Response:
    """A request that is not as it must be."""
    return JSONResponse({"error": str(error)}, 400)
