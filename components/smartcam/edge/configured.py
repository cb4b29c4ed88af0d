"""How a service goes through its configurations: it works by the one that holds, and anew with each other one."""

from collections.abc import Callable
from typing import Generic, TypeVar

from smartcam.contract.errors import SettingsError
from smartcam.edge.bus.port import ConfigurationSource
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.understood import Understood

S = TypeVar("S")


class Configured(Generic[S]):
    """The configuration of one service. For one thread."""

    def __init__(
        self, source: ConfigurationSource, understood: Understood[S], otherwise: S, tell: Callable[[str], None]
    ) -> None:
        """`otherwise`: where there is nobody to be asked, and there was none. `tell` is told once what is wrong."""
        self._source = source
        self._understood = understood
        self._now = otherwise
        self._tell = tell
        self._told = ""
        self._bell = Bell()

    def run(
        self,
        stop: StopToken,
        work: Callable[[S], None],
        faults: tuple[type[Exception], ...],
        pause_s: Callable[[], float],
    ) -> None:
        """Do the `work`, again and again until `stop` is set; after a SettingsError or one of the `faults`, later."""
        known: tuple[type[Exception], ...] = (SettingsError, *faults)
        change = self._source.on_configuration_change(self._bell.set)
        try:
            while not stop.is_set():
                self._bell.clear()
                try:
                    work(self._read())
                except known as error:
                    self._say(f"{error}")
                    self.rest(stop, pause_s())
        finally:
            change.close()

    def rest(self, stop: StopToken, seconds: float) -> None:
        """Wait until another configuration may hold, `stop` is set, or the time is over."""
        self._bell.rest(stop, seconds)

    def is_over(self) -> bool:
        """Whether another configuration holds than the one that is worked by. One that cannot be read is none."""
        if not self._bell.is_set():
            return False
        self._bell.clear()
        before = self._now
        try:
            return self._read() != before
        except SettingsError:
            return False

    def works(self) -> None:
        """It works: what is wrong from now on is told, whatever was told before."""
        self._told = ""

    def _read(self) -> S:
        """Raises SettingsError."""
        self._now = self._understood.now(self._source, self._now, self._say)
        return self._now

    def _say(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            self._tell(reason)
