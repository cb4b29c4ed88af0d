"""The event: the record of an episode that goes to the cloud."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId, ThingName, camera_id, event_id, thing_name
from smartcam.contract.reading import HEX_OF_32_BYTES, Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs, format_utc, parse_utc, storable

SCHEMA: Final = 1
LARGEST_EVENT_BYTES: Final = 4096
MOST_CLIPS: Final = 16
"""Parts of one event's clip that its record names: more would not fit into it."""
_MOST_PARTS: Final = 999_999
WHOLE_DEVICE: Final = CameraId("_device")
"""The camera of an event about a device and not about one of its cameras."""
WHOLE_FLEET: Final = ThingName("_fleet")
"""The thing of an event about many devices; its label says how many."""
HELD_BACK: Final = "held_back"
"""What a cloud says that it takes if it alerts nobody to an event that a filter has held back."""


class EventKind(StrEnum):
    """What was noticed: by a camera, by the cloud about a device or a whole fleet, or in a test by a person."""

    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    ANOMALY = "anomaly"
    MOTION = "motion"
    TAMPER = "tamper"
    CAMERA_LOST = "camera_lost"
    CAMERA_RESTORED = "camera_restored"
    DEVICE_LOST = "device_lost"
    DEVICE_RESTORED = "device_restored"
    FLEET_LOST = "fleet_lost"
    FLEET_RESTORED = "fleet_restored"
    TEST = "test"


MAY_BE_HELD_BACK: Final = frozenset(
    {EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY, EventKind.MOTION}
)
"""What is seen. No filter holds back that a camera is tampered with or lost, whatever it says of itself."""


class Phase(StrEnum):
    """Only raised events alert a person; cleared ones complete the history, and recorded ones say what was filmed.

    A cloud that does not know `recorded` refuses it: a device sends it once it has been told that the cloud takes it.
    """

    RAISED = "raised"
    CLEARED = "cleared"
    RECORDED = "recorded"


