"""What a device reports about itself on `smartcam/v1/<thing>/health`, every few minutes and when something changes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, ThingName, camera_id, thing_name
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs, format_utc, parse_utc
from smartcam.contract.wanted import MOST_TAKEN

HEALTH_SCHEMA: Final = 1
LARGEST_HEALTH_BYTES: Final = 6144
"""Below what every nucleus carries."""
MOST_CAMERAS: Final = 32
HEALTH_EVERY_S: Final = 300
_LONGEST_EVERY_S = 86_400
_LONGEST_RUN = 64
_LONGEST_WORD = 128
_LONGEST_MODEL = 2 * _LONGEST_WORD + 1
LONGEST_REASON: Final = 160
"""Characters."""
_FASTEST = 1e6
_MOST_HOURS = 1e6


class DeviceState(StrEnum):
    """`stopping`: the process was asked to end, and the silence that follows is planned."""

    RUNNING = "running"
    STOPPING = "stopping"


class CameraCondition(StrEnum):
    """`awaited`: it is configured, and nothing has been received from it since the process started."""

    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"
    AWAITED = "awaited"


class SceneStage(StrEnum):
    """How far a camera is with what is normal in front of it. `relearning`: it was turned, and begins anew."""

    LEARNING = "learning"
    WATCHING = "watching"
    RELEARNING = "relearning"


@dataclass(frozen=True, slots=True)
class SceneHealth:
    """How a camera gets on with learning its scene.

    It has watched for `hours`; from `of_hours` on it can promise to raise no more than `budget` a day. `raised`: how
    many it has raised in the last day. `drift`: it raises more than it promised. Hours travel in tenths.
    """

    stage: SceneStage
    hours: float
    of_hours: float
    budget: float
    raised: int
    drift: bool

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        hours = {"hours": round(self.hours, 1), "of_hours": round(self.of_hours, 1)}
        return {"stage": self.stage, **hours, "budget": self.budget, "raised": self.raised, "drift": self.drift}

    @classmethod
    def from_fields(cls, fields: Fields) -> "SceneHealth":
        """The inverse of `document`. Raises ContractError naming the first wrong field."""
        return cls(
            stage=fields.choice("stage", SceneStage),
            hours=fields.number("hours", 0, _MOST_HOURS),
            of_hours=fields.number("of_hours", 0, _MOST_HOURS),
            budget=fields.number("budget", 0, _FASTEST),
            raised=fields.integer("raised"),
            drift=fields.boolean("drift"),
        )


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """One camera. `frames_per_second` is what its source delivers, 0 if unknown.

    `armed`: whether what it sees can raise events now; None from a device that does not say. `collects_footage`:
    whether its pictures are collected on the device for training. `model`: its own model's name and version; None where
    it has the device's. `scene`: None where it does not learn what is normal, or there was no room to say.
    """

    camera_id: CameraId
    condition: CameraCondition
    frames_per_second: float = 0.0
    armed: bool | None = None
    collects_footage: bool = False
    model: str | None = None
    scene: SceneHealth | None = None


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """What waits for the cloud, None if that cannot be counted.

    `oldest_ms` is None if nothing waits or its age is unknown. `unreadable` counts the events that a damaged disk has
    cost since the process started, as far as they can be counted: a page of which nothing is left is one.
    """

    waiting: int | None = 0
    refused: int = 0
    dropped: int = 0
    oldest_ms: int | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class FrameHealth:
    """Frames of all cameras, counted by capture (`read`, `announced`) and by inference since each has started.

    Of the notices that inference has `heard`, a newer one took the place of those `dropped`; of the others the
    picture was `overwritten` or `unreadable`, or they were analysed. Messages that are no notice were `refused`,
    frames inside messages that never became whole `incomplete`.
    """

    read: int = 0
    announced: int = 0
    heard: int = 0
    dropped: int = 0
    overwritten: int = 0
    unreadable: int = 0
    refused: int = 0
    incomplete: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """One message.

    `run` names the process and `seq` counts its messages, so that a late one can be recognised. The next
    one comes within `every_s` seconds. `bundle_refused`: why the bundle that should be in use is not, None if it
    is; `configuration_refused`: the same for the configuration, beginning with the key. `version` is what inference
    runs, `capture_version` what it hears from, None if it hears nothing. `release_refused` begins with the version that
    was installed and does not run, None if there is none. `wanted_revision`: the newest revision of the cloud's wishes
    that the device has taken, None from one that takes none. `cloud_takes`: what the cloud has said that it takes
    besides what every cloud takes, None from a device that does not listen. `clip_key`: the public key with which
    capture seals clips, in hexadecimal, None where it does not say. `more` keeps fields of newer versions.
    """

    thing: ThingName
    state: DeviceState
    run: str
    seq: int
    sent_at: UtcNs
    clock_synced: bool
    uptime_s: int
    version: str
    capture_version: str | None = None
    clip_key: str | None = None
    release_refused: str | None = None
    every_s: int = HEALTH_EVERY_S
    model_name: str | None = None
    model_version: str | None = None
    bundle_refused: str | None = None
    configuration_refused: str | None = None
    analysed: int = 0
    failed: int = 0
    snapshots_waiting: int = 0
    frames: FrameHealth = field(default_factory=FrameHealth)
    outbox: OutboxHealth = field(default_factory=OutboxHealth)
    cameras: tuple[CameraHealth, ...] = ()
    cameras_left_out: int = 0
    """Cameras beyond `MOST_CAMERAS`, which are not listed, and those that are announced and have no place."""
    wanted_revision: int | None = None
    cloud_takes: tuple[str, ...] | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The message as JSON in UTF-8. Raises ContractError when it would be over 6 kB."""
        payload = dump_object(
            dict(self.more)
            | {
                "schema": HEALTH_SCHEMA,
                "thing": self.thing,
                "state": self.state,
                "run": self.run,
                "seq": self.seq,
                "sent_at": format_utc(self.sent_at),
                "clock_synced": self.clock_synced,
                "uptime_s": self.uptime_s,
                "version": self.version,
                "capture_version": self.capture_version,
                "clip_key": self.clip_key,
                "release_refused": self.release_refused,
                "every_s": self.every_s,
                "model_name": self.model_name,
                "model_version": self.model_version,
                "bundle_refused": self.bundle_refused,
                "configuration_refused": self.configuration_refused,
                "analysed": self.analysed,
                "failed": self.failed,
                "snapshots_waiting": self.snapshots_waiting,
                "frames": asdict(self.frames),
                "outbox": asdict(self.outbox),
                "cameras": [_camera_document(one) for one in self.cameras],
                "cameras_left_out": self.cameras_left_out,
                "wanted_revision": self.wanted_revision,
                "cloud_takes": self.cloud_takes,
            }
        )
        if len(payload) > LARGEST_HEALTH_BYTES:
            raise ContractError("health", f"has {len(payload)} bytes, at most {LARGEST_HEALTH_BYTES} are allowed")
        return payload

    @classmethod
    def from_json(cls, payload: bytes | str) -> "Health":
        """The message in a payload.

        Raises:
            ContractError: naming the first wrong field; `schema` for a version that this code does not know.
        """
        fields = Fields(parse_object(payload, "health"))
        if fields.integer("schema") != HEALTH_SCHEMA:
            raise ContractError("schema", f"must be {HEALTH_SCHEMA}; update the side that does not know it")
        cameras = tuple(_camera(one) for one in fields.objects("cameras", MOST_CAMERAS))
        if len({one.camera_id for one in cameras}) != len(cameras):
            raise ContractError("cameras", "must name each camera once")
        return cls(
            thing=thing_name(fields.text("thing")),
            state=fields.choice("state", DeviceState),
            run=fields.text("run", _LONGEST_RUN),
            seq=fields.integer("seq"),
            sent_at=parse_utc(fields.text("sent_at"), "sent_at"),
            clock_synced=fields.boolean("clock_synced"),
            uptime_s=fields.integer("uptime_s"),
            version=fields.text("version", _LONGEST_WORD),
            capture_version=fields.optional_text("capture_version", _LONGEST_WORD),
            clip_key=fields.optional_key("clip_key"),
            release_refused=fields.optional_text("release_refused", LONGEST_REASON),
            every_s=fields.integer("every_s", 1, _LONGEST_EVERY_S),
            model_name=fields.optional_text("model_name", _LONGEST_WORD),
            model_version=fields.optional_text("model_version", _LONGEST_WORD),
            bundle_refused=fields.optional_text("bundle_refused", LONGEST_REASON),
            configuration_refused=fields.optional_text("configuration_refused", LONGEST_REASON),
            analysed=fields.integer("analysed"),
            failed=fields.integer("failed"),
            snapshots_waiting=fields.integer("snapshots_waiting"),
            frames=_frames(fields.inner("frames")) if fields.has("frames") else FrameHealth(),
            outbox=_outbox(fields.inner("outbox")),
            cameras=cameras,
            cameras_left_out=fields.integer("cameras_left_out"),
            wanted_revision=fields.optional_integer("wanted_revision"),
            cloud_takes=fields.words("cloud_takes", MOST_TAKEN) if fields.has("cloud_takes") else None,
            more=fields.unknown(_KNOWN),
        )


