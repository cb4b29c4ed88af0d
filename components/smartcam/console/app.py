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
from smartcam.console.wishes import NoAnswer
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
    handlers = {HTTPException: _refused, ContractError: _refused, NoAnswer: _refused}
    app = Starlette(routes=every, exception_handlers=handlers)
    return Door(app, sessions, settings.names, is_tls=settings.certificate is not None)


async def _refused(_: Request, error: Exception) -> Response:
    """In the words of whoever has refused it."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, NoAnswer) else 400)