class Severity(StrEnum):
    """How urgent an event is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class NormalBox:
    """A box in normalised coordinates: `0 <= x1 < x2 <= 1`, `0 <= y1 < y2 <= 1`."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class ClipPart:
    """One file of an event's clip on its device: its number from 1, its bytes, and their SHA-256 in hexadecimal."""

    part: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Event:
    """An episode's record. The phases of an episode share `event_id`.

    `started_at` is when the episode was raised, `ended_at` when it was cleared (only then); after `expires_at` it
    alerts nobody any more. `age_ms` is how old the event was when it was sent, None if a reboot made that unknowable;
    `clock_synced` says whether the device trusted its UTC. `rule` is the name of the rule that fired, `cause` says in
    one word why there is an event at all (`detected`, `motion`, `covered`). `suppressed` counts what raised no event
    of its own. A raised event that has got a better name goes out again under the same id; `revision` counts how
    often; so does one that the learned scene finds unusual, too: `scene_score` says how much, 0..1, and `scene_reason`
    why, in a word of its own (`fast`, `nowhere`, `looks`); None where it has not, or where the event is its own.
    `clips`, in the recorded phase alone, are the parts that are on the device, the newest `MOST_CLIPS` of them; its
    `revision` is the newest part's number, and `clip_key` the public key with which the device has sealed them, in
    hexadecimal. `snapshot_key` and `clip_object` say where the picture and the clip's first part will be in the cloud;
    None for what stays on the device. `held_back` is the name and version of the filter that took a raised event for a
    false one. `more` keeps fields of newer versions.
    """

    event_id: EventId
    thing: ThingName
    camera_id: CameraId
    kind: EventKind
    phase: Phase
    severity: Severity
    started_at: UtcNs
    expires_at: UtcNs
    score: float
    threshold: float
    clock_synced: bool
    ended_at: UtcNs | None = None
    age_ms: int | None = None
    rule: str | None = None
    cause: str | None = None
    zone: str | None = None
    box: NormalBox | None = None
    label: str | None = None
    model_name: str | None = None
    model_version: str | None = None
    snapshot_key: str | None = None
    clip_object: str | None = None
    suppressed: int = 0
    revision: int = 0
    scene_score: float | None = None
    scene_reason: str | None = None
    clips: tuple[ClipPart, ...] = ()
    clip_key: str | None = None
    held_back: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ContractError where the fields contradict one another."""
        if (self.phase is Phase.CLEARED) != (self.ended_at is not None):
            raise ContractError("ended_at", "must be there when the phase is cleared, and only then")
        if (self.phase is Phase.RECORDED) != bool(self.clips):
            raise ContractError("clips", "must be there when the phase is recorded, and only then")
        if self.clip_key is not None and not (self.clips and HEX_OF_32_BYTES.fullmatch(self.clip_key)):
            raise ContractError("clip_key", "must be 64 hexadecimal digits in lower case, beside clips")
        if self.ended_at is not None and self.ended_at < self.started_at:
            raise ContractError("ended_at", "must not be before started_at")
        if self.expires_at < self.started_at:
            raise ContractError("expires_at", "must not be before started_at")

    @property
    def is_held_back(self) -> bool:
        """Whether it alerts nobody because a filter holds it back."""
        return self.held_back is not None and self.kind in MAY_BE_HELD_BACK

    def document(self) -> dict[str, object]:
        """The event as a JSON object; None where there is nothing. Raises ContractError as `to_json` does of times."""
        box = self.box
        return {
            **self.more,
            "schema": SCHEMA,
            "event_id": self.event_id,
            "thing": self.thing,
            "camera_id": self.camera_id,
            "kind": self.kind,
            "phase": self.phase,
            "severity": self.severity,
            "started_at": format_utc(storable(self.started_at, "started_at")),
            "ended_at": None if self.ended_at is None else format_utc(storable(self.ended_at, "ended_at")),
            "expires_at": format_utc(storable(self.expires_at, "expires_at")),
            "score": self.score,
            "threshold": self.threshold,
            "rule": self.rule,
            "cause": self.cause,
            "zone": self.zone,
            "box": None if box is None else [box.x1, box.y1, box.x2, box.y2],
            "label": self.label,
            "model_name": self.model_name,
            "model_version": self.model_version,
            "snapshot_key": self.snapshot_key,
            "clip_object": self.clip_object,
            "age_ms": self.age_ms,
            "clock_synced": self.clock_synced,
            "suppressed": self.suppressed,
            "revision": self.revision or None,
            "scene_score": self.scene_score,
            "scene_reason": self.scene_reason,
            "clips": [{"part": one.part, "bytes": one.size, "sha256": one.sha256} for one in self.clips] or None,
            "clip_key": self.clip_key,
            "held_back": self.held_back,
        }

    def to_json(self) -> bytes:
        """The event as JSON in UTF-8. Times carry milliseconds, rounded down.

        Raises:
            ContractError: when it would be over 4 kB, or a time could not be read again.
        """
        payload = dump_object(self.document())
        if len(payload) > LARGEST_EVENT_BYTES:
            raise ContractError("event", f"has {len(payload)} bytes, at most {LARGEST_EVENT_BYTES} are allowed")
        return payload

    @classmethod
    def from_json(cls, payload: bytes | str) -> "Event":
        """The event in a payload.

        Raises:
            ContractError: naming the first wrong field; `schema` for a version that this code does not know.
        """
        return cls.from_document(parse_object(payload, "event"))

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "Event":
        """The event in a parsed JSON object. Raises ContractError as `from_json` does."""
        fields = Fields(document)
        if fields.integer("schema") != SCHEMA:
            raise ContractError("schema", f"must be {SCHEMA}; update the side that does not know it")
        return cls(
            event_id=event_id(fields.text("event_id")),
            thing=thing_name(fields.text("thing")),
            camera_id=camera_id(fields.text("camera_id")),
            kind=fields.choice("kind", EventKind),
            phase=fields.choice("phase", Phase),
            severity=fields.choice("severity", Severity),
            started_at=parse_utc(fields.text("started_at"), "started_at"),
            ended_at=parse_utc(fields.text("ended_at"), "ended_at") if fields.has("ended_at") else None,
            expires_at=parse_utc(fields.text("expires_at"), "expires_at"),
            score=fields.number("score", 0, 1),
            threshold=fields.number("threshold", 0, 1),
            rule=fields.optional_text("rule"),
            cause=fields.optional_text("cause"),
            zone=fields.optional_text("zone"),
            box=box_in(fields) if fields.has("box") else None,
            label=fields.optional_text("label"),
            model_name=fields.optional_text("model_name"),
            model_version=fields.optional_text("model_version"),
            snapshot_key=fields.optional_text("snapshot_key"),
            clip_object=fields.optional_text("clip_object"),
            age_ms=fields.optional_integer("age_ms"),
            clock_synced=fields.boolean("clock_synced"),
            suppressed=fields.optional_integer("suppressed") or 0,
            revision=fields.optional_integer("revision") or 0,
            scene_score=fields.number("scene_score", 0, 1) if fields.has("scene_score") else None,
            scene_reason=fields.optional_text("scene_reason"),
            clips=_clips(fields) if fields.has("clips") else (),
            clip_key=fields.optional_text("clip_key"),
            held_back=fields.optional_text("held_back"),
            more=fields.unknown(_KNOWN),
        )


_KNOWN = frozenset(Event.__dataclass_fields__) - {"more"} | {"schema"}


def _clips(fields: Fields) -> tuple[ClipPart, ...]:
    clips = []
    for one in fields.objects("clips", MOST_CLIPS):
        sha256 = one.text("sha256")
        if not HEX_OF_32_BYTES.fullmatch(sha256):
            raise ContractError(one.name("sha256"), "must be 64 hexadecimal digits in lower case")
        clips.append(ClipPart(one.integer("part", 1, _MOST_PARTS), one.integer("bytes", 1), sha256))
    return tuple(clips)


def box_in(fields: Fields) -> NormalBox:
    """The field `box` of an object. Raises ContractError where it is none."""
    sides = fields.items("box", 4)
    if len(sides) != 4 or not all(_is_share(side) for side in sides):  # noqa: PLR2004
        raise ContractError(fields.name("box"), "must be four numbers of 0 to 1")
    x1, y1, x2, y2 = (float(side) for side in sides if isinstance(side, int | float))
    if not (x1 < x2 and y1 < y2):
        raise ContractError(fields.name("box"), "must have x1 < x2 and y1 < y2")
    return NormalBox(x1, y1, x2, y2)


def _is_share(side: object) -> bool:
    if isinstance(side, bool) or not isinstance(side, int | float):
        return False
    return 0 <= side <= 1
