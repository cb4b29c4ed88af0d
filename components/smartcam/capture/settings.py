"""The settings of smartcam.Capture, read from its configuration document."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from smartcam.contract.ids import CameraId
from smartcam.edge.settings import Settings


class SourceKind(StrEnum):
    """What a camera is."""

    FILE = "file"


class Pacing(StrEnum):
    """How fast a clip is played."""

    REALTIME = "realtime"
    FAST = "fast"


class AtEnd(StrEnum):
    """What follows the end of a clip."""

    STOP = "stop"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera.

    `analyse_fps`: at most so many frames a second are announced while something moves. `keep_alive_s`: a frame is
    announced at least so often. `sensitivity`: 0 to 1, see `smartcam.vision.motion.MotionSettings`. `start_delay_s`:
    wait before the source is opened the first time. `stall_s`: a source without pictures for so long is lost.
    """

    camera: CameraId
    path: Path
    source: SourceKind = SourceKind.FILE
    pacing: Pacing = Pacing.REALTIME
    at_end: AtEnd = AtEnd.STOP
    analyse_fps: float = 5.0
    keep_alive_s: float = 1.0
    sensitivity: float = 0.5
    start_delay_s: float = 0.0
    stall_s: float = 10.0


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """The whole document."""

    cameras: tuple[CameraSettings, ...] = ()


def read_settings(document: Mapping[str, object]) -> CaptureSettings:
    """The settings in a document, with scalars of any type.

    Raises:
        SettingsError: naming the first wrong key and what it may be.
    """
    settings = Settings(document)
    read = CaptureSettings(
        cameras=tuple(_camera(camera, table) for camera, table in settings.cameras("cameras").items())
    )
    settings.done()
    return read


def _camera(camera: CameraId, settings: Settings) -> CameraSettings:
    path = settings.text("path", "")
    if not path:
        raise settings.error("path", "must be the path of a clip")
    default = CameraSettings(camera, Path(path))
    return CameraSettings(
        camera=camera,
        path=Path(path),
        source=settings.choice("source", default.source),
        pacing=settings.choice("pacing", default.pacing),
        at_end=settings.choice("at_end", default.at_end),
        analyse_fps=settings.number("analyse_fps", default.analyse_fps, 0.1, 60),
        keep_alive_s=settings.number("keep_alive_s", default.keep_alive_s, 0.1, 60),
        sensitivity=settings.number("sensitivity", default.sensitivity, 0, 1),
        start_delay_s=settings.number("start_delay_s", default.start_delay_s, 0, 600),
        stall_s=settings.number("stall_s", default.stall_s, 1, 3600),
    )
