"""The settings of smartcam.Capture, read from its configuration document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from smartcam.capture.addresses import FORM, PASSWORD, USER, fault_of
from smartcam.capture.credentials import has_placeholders
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import LARGEST_INLINE_SIDE
from smartcam.contract.notice import LARGEST_SIDE
from smartcam.edge.rule_settings import read_masks
from smartcam.edge.settings import Settings, time_zone
from smartcam.vision.turn import AS_IT_IS, QUARTERS, Turn, quarter_turn
from smartcam.vision.zone import Zone

_VIDEO_DEVICE: Final = re.compile(r"/dev/video[0-9]{1,3}|/dev/v4l/by-(id|path)/[A-Za-z0-9][A-Za-z0-9_.:-]*")
_CAMERA_NUMBER: Final = re.compile(r"[0-9]")
_ENCRYPTED: Final = "rtsps://"
_NO_FILE: Final = "is no file: write `source: rtsp`, and this address in `url`"


class SourceKind(StrEnum):
    """What a camera is."""

    FILE = "file"
    RTSP = "rtsp"
    V4L2 = "v4l2"
    PICAMERA = "picamera"


class Decoder(StrEnum):
    """What decodes a live stream; software replaces what is missing."""

    SOFTWARE = "software"
    AUTO = "auto"
    V4L2M2M = "v4l2m2m"
    DRM = "drm"
    VAAPI = "vaapi"
    QSV = "qsv"
    CUDA = "cuda"


class RtspTransport(StrEnum):
    """How an RTSP camera's pictures come: in the connection itself, or as datagrams beside it."""

    TCP = "tcp"
    UDP = "udp"


class TransportKind(StrEnum):
    """How frames get to inference."""

    AUTO = "auto"
    SHARED = "shared"
    INLINE = "inline"


class Pacing(StrEnum):
    """How fast a clip is played."""

    REALTIME = "realtime"
    FAST = "fast"


