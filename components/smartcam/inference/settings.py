"""The settings of smartcam.Inference, read from its configuration document."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.contract.health import HEALTH_EVERY_S
from smartcam.contract.ids import CameraId
from smartcam.contract.wanted import NOTHING_WANTED, Wanted
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.outbox.outbox import OutboxLimits
from smartcam.edge.pictures.folder import PictureSettings
from smartcam.edge.pictures.uploader import SnapshotSettings
from smartcam.edge.settings import Settings
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood
from smartcam.inference.rule_settings import RuleReader, time_zone
from smartcam.vision.line import Line
from smartcam.vision.rule import Rule
from smartcam.vision.week import WeeklyHours
from smartcam.vision.zone import Zone

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3600.0
_NOBODY: Final = b""
_ANYWHERE: Final[tzinfo] = UTC


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How one camera is analysed. None and empty values leave it to the bundle.

    `armed`: whether anything raises an event. `labels`: what may raise one; `motion` is what moves with purpose and
    has no label. `zones`: places by name; `lines`: directed lines by name. `schedule`: the hours of the week for rules
    without hours of their own. `rules`: if there are none, an object raises an event in any zone, or anywhere if there
    are no zones. `remember_s`: an object that comes back within this time is the same one. `motion_min_size`: the
    smallest share of the picture at which something without a label counts as large. `tamper`: whether tampering with
    the camera raises events; a camera that turns by itself is better off without.
    """

    labels: tuple[str, ...] = ()
    raise_at: float | None = None
    clear_at: float | None = None
    min_frames: int | None = None
    zones: tuple[Zone, ...] = ()
    armed: bool = True
    remember_s: float = 3.0
    motion_min_size: float = 0.02
    lines: tuple[Line, ...] = ()
    schedule: WeeklyHours | None = None
    rules: tuple[Rule, ...] = ()
    tamper: bool = True

    def effective_rules(self) -> tuple[Rule, ...]:
        """The rules for this camera's objects; none while it is disarmed."""
        if not self.armed:
            return ()
        if not self.rules:
            return (Rule(labels=self.labels, zones=self.zones, hours=self.schedule),)
        return tuple(
            replace(rule, labels=rule.labels or self.labels, hours=rule.hours or self.schedule) for rule in self.rules
        )


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """The whole document. A camera without an entry is analysed with defaults.

    `trusted_key`: the Ed25519 public key that has to have signed a bundle, 32 bytes; None: bundles need no signature.
    """

    bundle: Path | None = None
    trusted_key: bytes | None = None
    armed: bool = True
    timezone: str = "UTC"
    cameras: Mapping[CameraId, AnalysisSettings] = field(default_factory=dict)
    wanted: Wanted = NOTHING_WANTED
    """What the cloud wants besides, which is no part of the document."""
    camera_lost_after_s: float = 10.0
    event_valid_s: float = 3600.0
    health_every_s: int = HEALTH_EVERY_S
    outbox: OutboxLimits = field(default_factory=OutboxLimits)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    pictures: PictureSettings = field(default_factory=PictureSettings)

    def camera(self, camera: CameraId) -> AnalysisSettings:
        """The settings of a camera."""
        found = self.cameras.get(camera, AnalysisSettings())
        armed = self.wanted.armed(camera, configured=self.armed and found.armed)
        return found if found.armed == armed else replace(found, armed=armed)


