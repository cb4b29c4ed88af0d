"""`smartcam-capture --once CLIP`: the component without a nucleus, one frame at a time, to try it out."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TextIO

from smartcam.contract.errors import BusUnavailable
from smartcam.contract.notice import CameraState, FrameNotice, decode_notice
from smartcam.edge.bus.port import DeviceBus, NoSubscription, OnMessage, Subscription
from smartcam.edge.lifecycle import Service, StopToken

CAMERA: Final = "once"


class TerminalBus:
    """Writes each frame's notice as a line, and lets capture go on when a line comes back. See `DeviceBus`."""

    def __init__(self, clip: Path, frames: int, notices: TextIO, answers: TextIO, stop: StopToken) -> None:
        self.announced = 0
        self.fault = ""
        self._clip = clip
        self._frames = frames
        self._notices = notices
        self._answers = answers
        self._stop = stop

    def is_connected(self) -> bool:
        """See `DeviceBus`."""
        return True

    def publish_local(self, topic: str, payload: bytes) -> None:
        """See `DeviceBus`."""
        if self._stop.is_set():
            raise BusUnavailable(f"{topic}: all frames have been announced")
        notice = decode_notice(payload)
        if isinstance(notice, FrameNotice):
            self.announced += 1
            # Decoded and encoded again, because a notice on the wire may hold line breaks.
            try:
                self._notices.write(json.dumps(json.loads(payload)) + "\n")
                self._notices.flush()
            except BrokenPipeError as error:  # whoever reads has seen enough
                self._stop.set()
                raise BusUnavailable(f"{topic}: nobody reads any more") from error
            if not self._answers.readline() or self.announced == self._frames:
                self._stop.set()
        elif notice.state is not CameraState.RUNNING:
            self.fault = "" if notice.state is CameraState.ENDED else notice.reason
            self._stop.set()

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `DeviceBus`: nobody says anything here."""
        del topic, on_message
        return NoSubscription()

    def configuration(self) -> Mapping[str, object]:
        """See `DeviceBus`: the clip as the only camera."""
        clip = {"source": "file", "path": str(self._clip), "pacing": "fast", "transport": "shared"}
        return {"cameras": {CAMERA: clip}}

    def on_configuration_change(self, on_change: Callable[[], None]) -> Subscription:
        """See `DeviceBus`: it does not change."""
        del on_change
        return NoSubscription()


def play_once(
    clip: Path,
    frames: int,
    build: Callable[[DeviceBus], list[tuple[str, Service]]],
    notices: TextIO,
    answers: TextIO,
    errors: TextIO,
) -> int:
    """Announce the first frames of a clip, each after a line in answer to the one before. Returns the exit code."""
    stop = StopToken()
    bus = TerminalBus(clip, frames, notices, answers, stop)
    for _, service in build(bus):
        service.run(stop)
    if bus.fault or not bus.announced:
        fault = bus.fault or "no frame was announced"
        errors.write(f"smartcam-capture: {fault if str(clip) in fault else f'{clip}: {fault}'}\n")
        return 1
    return 0
