"""CVAT for video: the XML 1.1 of its exports, and the JSON of its backups. Boxes are keyframes, linear in between."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from smartcam.contract.event import EventKind
from tools.score.foreign.rows import (
    MOST_ROWS,
    PictureSize,
    TakenOver,
    frame_of,
    kind_of,
    name_of,
    number_of,
    shares_of,
    sight_of,
)
from tools.score.intervals import ScoreError, shown
from tools.score.objects import Keyframe, Sight, in_groups

_CORNERS: Final = ("xtl", "ytl", "xbr", "ybr")
_TRUE: Final = frozenset({"1", "true", "True", True})


@dataclass(frozen=True, slots=True)
class Shape:
    """A box of a track in pixels, from a frame on; `is_outside`: from there on the object is not in sight."""

    frame: int
    is_outside: bool
    box: tuple[float, float, float, float]


def read_cvat_xml(text: str, size: PictureSize) -> TakenOver:
    """The tracks of an export; the size of the pictures is the file's where it says one. Raises ScoreError."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ScoreError("it has a DOCTYPE or entities, which no export of CVAT has")
    try:
        root = ET.fromstring(text)  # noqa: S314  what makes XML dangerous has been refused above
    except (ET.ParseError, ValueError) as error:
        raise ScoreError(f"it is no XML ({error})") from error
    if root.tag != "annotations":
        raise ScoreError(f"its root is <{root.tag[:40]}> and not <annotations>")
    original = root.find(".//original_size")
    if original is not None:
        sides = [number_of((original.findtext(side) or "").strip(), side) for side in ("width", "height")]
        size = _checked_size(*sides)
    taken = TakenOver()
    if root.find("image") is not None:
        taken.left_out["single pictures"] += len(root.findall("image"))
    tracks = (
        (f"track {n}: ", each.get("id", str(n)), each.get("label", ""), _xml_shapes(each, f"track {n}: "))
        for n, each in enumerate(root.findall("track"))
    )
    return _take(tracks, size, taken)


def read_cvat_json(document: object, size: PictureSize) -> TakenOver:
    """The tracks of a backup's annotations. Raises ScoreError."""
    jobs = document if isinstance(document, list) else [document]
    taken, tracks = TakenOver(), []
    for job in jobs:
        listed = job.get("tracks") if isinstance(job, dict) else None
        if not isinstance(listed, list):
            raise ScoreError(f"{shown(job, 40)} has no list of tracks")
        tracks += listed
    for number, track in enumerate(tracks):
        if not isinstance(track, dict):
            raise ScoreError(f"tracks[{number}] is {shown(track, 40)} and no object")
    read = (
        (f"tracks[{n}]: ", str(n), str(each.get("label", "")), _json_shapes(each, f"tracks[{n}]: "))
        for n, each in enumerate(tracks)
    )
    return _take(read, size, taken)


def _take(tracks: Iterable[tuple[str, str, str, list[Shape]]], size: PictureSize, taken: TakenOver) -> TakenOver:
    sights: list[tuple[str, EventKind, Sight]] = []
    names: set[str] = set()
    for where, name, label, shapes in tracks:
        kind = kind_of(label)
        if kind is None:
            taken.left_out[label[:40] or "(no label)"] += len(shapes)
            continue
        identity = name_of(f"{label.strip()}-{name}"[:64], f"{where}the id")
        if identity in names:
            raise ScoreError(f"{where}the id {name} is there twice")
        names.add(identity)
        sights += [(identity, kind, sight) for sight in _sights(where, kind, shapes, size)]
    taken.objects = in_groups(sights)
    return taken


def _sights(where: str, kind: EventKind, shapes: list[Shape], size: PictureSize) -> Iterator[Sight]:
    keys: list[Keyframe] = []
    before = -1
    for shape in sorted(shapes, key=lambda each: each.frame):
        if shape.frame == before:
            raise ScoreError(f"{where}two boxes in frame {shape.frame}")
        before = shape.frame
        box = None if shape.is_outside else shares_of(shape.box, size)
        if box is not None:
            keys.append(Keyframe(shape.frame, box))
        elif keys:
            # Until the frame in which it is said to be outside the object stays where it was seen last.
            yield sight_of(kind, keys, shape.frame - 1)
            keys = []
    if keys:
        yield sight_of(kind, keys)


def _xml_shapes(track: ET.Element, where: str) -> list[Shape]:
    boxes = track.findall("box")
    if len(boxes) > MOST_ROWS:
        raise ScoreError(f"{where}more than {MOST_ROWS} boxes")
    return [
        Shape(
            frame_of(box.get("frame", ""), f"{where}the frame"),
            box.get("outside", "0") in _TRUE,
            _four(number_of(box.get(corner, ""), f"{where}{corner}") for corner in _CORNERS),
        )
        for box in boxes
    ]


def _json_shapes(track: Mapping[str, object], where: str) -> list[Shape]:
    listed = track.get("shapes")
    if not isinstance(listed, list) or len(listed) > MOST_ROWS:
        raise ScoreError(f"{where}shapes is {shown(listed, 40)} and no list of at most {MOST_ROWS} entries")
    shapes = []
    for each in listed:
        points = each.get("points") if isinstance(each, dict) else None
        if not isinstance(each, dict) or not isinstance(points, list):
            raise ScoreError(f"{where}a shape is {shown(each, 80)}")
        if each.get("type", "rectangle") != "rectangle":
            continue
        if len(points) != len(_CORNERS):
            raise ScoreError(f"{where}points is {shown(points, 80)} and not four corners")
        corners = _four(number_of(point, f"{where}points") for point in points)
        shapes.append(Shape(frame_of(each.get("frame"), f"{where}the frame"), each.get("outside") is True, corners))
    return shapes


def _four(sides: Iterable[float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = sides
    return x1, y1, x2, y2


def _checked_size(width: float, height: float) -> PictureSize:
    if width < 1 or height < 1:
        raise ScoreError(f"original_size: {width:g} by {height:g} is no size of a picture")
    return PictureSize(width, height)
