"""The settings of smartcam.Inference, read from its configuration document."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final, TypeVar

from smartcam.contract.errors import SettingsError
from smartcam.contract.health import HEALTH_EVERY_S
from smartcam.contract.ids import CameraId
from smartcam.contract.wanted import NOTHING_WANTED, Verdict, Wanted
from smartcam.edge.bundle_names import DEFAULT_BUNDLE, bundle_folder, read_bundles
from smartcam.edge.history.folder import HistorySettings
from smartcam.edge.journal.folder import JournalSettings
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.outbox.outbox import OutboxLimits
from smartcam.edge.pictures.folder import PictureSettings
from smartcam.edge.pictures.uploader import SnapshotSettings
from smartcam.edge.rule_settings import RuleReader, effective_rules
from smartcam.edge.segments import SegmentSettings
from smartcam.edge.settings import Settings, closest, time_zone
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood
from smartcam.vision.line import Line
from smartcam.vision.rule import Rule
from smartcam.vision.week import WeeklyHours
from smartcam.vision.zone import Zone

K = TypeVar("K", bound=SegmentSettings)

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
    the camera raises events; a camera that turns by itself is better off without. `detector`: the name of its bundle.
    `normal`: whether the camera learns what is normal before it, and raises what is not, about `alerts_a_day` times a
    day. `verdicts`: what people have said of events, which is no part of the document.
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
    detector: str = DEFAULT_BUNDLE
    normal: bool = False
    alerts_a_day: float = 1.0
    verdicts: tuple[Verdict, ...] = ()

    def effective_rules(self) -> tuple[Rule, ...]:
        """The rules for this camera's objects; none while it is disarmed."""
        if not self.armed:
            return ()
        return effective_rules(self.rules, self.labels, self.zones, self.schedule)


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """The whole document. A camera without an entry is analysed with defaults.

    `bundle`: the default bundle's folder, `bundles`: those of the others by name; None for smartcam.Model's.
    `trusted_key`: the Ed25519 public key that has to have signed a bundle, 32 bytes; None: bundles need no signature.
    `filter`: the folder of a filter's bundle; None: no event is held back. `filter_on_trial`: it only says
    what it would.
    """

    bundle: Path | None = None
    bundles: Mapping[str, Path | None] = field(default_factory=dict)
    filter: Path | None = None
    filter_on_trial: bool = False
    trusted_key: bytes | None = None
    armed: bool = True
    timezone: str = "UTC"
    cameras: Mapping[CameraId, AnalysisSettings] = field(default_factory=dict)
    wanted: Wanted = NOTHING_WANTED
    """What the cloud, and people here, want besides, which is no part of the document."""
    unlisted: frozenset[CameraId] = frozenset()
    """Cameras that no deployment names: people here have set something of them."""
    camera_lost_after_s: float = 10.0
    event_valid_s: float = 3600.0
    health_every_s: int = HEALTH_EVERY_S
    outbox: OutboxLimits = field(default_factory=OutboxLimits)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    pictures: PictureSettings = field(default_factory=PictureSettings)
    journal: JournalSettings = field(default_factory=JournalSettings)
    history: HistorySettings = field(default_factory=HistorySettings)

    def listed(self) -> list[CameraId]:
        """The cameras that a deployment names, which are expected whether or not they are heard of."""
        return [camera for camera in self.cameras if camera not in self.unlisted]

    def camera(self, camera: CameraId) -> AnalysisSettings:
        """The settings of a camera."""
        found = self.cameras.get(camera, AnalysisSettings())
        armed = self.wanted.armed(camera, configured=self.armed and found.armed)
        return replace(found, armed=armed, verdicts=self.wanted.verdicts)

    def bundle_folders(self, released: Path | None) -> dict[str, Path | None]:
        """The folders of the bundles in use by name, the default one first; `released` has smartcam.Model's."""
        named = {camera.detector for camera in self.cameras.values()} - {DEFAULT_BUNDLE}
        said = {DEFAULT_BUNDLE: self.bundle} | {name: self.bundles.get(name) for name in sorted(named)}
        return {name: bundle_folder(name, folder, released) for name, folder in said.items()}


