"""The settings of smartcam.Inference, read from its configuration document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smartcam.contract.health import HEALTH_EVERY_S
from smartcam.contract.ids import CameraId
from smartcam.edge.outbox import OutboxLimits
from smartcam.edge.settings import Settings
from smartcam.vision.zone import Zone, zone

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """How one camera is analysed. None and empty mean: as the bundle says.

    `labels`: the labels that may raise an event. `zones`: where given, an object raises only while it stands in one.
    """

    labels: tuple[str, ...] = ()
    raise_at: float | None = None
    clear_at: float | None = None
    min_frames: int | None = None
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """The whole document. A camera without an entry is analysed with defaults."""

    bundle: Path | None = None
    cameras: Mapping[CameraId, CameraSettings] = field(default_factory=dict)
    camera_lost_after_s: float = 10.0
    event_valid_s: float = 3600.0
    health_every_s: int = HEALTH_EVERY_S
    outbox: OutboxLimits = field(default_factory=OutboxLimits)

    def camera(self, camera: CameraId) -> CameraSettings:
        """The settings of a camera."""
        return self.cameras.get(camera, CameraSettings())


def read_settings(document: Mapping[str, object]) -> InferenceSettings:
    """The settings in a document, with scalars of any type.

    Raises:
        SettingsError: naming the first wrong key and what it may be.
    """
    settings, defaults = Settings(document), InferenceSettings()
    bundle = settings.text("bundle", "")
    read = InferenceSettings(
        bundle=Path(bundle) if bundle else None,
        cameras={camera: _camera(table) for camera, table in settings.cameras("cameras").items()},
        camera_lost_after_s=settings.number("camera_lost_after_s", defaults.camera_lost_after_s, 2, 600),
        event_valid_s=settings.number("event_valid_s", defaults.event_valid_s, 10, 7 * _DAY_S),
        health_every_s=settings.integer("health_every_s", defaults.health_every_s, 10, 3600),
        outbox=_outbox(settings.table("outbox")),
    )
    settings.done()
    return read


def _outbox(settings: Settings) -> OutboxLimits:
    defaults = OutboxLimits()
    return OutboxLimits(
        max_events=settings.integer("max_events", defaults.max_events, 10, 1_000_000),
        max_age_s=settings.number("max_age_h", defaults.max_age_s / _HOUR_S, 1, 24 * 365) * _HOUR_S,
    )


def _camera(settings: Settings) -> CameraSettings:
    raise_at = settings.number("raise_at", 1.0, 0, 1) if settings.has("raise_at") else None
    clear_at = settings.number("clear_at", 0.0, 0, 1) if settings.has("clear_at") else None
    if raise_at is not None and clear_at is not None and clear_at > raise_at:
        raise settings.error("clear_at", f"must not be above raise_at, which is {raise_at:g}")
    zones = settings.polygons("zones")
    return CameraSettings(
        labels=settings.texts("labels", ()),
        raise_at=raise_at,
        clear_at=clear_at,
        min_frames=settings.integer("min_frames", 1, 1, 100) if settings.has("min_frames") else None,
        zones=tuple(zone(name, corners, f"{settings.name('zones')}.{name}") for name, corners in zones.items()),
    )
