"""All cameras of the component, each in a thread of its own, following the configuration."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from smartcam.capture.settings import CaptureSettings, SourceSettings, read_settings
from smartcam.contract.errors import BusError, SettingsError, SmartcamError
from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SettingsAsk, SettingsOwner, SettingsWish
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.clock import Clock, SystemClock
from smartcam.edge.granting import settle
from smartcam.edge.lifecycle import Service, StopToken
from smartcam.edge.logs import log
from smartcam.edge.wish_desk import WishDesk
from smartcam.edge.wished import WishedSettings

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.2
_FIRST_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 10.0


class _CameraThread(threading.Thread):
    """A camera's service in its thread."""

    def __init__(self, settings: SourceSettings, service: Service, stop: StopToken) -> None:
        self.settings = settings
        self.stop = stop
        name = f"camera-{settings.camera}"
        super().__init__(target=stop.follow, args=(name, lambda: service.run(stop)), name=name)
        self.start()


class CameraSupervisor:
    """Starts, restarts and stops cameras as the configuration says; a wrong one is logged and the old one kept.

    Nucleus lite allows three starts an hour, so a wrong configuration must not end the process. The work folder holds
    the last valid one for a process that starts with a wrong one, and what people have set on the device itself.
    """

    def __init__(
        self,
        bus: DeviceBus,
        build: Callable[[SourceSettings], Service],
        random: Callable[[], float],
        work_folder: Path | None = None,
        tell: Callable[[CaptureSettings], object] = lambda _: None,
        tend: Callable[[], object] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        """`tell` hears what is of all cameras together, when those have ended that do not go on as they are.

        `tend` is called now and then, whether or not there are cameras.
        """
        self._bus = bus
        self._wished = WishedSettings(SettingsOwner.CAPTURE, read_settings, work_folder)
        self._desk = WishDesk(SettingsOwner.CAPTURE, bus, clock or SystemClock())
        self._is_configured = False
        self._build = build
        self._tell = tell
        self._tend = tend
        self._running: dict[CameraId, _CameraThread] = {}
        self._changed = threading.Event()
        self._backoff = Backoff(_FIRST_RETRY_S, _LONGEST_RETRY_S, random)
        self._fault = ""
        self._stop = StopToken()
        """Of this service; its branches stop the cameras."""

    def run(self, stop: StopToken) -> None:
        """Follow the configuration until `stop` is set.

        Raises:
            SmartcamError: the thread of a camera has ended by itself.
        """
        self._stop = stop
        self._changed.set()
        subscriptions = [self._bus.on_configuration_change(self._changed.set), self._desk.listen()]
        try:
            wait_s = 0.0
            while not stop.wait(wait_s):
                wait_s = self._reconfigure() if self._changed.is_set() else _LOOK_S
                self._grant_wishes()
                self._check_threads()
                if self._is_configured:
                    self._tend()
        finally:
            for subscription in subscriptions:
                subscription.close()
            self._end(tuple(self._running))

    def _reconfigure(self) -> float:
        """Take the configuration; seconds until it is to be checked again."""
        self._changed.clear()
        try:
            settings = self._wished.take(self._bus.configuration())
        except BusError as error:
            self._changed.set()
            self._say(logging.WARNING, "configuration_unavailable", error)
            return self._backoff.next()
        except SettingsError as error:
            last = None if self._is_configured else self._wished.last()
            if last is not None:
                self._apply(last)
            self._say(logging.ERROR, "configuration_wrong", error)
            return _LOOK_S
        self._fault = ""
        self._backoff.reset()
        self._apply(settings)
        return _LOOK_S

    def _grant_wishes(self) -> None:
        """Take what people have set on the device itself, and answer."""
        for wish in self._desk.waiting():
            if isinstance(wish, SettingsWish | SettingsAsk):
                self._desk.answer(settle(self._wished, wish, self._apply))

    def _apply(self, settings: CaptureSettings) -> None:
        self._is_configured = True
        wanted = {camera.camera: camera for camera in settings.cameras}
        self._end(tuple(name for name, running in self._running.items() if wanted.get(name) != running.settings))
        self._tell(settings)
        for name, camera in wanted.items():
            if name not in self._running:
                log(logger, logging.INFO, "camera_starting", camera=name, source=camera.source, place=camera.place)
                self._running[name] = _CameraThread(camera, self._build(camera), self._stop.branch())
        if not wanted:
            log(logger, logging.WARNING, "no_cameras", remedy="set cameras in the configuration of smartcam.Capture")

    def _end(self, names: tuple[CameraId, ...]) -> None:
        for name in names:
            self._running[name].stop.set()
        for name in names:
            with self._stop.resting():  # the camera's own loop is watched
                self._running.pop(name).join()
            log(logger, logging.INFO, "camera_stopped", camera=name)

    def _check_threads(self) -> None:
        for name, running in self._running.items():
            if not running.is_alive():
                raise SmartcamError(f"the thread of camera {name} has ended")

    def _say(self, level: int, event: str, error: SmartcamError) -> None:
        if str(error) != self._fault:
            self._fault = str(error)
            log(logger, level, event, error=error, kept=",".join(self._running) or "nothing")