def read_settings(document: Mapping[str, object]) -> InferenceSettings:
    """The settings in a document, with scalars of any type.

    Raises:
        SettingsError: naming the first wrong key and what it may be; `also` has the others.
    """
    settings, defaults = Settings(document, noted={}), InferenceSettings()
    bundle = settings.text("bundle", "")
    timezone = settings.text("timezone", defaults.timezone)
    place = settings.attempt(lambda: time_zone(timezone, settings.name("timezone")), _ANYWHERE)
    read = InferenceSettings(
        bundle=Path(bundle) if bundle else None,
        trusted_key=settings.public_key("trusted_key"),
        armed=settings.boolean("armed", default=defaults.armed),
        timezone=timezone,
        cameras={camera: _camera(table, place) for camera, table in settings.cameras("cameras").items()},
        camera_lost_after_s=settings.number("camera_lost_after_s", defaults.camera_lost_after_s, 2, 600),
        event_valid_s=settings.number("event_valid_s", defaults.event_valid_s, 10, 7 * _DAY_S),
        health_every_s=settings.integer("health_every_s", defaults.health_every_s, 10, 3600),
        outbox=_outbox(settings.table("outbox")),
        snapshots=_snapshots(settings.table("snapshots")),
        pictures=_pictures(settings.table("pictures")),
    )
    settings.done()
    return read


def trusted_key(document: Mapping[str, object]) -> bytes | None:
    """The key in a document that is otherwise wrong; if the key is wrong too, one that matches no signature.

    A mistake in another setting must not switch the signature check off.
    """
    try:
        return Settings(document).public_key("trusted_key")
    except SettingsError:
        return _NOBODY


def understood_settings(work_folder: Path | None) -> Understood[InferenceSettings]:
    """Reads documents and remembers the last valid one, in the work folder if there is one."""
    return Understood(read_settings, None if work_folder is None else MemoryFile(work_folder / UNDERSTOOD))


def _snapshots(settings: Settings) -> SnapshotSettings:
    defaults = SnapshotSettings()
    read = SnapshotSettings(
        enabled=settings.boolean("enabled", default=defaults.enabled),
        bucket=settings.text("bucket", defaults.bucket, 63),
        max_files=settings.integer("max_files", defaults.max_files, 1, 100_000),
        max_mb=settings.integer("max_mb", defaults.max_mb, 1, 10_000),
    )
    if read.enabled and not read.bucket:
        settings.refuse(settings.error("bucket", "must name the bucket if pictures are enabled"))
    return read


def _pictures(settings: Settings) -> PictureSettings:
    defaults = PictureSettings()
    return PictureSettings(
        keep=settings.boolean("keep", default=defaults.keep),
        max_files=settings.integer("max_files", defaults.max_files, 1, 100_000),
        max_mb=settings.integer("max_mb", defaults.max_mb, 1, 10_000),
    )


def _outbox(settings: Settings) -> OutboxLimits:
    defaults = OutboxLimits()
    return OutboxLimits(
        max_events=settings.integer("max_events", defaults.max_events, 10, 1_000_000),
        max_age_s=settings.number("max_age_h", defaults.max_age_s / _HOUR_S, 1, 24 * 365) * _HOUR_S,
    )


def _camera(settings: Settings, place: tzinfo) -> AnalysisSettings:
    defaults = AnalysisSettings()
    raise_at = settings.number("raise_at", 1.0, 0, 1) if settings.has("raise_at") else None
    clear_at = settings.number("clear_at", 0.0, 0, 1) if settings.has("clear_at") else None
    if raise_at is not None and clear_at is not None and clear_at > raise_at:
        settings.refuse(settings.error("clear_at", f"must not be above raise_at, which is {raise_at:g}"))
    reader = RuleReader(settings, place)
    return AnalysisSettings(
        armed=settings.boolean("armed", default=defaults.armed),
        labels=settings.texts("labels", ()),
        raise_at=raise_at,
        clear_at=clear_at,
        min_frames=settings.integer("min_frames", 1, 1, 100) if settings.has("min_frames") else None,
        remember_s=settings.number("remember_s", defaults.remember_s, 0.5, 600),
        motion_min_size=settings.number("motion_min_size", defaults.motion_min_size, 0.001, 1),
        zones=reader.zones,
        lines=reader.lines,
        schedule=reader.schedule(settings),
        rules=reader.rules(),
        tamper=settings.boolean("tamper", default=defaults.tamper),
    )