def read_settings(document: Mapping[str, object]) -> InferenceSettings:
    """The settings in a document, with scalars of any type.

    Raises:
        SettingsError: naming the first wrong key and what it may be; `also` has the others.
    """
    settings, defaults = Settings(document, noted={}), InferenceSettings()
    bundle, bundles = settings.text("bundle", ""), read_bundles(settings)
    event_filter = settings.text("filter", "")
    timezone = settings.text("timezone", defaults.timezone)
    place = settings.attempt(lambda: time_zone(timezone, settings.name("timezone")), _ANYWHERE)
    read = InferenceSettings(
        bundle=Path(bundle) if bundle else None,
        bundles=bundles,
        filter=Path(event_filter) if event_filter else None,
        filter_on_trial=settings.boolean("filter_on_trial", default=False),
        trusted_key=settings.public_key("trusted_key"),
        armed=settings.boolean("armed", default=defaults.armed),
        timezone=timezone,
        cameras={camera: _camera(table, place, bundles) for camera, table in settings.cameras("cameras").items()},
        camera_lost_after_s=settings.number("camera_lost_after_s", defaults.camera_lost_after_s, 2, 600),
        event_valid_s=settings.number("event_valid_s", defaults.event_valid_s, 10, 7 * _DAY_S),
        health_every_s=settings.integer("health_every_s", defaults.health_every_s, 10, 3600),
        outbox=_outbox(settings.table("outbox")),
        snapshots=_snapshots(settings.table("snapshots")),
        pictures=_pictures(settings.table("pictures")),
        journal=_segments(settings.table("journal"), defaults.journal, most_mb=1000, most_days=31),
        history=_segments(settings.table("history"), defaults.history, most_mb=200, most_days=366),
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
        clips=settings.boolean("clips", default=defaults.clips),
    )
    if read.enabled and not read.bucket:
        settings.refuse(settings.error("bucket", "must name the bucket if pictures are enabled"))
    if read.clips and not read.enabled:
        settings.refuse(settings.error("clips", "needs `enabled: true`: clips go where pictures go"))
    return read


def _pictures(settings: Settings) -> PictureSettings:
    defaults = PictureSettings()
    return PictureSettings(
        keep=settings.boolean("keep", default=defaults.keep),
        max_files=settings.integer("max_files", defaults.max_files, 1, 100_000),
        max_mb=settings.integer("max_mb", defaults.max_mb, 1, 10_000),
    )


def _segments(settings: Settings, defaults: K, most_mb: int, most_days: int) -> K:
    """What is said of the journal or of the history."""
    return replace(
        defaults,
        keep=settings.boolean("keep", default=defaults.keep),
        max_mb=settings.integer("max_mb", defaults.max_mb, 1, most_mb),
        max_days=settings.integer("max_days", defaults.max_days, 1, most_days),
    )


def _outbox(settings: Settings) -> OutboxLimits:
    defaults = OutboxLimits()
    return OutboxLimits(
        max_events=settings.integer("max_events", defaults.max_events, 10, 1_000_000),
        max_age_s=settings.number("max_age_h", defaults.max_age_s / _HOUR_S, 1, 24 * 365) * _HOUR_S,
    )


def _camera(settings: Settings, place: tzinfo, bundles: Collection[str]) -> AnalysisSettings:
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
        detector=_detector(settings, bundles),
        normal=settings.boolean("normal", default=defaults.normal),
        alerts_a_day=settings.number("alerts_a_day", defaults.alerts_a_day, 0.1, 100),
    )


def _detector(settings: Settings, bundles: Collection[str]) -> str:
    """The name of a camera's bundle, which must be known: a camera whose model is misspelt would see nothing."""
    name, names = (
        settings.text("detector", DEFAULT_BUNDLE) or DEFAULT_BUNDLE,
        [DEFAULT_BUNDLE, *sorted({*bundles} - {DEFAULT_BUNDLE})],
    )
    if name not in names:
        remedy = f"must be one of {', '.join(names)}{closest(name, names)}; name another one in `bundles`"
        settings.refuse(settings.error("detector", remedy))
    return name
