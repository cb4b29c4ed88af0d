"""The component smartcam.Console: a local web page, off unless deployed."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import ASGIApp

from smartcam.console.access import Guesses, Sessions
from smartcam.console.changing import Changing
from smartcam.console.door import Door, Signing
from smartcam.console.heard import HeardDevice
from smartcam.console.looking import Clips, Looking
from smartcam.console.page_files import PageFiles
from smartcam.console.service import ConsoleService
from smartcam.console.settings import ConsoleSettings, read_settings
from smartcam.console.sockets import LiveSockets
from smartcam.console.wishes import NoAnswer, Wishing
from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.topics import ALL_FRAMES, ALL_SETTINGS, ALL_VIEWS, LOCAL_HEALTH
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.clip_name import CLIP_FOLDER
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import ring_folder, run_simple_component
from smartcam.edge.history.reading import FOLDER as HISTORY_FOLDER
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.journal.folder import FOLDER as JOURNAL_FOLDER
from smartcam.edge.journal.folder import read_journal
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.pictures.folder import ALBUM_FOLDER
from smartcam.edge.replaced import recent_replacements
from smartcam.edge.watchdog import last_resorts

COMPONENT: Final = "smartcam.Console"
CAPTURE: Final = "smartcam.Capture"
INFERENCE: Final = "smartcam.Inference"


def build(
    bus: DeviceBus, rings: Path, work_folder: Path, others: Path | None = None, more: Sequence[BaseRoute] = ()
) -> list[tuple[str, Service]]:
    """The component's services by name.

    The other components' work folders are in `others`, usually beside its own. `more`: what a PC answers besides.
    """
    clock, others = SystemClock(), others or work_folder.parent
    heard = HeardDevice(clock)
    wishes = Wishing(bus, lambda: secrets.token_hex(8))
    clips, inference = Clips(others / CAPTURE / CLIP_FOLDER), others / INFERENCE
    history = PastEvents(inference / HISTORY_FOLDER, inference / ALBUM_FOLDER)
    looking = Looking(heard, history, clips, lambda: recent_replacements(others, clock.utc()))
    changing = Changing(wishes, looking.camera_of, lambda: read_journal(inference / JOURNAL_FOLDER))
    routes = [*looking.routes(), *changing.routes(), *more]

    def app(settings: ConsoleSettings, sessions: Sessions, guesses: Guesses) -> ASGIApp:
        sockets = LiveSockets(rings, heard, bus, sessions, clock)
        return build_app(settings, sessions, guesses, sockets, routes)

    bus.subscribe_local(ALL_FRAMES, heard.notice)
    bus.subscribe_local(ALL_VIEWS, heard.hear_view)
    bus.subscribe_local(LOCAL_HEALTH, heard.health)
    bus.subscribe_local(ALL_SETTINGS, wishes.hear)
    return [("console", ConsoleService(bus, work_folder, clock, app)), ("hearing", heard)]


def build_app(
    settings: ConsoleSettings, sessions: Sessions, guesses: Guesses, sockets: LiveSockets, routes: Sequence[BaseRoute]
) -> ASGIApp:
    """Everything that is answered; `routes` besides the session's, the live pictures' and the page's."""
    every = [
        *Signing(settings, sessions, guesses).routes(),
        *routes,
        WebSocketRoute("/api/live/{camera}", sockets.answer),
        *PageFiles().routes(),
    ]
    handlers = dict.fromkeys((HTTPException, ContractError, SettingsError, NoAnswer), _refused)
    app = Starlette(routes=every, exception_handlers=handlers)
    return Door(app, sessions, settings.names, is_tls=settings.certificate is not None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call or no nucleus."""
    description = "Show what the cameras see on a local web page."
    return run_simple_component(COMPONENT, description, argv, _run, _what_is_open, (_try_the_page,))


async def _refused(_: Request, error: Exception) -> Response:
    """In the words of whoever has refused it."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, NoAnswer) else 400)


def _run(bus: GreengrassBus) -> int:
    work_folder = Path.cwd()
    return run_component(
        COMPONENT, lambda: [*build(bus, ring_folder(), work_folder), *last_resorts(bus, SystemClock(), work_folder)]
    )


def _try_the_page() -> str:
    return f"a page of {len(PageFiles())} files"


def _what_is_open(document: Mapping[str, object]) -> str:
    return f"the console is at {read_settings(document).url()}"


if __name__ == "__main__":
    sys.exit(main())
