"""What travels on `smartcam/frames/<camera_id>`: notices of frames, and capture's own state."""

from dataclasses import dataclass
from enum import StrEnum

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import MonotonicNs, UtcNs

LARGEST_SIDE = 8192
LATEST = 2**62
"""In the year 2116: times are reckoned with, and what comes of it must still fit into 64 bits."""
MOST_BOXES = 16
_MOST_SLOTS = 1024
_LONGEST_VERSION = 64
LONGEST_REFUSAL = 160
"""Characters."""


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A box in whole pixels: `0 <= x1 < x2`, `0 <= y1 < y2`, the second corner excluded."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True)
class FrameNotice:
    """What IPC carries about one frame in the ring; the pixels stay in shared memory.

    `ring` is the ring's birth number: another one means that the writer has restarted.
    `position_ns` is the time within a clip (0 for a live source). `motion` holds at most
    16 boxes in pixels of the full picture, none for a keep-alive frame.
    """

    camera_id: CameraId
    seq: int
    ring: int
    slot: int
    width: int
    height: int
    captured_at: UtcNs
    captured_mono: MonotonicNs
    position_ns: int
    motion: tuple[PixelBox, ...]


class CameraState(StrEnum):
    """What capture reports about a source."""

    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StatusNotice:
    """Capture's own state of one camera, sent on change and every few seconds.

    `version` is what capture runs, and `release_refused` why it is not the one that was installed; empty if unknown.
    `collects_footage`: whether the camera's pictures are collected on the device for training. `clip_key`: the public
    key with which capture seals clips, in hexadecimal; empty where it seals none.
    """

    camera_id: CameraId
    state: CameraState
    reason: str
    frames_per_second: float
    frames_read: int
    frames_announced: int
    opened_at: UtcNs
    """UTC of the source's first picture (position 0), 0 before it was ever opened."""
    sent_at: UtcNs
    version: str = ""
    release_refused: str = ""
    collects_footage: bool = False
    clip_key: str = ""


def encode_notice(notice: FrameNotice | StatusNotice) -> bytes:
    """The notice as JSON in UTF-8, under 1 kB."""
    if isinstance(notice, FrameNotice):
        return dump_object(
            {
                "type": "frame",
                "camera_id": notice.camera_id,
                "seq": notice.seq,
                "ring": notice.ring,
                "slot": notice.slot,
                "width": notice.width,
                "height": notice.height,
                "captured_at_ns": notice.captured_at,
                "captured_mono_ns": notice.captured_mono,
                "position_ns": notice.position_ns,
                "motion": [[box.x1, box.y1, box.x2, box.y2] for box in notice.motion],
            }
        )
    return dump_object(
        {
            "type": "status",
            "camera_id": notice.camera_id,
            "state": notice.state,
            "reason": notice.reason or None,
            "frames_per_second": notice.frames_per_second,
            "frames_read": notice.frames_read,
            "frames_announced": notice.frames_announced,
            "opened_at_ns": notice.opened_at,
            "sent_at_ns": notice.sent_at,
            "version": notice.version or None,
            "release_refused": notice.release_refused or None,
            **({"footage": True} if notice.collects_footage else {}),
            **({"clip_key": notice.clip_key} if notice.clip_key else {}),
        }
    )


def decode_notice(payload: bytes | str) -> FrameNotice | StatusNotice:
    """The notice in a payload.

    Raises:
        ContractError: naming the first wrong field.
    """
    fields = Fields(parse_object(payload, "notice"))
    kind = fields.text("type")
    if kind == "frame":
        return _frame(fields)
    if kind == "status":
        return _status(fields)
    raise ContractError("type", "must be frame or status")


def _frame(fields: Fields) -> FrameNotice:
    width = fields.integer("width", 2, LARGEST_SIDE)
    height = fields.integer("height", 2, LARGEST_SIDE)
    return FrameNotice(
        camera_id=camera_id(fields.text("camera_id")),
        seq=fields.integer("seq"),
        ring=fields.integer("ring"),
        slot=fields.integer("slot", 0, _MOST_SLOTS - 1),
        width=width,
        height=height,
        captured_at=UtcNs(fields.integer("captured_at_ns", highest=LATEST)),
        captured_mono=MonotonicNs(fields.integer("captured_mono_ns")),
        position_ns=fields.integer("position_ns"),
        motion=tuple(
            _box(item, f"motion[{place}]", width, height)
            for place, item in enumerate(fields.items("motion", MOST_BOXES))
        ),
    )


def _box(item: object, field: str, width: int, height: int) -> PixelBox:
    if not isinstance(item, list) or len(item) != 4 or any(type(side) is not int for side in item):  # noqa: PLR2004
        raise ContractError(field, "must be four whole numbers")
    box = PixelBox(*item)
    if not (0 <= box.x1 < box.x2 <= width and 0 <= box.y1 < box.y2 <= height):
        raise ContractError(field, f"must lie within the picture of {width}x{height}")
    return box


def _status(fields: Fields) -> StatusNotice:
    return StatusNotice(
        camera_id=camera_id(fields.text("camera_id")),
        state=fields.choice("state", CameraState),
        reason=fields.optional_text("reason") or "",
        frames_per_second=fields.number("frames_per_second", 0, 1e6),
        frames_read=fields.integer("frames_read"),
        frames_announced=fields.integer("frames_announced"),
        opened_at=UtcNs(fields.integer("opened_at_ns")),
        sent_at=UtcNs(fields.integer("sent_at_ns")),
        version=fields.optional_text("version", _LONGEST_VERSION) or "",
        release_refused=fields.optional_text("release_refused", LONGEST_REFUSAL) or "",
        collects_footage=fields.has("footage") and fields.boolean("footage"),
        clip_key=fields.optional_key("clip_key") or "",
    )
