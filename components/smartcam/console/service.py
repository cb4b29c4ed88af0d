"""Opens the console where its configuration says, and nowhere as long as that would not be safe."""

import logging
import secrets
import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from smartcam.console.access import PASSWORD_FILE, Guesses, Password, PasswordUnreadable, Sessions
from smartcam.console.serving import listen, serve
from smartcam.console.settings import ConsoleSettings, check_password, read_settings, tls_of
from smartcam.edge.bus.port import ConfigurationSource
from smartcam.edge.clock import Clock
from smartcam.edge.configured import Configured
from smartcam.edge.files import replace_file
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood

logger = logging.getLogger(__name__)

SCRIPT: Final = "set-password"
_AGAIN_S: Final = 10.0
_SECRET_BYTES: Final = 32

MakeApp = Callable[[ConsoleSettings, Sessions, Guesses], ASGIApp]


class ConsoleService:
    """Answers until it is stopped; goes on with another configuration as soon as there is one."""

    def __init__(self, bus: ConfigurationSource, work_folder: Path, clock: Clock, make_app: MakeApp) -> None:
        understood = Understood(read_settings, MemoryFile(work_folder / UNDERSTOOD))
        self._configured = Configured(bus, understood, ConsoleSettings(), _say)
        self._work_folder = work_folder
        self._make_app = make_app
        self._password = Password(work_folder / PASSWORD_FILE)
        self._sessions = Sessions(self._password, clock, lambda: secrets.token_urlsafe(_SECRET_BYTES))
        self._guesses = Guesses(clock)

    def run(self, stop: StopToken) -> None:
        """Until `stop` is set. What keeps the console closed is said once, and looked at again every ten seconds."""
        _write_script(self._work_folder)
        self._configured.run(stop, partial(self._serve, stop), (PasswordUnreadable, OSError), lambda: _AGAIN_S)

    def _serve(self, stop: StopToken, settings: ConsoleSettings) -> None:
        """Until another configuration holds. Raises SettingsError, PasswordUnreadable, OSError: the port is taken."""
        how_to_set = f"sh {shlex.quote(str(self._work_folder / SCRIPT))}"
        check_password(settings, how_to_set, is_set=self._password.is_set())
        tls = tls_of(settings)
        listening = listen(settings.address, settings.port)
        log(logger, logging.INFO, "console_open", address=settings.url())
        self._configured.works()
        app = self._make_app(settings, self._sessions, self._guesses)
        serve(app, listening, tls, lambda: stop.is_set() or self._configured.is_over() or self._is_bare(settings))
        log(logger, logging.INFO, "console_closed", address=settings.url())

    def _is_bare(self, settings: ConsoleSettings) -> bool:
        """Whether there is no password any more where one is needed."""
        try:
            return not settings.is_local and not self._password.is_set()
        except PasswordUnreadable:
            return True


def _say(reason: str) -> None:
    log(logger, logging.ERROR, "console_not_open", error=reason)


def _write_script(folder: Path) -> None:
    """A device has no command of ours on its path: this is how a person there sets the password."""
    command = shlex.join([sys.executable, "-m", "smartcam.console.set_password"])
    path = shlex.quote(":".join(filter(None, sys.path)))
    lines = "#!/bin/sh", f"cd {shlex.quote(str(folder))} && PYTHONPATH={path} exec {command}", ""
    try:
        replace_file(folder / SCRIPT, "\n".join(lines).encode())
    except OSError as error:
        log(logger, logging.WARNING, "script_not_written", error=error)