_KNOWN = frozenset(Health.__dataclass_fields__) - {"more"} | {"schema"}


def _frames(fields: Fields) -> FrameHealth:
    return FrameHealth(**{key: fields.integer(key) for key in FrameHealth.__dataclass_fields__})


def _outbox(fields: Fields) -> OutboxHealth:
    return OutboxHealth(
        waiting=fields.optional_integer("waiting"),
        refused=fields.integer("refused"),
        dropped=fields.integer("dropped"),
        oldest_ms=fields.optional_integer("oldest_ms"),
        unreadable=fields.optional_integer("unreadable") or 0,
    )


def _camera_document(one: CameraHealth) -> dict[str, object]:
    said = {
        "armed": one.armed,
        "model": one.model,
        "footage": one.collects_footage or None,
        "scene": None if one.scene is None else one.scene.document(),
    }
    known = {key: value for key, value in said.items() if value is not None}
    return {"camera_id": one.camera_id, "condition": one.condition, "fps": one.frames_per_second, **known}


def _camera(fields: Fields) -> CameraHealth:
    return CameraHealth(
        camera_id=camera_id(fields.text("camera_id"), fields.name("camera_id")),
        condition=fields.choice("condition", CameraCondition),
        frames_per_second=fields.number("fps", 0, _FASTEST),
        armed=fields.boolean("armed") if fields.has("armed") else None,
        collects_footage=fields.has("footage") and fields.boolean("footage"),
        model=fields.optional_text("model", _LONGEST_MODEL),
        scene=SceneHealth.from_fields(fields.inner("scene")) if fields.has("scene") else None,
    )
