"""A still picture of a camera that is not deployed yet, taken as smartcam.Capture takes it: turned, and masked."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from smartcam.capture.commands.check import one_frame_each
from smartcam.capture.main import camera_service
from smartcam.capture.settings import TransportKind, read_settings
from smartcam.console.live import LivePictures
from smartcam.contract.errors import CameraLost, SettingsError
from smartcam.contract.notice import FrameNotice, decode_notice
from smartcam.edge.bus.port import NoSubscription, OnMessage, Subscription


class _Darkroom:
    """Hears of the first frame, and keeps it. See `LocalBus`."""

    def __init__(self, pictures: LivePictures) -> None:
        self.jpeg = b""
        self._pictures = pictures

    def publish_local(self, _topic: str, payload: bytes) -> None:
        """See `LocalBus`."""
        notice = decode_notice(payload)
        if isinstance(notice, FrameNotice) and not self.jpeg:
            self.jpeg = self._pictures.picture(notice).jpeg

    def subscribe_local(self, _topic: str, _on_message: OnMessage) -> Subscription:
        """See `LocalBus`."""
        return NoSubscription()


def still(document: Mapping[str, object], name: str) -> bytes:
    """A JPEG of the camera of this name, by capture's configuration; takes seconds, half a minute where it is silent.

    Raises:
        SettingsError: capture would refuse the configuration, or has no such camera.
        CameraLost: no picture came; the words say why.
    """
    camera = next((each for each in read_settings(document).cameras if each.camera == name), None)
    if camera is None:
        raise SettingsError("cameras", name, "must be one of the cameras in the configuration")
    camera = replace(camera, transport=TransportKind.SHARED)
    said = io.StringIO()
    with TemporaryDirectory(prefix="smartcam-still-") as folder:
        rings = Path(folder)
        pictures = LivePictures(rings, camera.camera)
        darkroom = _Darkroom(pictures)
        try:
            one_frame_each((camera,), darkroom, lambda one, bus: camera_service(one, bus, rings, None), said)
        finally:
            pictures.close()
    if not darkroom.jpeg:
        raise CameraLost(said.getvalue().strip())
    return darkroom.jpeg
