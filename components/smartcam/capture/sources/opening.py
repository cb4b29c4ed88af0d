"""Opens the source that a camera's settings name. What a kind of camera needs is imported only when it is used."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources.file import open_file
from smartcam.capture.sources.live import LiveSource, LiveStream
from smartcam.capture.sources.source import FrameSource
from smartcam.contract.errors import CameraLost
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken

if TYPE_CHECKING:
    from smartcam.capture.sources.packets import PacketTap


def open_source(
    settings: SourceSettings,
    clock: Clock,
    stop: StopToken,
    memory: Path | None = None,
    tap: "PacketTap | None" = None,
) -> FrameSource:
    """The camera's source, open. `memory` is where a clip's beginning is kept, see `open_file`.

    `tap` is told of its packets, where it has any.

    Raises:
        CameraLost: it cannot be opened; the message names the place and the cause, never a password.
    """
    if settings.source is SourceKind.FILE:
        return open_file(settings, clock, stop, memory, tap)
    return LiveSource(settings.camera, partial(_open_stream, settings, tap), clock, stop)


def _open_stream(settings: SourceSettings, tap: "PacketTap | None") -> LiveStream:
    if settings.source is SourceKind.PICAMERA:
        from smartcam.capture.sources.picamera import open_picamera  # noqa: PLC0415  only where it is chosen

        return open_picamera(settings)
    try:
        from smartcam.capture.sources import pyav_live  # noqa: PLC0415  PyAV may be missing
    except ImportError as error:
        raise CameraLost(f"{settings.place}: PyAV is needed and cannot be imported ({error})") from error
    if settings.source is SourceKind.RTSP:
        return pyav_live.open_rtsp(settings, tap)
    return pyav_live.open_v4l2(settings)
