"""What travels on `smartcam/views/<camera_id>`: what inference sees now, as long as somebody says that he looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, NormalBox, box_in
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.reading import Fields, dump_object, parse_object, printable
from smartcam.contract.times import MonotonicNs

MOST_VIEWED: Final = 30
"""Objects of one view."""
LARGEST_VIEW_BYTES: Final = 4000
WATCHED_S: Final = 15.0
"""How long a watch lasts; who goes on looking says so again, about every 5 s."""
_LONGEST_LABEL: Final = 32
_STEPS: Final = 10_000
"""Boxes travel in these shares of the picture, scores in thousandths."""
_LARGEST_NUMBER: Final = 2**53
"""Beyond it a browser tells two numbers no more apart."""
_VIEW_BEGINS: Final = b'{"type":"view"'


@dataclass(frozen=True, slots=True)
class ViewWatch:
    """Somebody looks at a camera's view."""

    camera_id: CameraId


@dataclass(frozen=True, slots=True)
class ViewedObject:
    """One object of a view; `has_event`: an event is on about it. The same object has the same `number`."""

    box: NormalBox
    kind: EventKind
    label: str
    score: float
    has_event: bool
    number: int


@dataclass(frozen=True, slots=True)
class ViewedScene:
    """How unusual the learned scene is, 0 to 1, as it was last looked at.

    It is unusual above the `threshold`, which is 1 as long as too little is learnt. `box`: what is unusual in it.
    """

    score: float
    threshold: float
    box: NormalBox | None = None


@dataclass(frozen=True, slots=True)
class CameraView:
    """What is seen in one frame of a camera. `scene`: None where no scene is learned, or none can be seen."""

    camera_id: CameraId
    captured_mono: MonotonicNs
    objects: tuple[ViewedObject, ...] = ()
    scene: ViewedScene | None = None


def encode_view_message(message: CameraView | ViewWatch) -> bytes:
    """The message as JSON in UTF-8, at most `LARGEST_VIEW_BYTES`.

    Of more objects than there is room for, those with an event come first, then those with the highest scores.
    """
    if isinstance(message, ViewWatch):
        return dump_object({"type": "watch", "camera_id": message.camera_id})
    ranked = sorted(message.objects, key=lambda one: (not one.has_event, -one.score))[:MOST_VIEWED]
    payload = _view(message, ranked)
    while len(payload) > LARGEST_VIEW_BYTES:
        ranked.pop()
        payload = _view(message, ranked)
    return payload


def decode_view_message(payload: bytes) -> CameraView | ViewWatch:
    """The message in a payload.

    Raises:
        ContractError: naming the first wrong field.
    """
    if len(payload) > LARGEST_VIEW_BYTES:
        raise ContractError("view message", f"has {len(payload)} bytes, at most {LARGEST_VIEW_BYTES} are allowed")
    fields = Fields(parse_object(payload, "view message"))
    kind, camera = fields.text("type"), camera_id(fields.text("camera_id"))
    if kind == "watch":
        return ViewWatch(camera)
    if kind != "view":
        raise ContractError("type", "must be watch or view")
    return CameraView(
        camera,
        MonotonicNs(fields.integer("captured_mono_ns")),
        tuple(_object_in(one) for one in fields.objects("objects", MOST_VIEWED)),
        _scene_in(fields.inner("scene")) if fields.has("scene") else None,
    )


def is_view(payload: bytes) -> bool:
    """Whether a message is one that `encode_view_message` has made of a view, without reading it."""
    return payload.startswith(_VIEW_BEGINS)


def _view(view: CameraView, objects: Sequence[ViewedObject]) -> bytes:
    scene = view.scene
    return dump_object(
        {
            "type": "view",
            "camera_id": view.camera_id,
            "captured_mono_ns": view.captured_mono,
            "objects": [
                {
                    "box": _sides(one.box),
                    "kind": one.kind,
                    "label": printable(one.label)[:_LONGEST_LABEL] or "?",
                    "score": _thousandths(one.score),
                    "event": one.has_event,
                    "number": min(one.number, _LARGEST_NUMBER),
                }
                for one in objects
            ],
            "scene": None
            if scene is None
            else {
                "score": _thousandths(scene.score),
                "threshold": _thousandths(scene.threshold),
                "box": None if scene.box is None else _sides(scene.box),
            },
        }
    )


def _sides(box: NormalBox) -> list[float]:
    """The box's sides, rounded; it stays one, however thin it is."""
    x1, y1 = (min(round(near * _STEPS), _STEPS - 1) for near in (box.x1, box.y1))
    x2, y2 = (max(round(far * _STEPS), near + 1) for far, near in ((box.x2, x1), (box.y2, y1)))
    return [side / _STEPS for side in (x1, y1, x2, y2)]


def _thousandths(score: float) -> float:
    return round(min(max(0.0, score), 1.0), 3)  # in this order, NaN is 0


def _object_in(fields: Fields) -> ViewedObject:
    return ViewedObject(
        box=box_in(fields),
        kind=fields.choice("kind", EventKind),
        label=fields.text("label", _LONGEST_LABEL),
        score=fields.number("score", 0, 1),
        has_event=fields.boolean("event"),
        number=fields.integer("number", 0, _LARGEST_NUMBER),
    )


def _scene_in(fields: Fields) -> ViewedScene:
    box = box_in(fields) if fields.has("box") else None
    return ViewedScene(fields.number("score", 0, 1), fields.number("threshold", 0, 1), box)