class AtEnd(StrEnum):
    """What happens at the end of a clip."""

    STOP = "stop"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """Clips of events on the device: whether they are kept, from when to when, and how much of the disk they may take.

    A clip begins `before_s` before its event and ends `after_s` after it; what goes on for longer than `longest_s` is
    kept in several. `days`: how long they are kept. The limits are for the clips of all cameras together. `highlights`:
    whether a film of each day is made, and `timezone` whose days those are.
    """

    keep: bool = False
    before_s: float = 5.0
    after_s: float = 5.0
    longest_s: float = 300.0
    most_mb: int = 1000
    days: int = 7
    highlights: bool = False
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FootageSettings:
    """Footage for training, of the cameras that say so: a picture every `every_s`.

    `most_mb` and `days`: how much of the disk it may take and how long it is kept, that of all cameras together.
    """

    every_s: float = 1.0
    most_mb: int = 2000
    days: int = 7


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """Continuous recording of all cameras: whether all that they send is kept, and `most_mb` and `hours` of it."""

    keep: bool = False
    most_mb: int = 10_000
    hours: int = 24


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One camera's source.

    What it is: `path` of a file, `url` of an RTSP camera, `device` of a V4L2 or Raspberry Pi camera. `credentials`: the
    file with an RTSP camera's user and password.
    `rtsp_transport`: how its pictures come. `verify`: whether the certificate of an `rtsps://` camera is checked,
    against the system's authorities or those in `ca_file`.
    `max_fps`: pictures beyond this rate are skipped, 0 takes all; V4L2
    and Raspberry Pi cameras are asked for this rate and for `width` x `height`. `inline_side`: the longest side of a
    frame that travels inside messages. `analyse_fps`: how many frames a second are announced at most while something
    moves. `keep_alive_s`: the longest time between two announced frames. `sensitivity`: 0 to 1, see
    `smartcam.vision.motion.MotionSettings`. `start_delay_s`: the wait before the source is first opened. `stall_s`: a
    source that gives no picture for this long is lost. `rotate`: degrees clockwise, 0, 90, 180 or 270, by which every
    picture is turned, and `mirror`: whether left and right are then swapped, before anything else. `masks`: zones that
    are black in every picture before anything else sees it. `ignored`: zones in which nothing counts as motion.
    `collect_footage`: whether its pictures are collected for training. `clips`, `recording`, `footage`: the clips of
    its events, what is recorded all the time, and how footage is collected, which all cameras have in common.
    """

    camera: CameraId
    path: Path = Path()
    source: SourceKind = SourceKind.FILE
    pacing: Pacing = Pacing.REALTIME
    at_end: AtEnd = AtEnd.STOP
    analyse_fps: float = 5.0
    keep_alive_s: float = 1.0
    sensitivity: float = 0.5
    start_delay_s: float = 0.0
    stall_s: float = 10.0
    url: str = ""
    credentials: str = ""
    rtsp_transport: RtspTransport = RtspTransport.TCP
    verify: bool = True
    ca_file: str = ""
    device: str = ""
    width: int = 1280
    height: int = 720
    max_fps: float = 0.0
    decoder: Decoder = Decoder.SOFTWARE
    transport: TransportKind = TransportKind.AUTO
    inline_side: int = 640
    rotate: int = 0
    mirror: bool = False
    masks: tuple[Zone, ...] = ()
    ignored: tuple[Zone, ...] = ()
    collect_footage: bool = False
    clips: ClipSettings = ClipSettings()
    recording: RecordingSettings = RecordingSettings()
    footage: FootageSettings = FootageSettings()

    @property
    def place(self) -> str:
        """Where the pictures come from, for people. Never holds a password."""
        return self.url or self.device or str(self.path)

    @property
    def is_encrypted(self) -> bool:
        """Whether the camera is called over TLS."""
        return self.url.lower().startswith(_ENCRYPTED)

    @property
    def turn(self) -> Turn:
        """What makes the right way up of what the source gives."""
        return quarter_turn(self.rotate, mirror=self.mirror)

    @property
    def may_keep_packets(self) -> bool:
        """Whether what the camera sends is what a clip is to show: nothing is masked, and it is the right way up."""
        has_packets = self.source in (SourceKind.RTSP, SourceKind.FILE)
        return has_packets and not self.masks and self.turn == AS_IT_IS


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """The whole document."""

    cameras: tuple[SourceSettings, ...] = ()
    clips: ClipSettings = ClipSettings()
    recording: RecordingSettings = RecordingSettings()
    footage: FootageSettings = FootageSettings()


def read_settings(document: Mapping[str, object]) -> CaptureSettings:
    """The settings in a document, with scalars of any type.

    Raises:
        SettingsError: naming the first wrong key and what it may be; `also` has the others.
    """
    settings = Settings(document, noted={})
    clips, footage = _clips(settings.table("clips")), _footage(settings.table("footage"))
    recording = _recording(settings.table("recording"))
    read = [_camera(camera, table) for camera, table in settings.cameras("cameras").items()]
    cameras = tuple(replace(each, clips=clips, recording=recording, footage=footage) for each in read)
    settings.done()
    return CaptureSettings(cameras, clips, recording, footage)


def _clips(settings: Settings) -> ClipSettings:
    default = ClipSettings()
    return ClipSettings(
        keep=settings.boolean("keep", default=default.keep),
        before_s=settings.number("before_s", default.before_s, 0, 60),
        after_s=settings.number("after_s", default.after_s, 0, 60),
        longest_s=settings.number("longest_s", default.longest_s, 10, 3600),
        most_mb=settings.integer("most_mb", default.most_mb, 50, 1_000_000),
        days=settings.integer("days", default.days, 1, 3650),
        highlights=settings.boolean("highlights", default=default.highlights),
        timezone=_timezone(settings, default.timezone),
    )


def _timezone(settings: Settings, default: str) -> str:
    name = settings.text("timezone", default)
    settings.attempt(lambda: time_zone(name, settings.name("timezone")), None)
    return name


def _recording(settings: Settings) -> RecordingSettings:
    default = RecordingSettings()
    return RecordingSettings(
        keep=settings.boolean("keep", default=default.keep),
        most_mb=settings.integer("most_mb", default.most_mb, 50, 1_000_000),
        hours=settings.integer("hours", default.hours, 1, 8760),
    )


def _footage(settings: Settings) -> FootageSettings:
    default = FootageSettings()
    return FootageSettings(
        every_s=settings.number("every_s", default.every_s, 0.2, 60),
        most_mb=settings.integer("most_mb", default.most_mb, 50, 1_000_000),
        days=settings.integer("days", default.days, 1, 3650),
    )


def _camera(camera: CameraId, settings: Settings) -> SourceSettings:
    default = SourceSettings(camera)
    kind = settings.choice("source", default.source)
    source = None if settings.is_wrong("source") else kind
    return SourceSettings(
        camera=camera,
        source=kind,
        path=_path(settings, source),
        url=_url(settings, source),
        credentials=_credentials(settings, source),
        rtsp_transport=_rtsp_transport(settings, source),
        verify=_verify(settings),
        ca_file=_ca_file(settings),
        device=_device(settings, source),
        pacing=settings.choice("pacing", default.pacing),
        at_end=settings.choice("at_end", default.at_end),
        analyse_fps=settings.number("analyse_fps", default.analyse_fps, 0.1, 60),
        keep_alive_s=settings.number("keep_alive_s", default.keep_alive_s, 0.1, 60),
        sensitivity=settings.number("sensitivity", default.sensitivity, 0, 1),
        start_delay_s=settings.number("start_delay_s", default.start_delay_s, 0, 600),
        stall_s=settings.number("stall_s", default.stall_s, 1, 3600),
        width=2 * (settings.integer("width", default.width, 64, LARGEST_SIDE) // 2),
        height=2 * (settings.integer("height", default.height, 64, LARGEST_SIDE) // 2),
        max_fps=settings.number("max_fps", default.max_fps, 0, 240),
        decoder=settings.choice("decoder", default.decoder),
        transport=settings.choice("transport", default.transport),
        inline_side=settings.integer("inline_side", default.inline_side, 160, LARGEST_INLINE_SIDE),
        rotate=settings.one_of("rotate", default.rotate, QUARTERS, "degrees clockwise"),
        mirror=settings.boolean("mirror", default=default.mirror),
        masks=read_masks(settings, "masks"),
        ignored=read_masks(settings, "ignored"),
        collect_footage=settings.boolean("collect_footage", default=default.collect_footage),
    )


def _path(settings: Settings, source: SourceKind | None) -> Path:
    path = settings.text("path", "")
    if source is not SourceKind.FILE and path:
        _refuse_misplaced(settings, "path", source, path)
    if source is SourceKind.FILE and not path:
        settings.refuse(settings.error("path", "must be the path of a clip"))
    elif source is SourceKind.FILE and "://" in path:
        settings.refuse(SettingsError(settings.name("path"), "(not shown)", fault_of(path) or _NO_FILE))
    return Path(path)


def _url(settings: Settings, source: SourceKind | None) -> str:
    """The address as given. One that holds a password is refused without showing it."""
    url = settings.text("url", "", secret=True)
    if source is not SourceKind.RTSP:
        if url:
            _refuse_misplaced(settings, "url", source)
        return url
    if not url:
        settings.refuse(settings.error("url", f"is missing: {FORM}"))
        return url
    fault = fault_of(url)
    if not fault and has_placeholders(url) and not settings.text("credentials", "", secret=True):
        fault = f"holds {USER} or {PASSWORD}, and `credentials` names no file that has them"
    if fault:
        settings.refuse(SettingsError(settings.name("url"), "(not shown)", fault))
    return url


def _rtsp_transport(settings: Settings, source: SourceKind | None) -> RtspTransport:
    chosen = settings.choice("rtsp_transport", RtspTransport.TCP)
    if settings.has("rtsp_transport") and source is not SourceKind.RTSP:
        _refuse_misplaced(settings, "rtsp_transport", source, chosen)
    if chosen is RtspTransport.UDP and _is_encrypted(settings):
        settings.refuse(settings.error("rtsp_transport", f"must be tcp where the address begins with {_ENCRYPTED}"))
    return chosen


def _verify(settings: Settings) -> bool:
    verify = settings.boolean("verify", default=True)
    if settings.has("verify") and not _is_encrypted(settings):
        settings.refuse(settings.error("verify", f"is only for an address that begins with {_ENCRYPTED}"))
    return verify


def _ca_file(settings: Settings) -> str:
    path = settings.text("ca_file", "")
    if path and not _is_encrypted(settings):
        settings.refuse(settings.error("ca_file", f"is only for an address that begins with {_ENCRYPTED}"))
    elif path and not Path(path).is_absolute():
        settings.refuse(settings.error("ca_file", "must be the absolute path of a file with certificates (PEM)"))
    return path


def _is_encrypted(settings: Settings) -> bool:
    return settings.text("url", "", secret=True).lower().startswith(_ENCRYPTED)


def _credentials(settings: Settings, source: SourceKind | None) -> str:
    path = settings.text("credentials", "", secret=True)
    if not path:
        return path
    if source is not SourceKind.RTSP:
        _refuse_misplaced(settings, "credentials", source)
    elif not Path(path).is_absolute():
        settings.refuse(settings.error("credentials", "must be the absolute path of a file with user and password"))
    return path


def _device(settings: Settings, source: SourceKind | None) -> str:
    device = settings.text("device", "")
    if source is SourceKind.V4L2:
        form, default, remedy = _VIDEO_DEVICE, "/dev/video0", "must be /dev/video<number> or /dev/v4l/by-id/<name>"
    elif source is SourceKind.PICAMERA:
        form, default, remedy = _CAMERA_NUMBER, "0", "must be the camera's number, 0 or 1"
    else:
        if device:
            _refuse_misplaced(settings, "device", source, device)
        return device
    if not form.fullmatch(device or default):
        settings.refuse(settings.error("device", remedy))
    return device or default


def _refuse_misplaced(settings: Settings, key: str, source: SourceKind | None, shown: str = "(not shown)") -> None:
    """Refuse a key of another source; not if the source itself is wrong (None)."""
    if source is not None:
        remedy = f"is no setting of a camera whose source is {source}"
        settings.refuse(SettingsError(settings.name(key), shown, remedy))
