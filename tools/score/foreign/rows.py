"""What all foreign labels have in common: boxes in pixels, of an identity, in a frame."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.edge.settings import finite_number
from smartcam.vision.corners import Corners
from tools.score.intervals import Interval, ScoreError
from tools.score.keyframes import thinned
from tools.score.objects import LONGEST_ID, Keyframe, LabelledObject, Sight, in_groups

MOST_ROWS: Final = 2_000_000
LAST_FRAME: Final = 10_000_000
EXACT: Final = 0.0005
"""Boxes that are left out are this share of the picture at most from where the others say that they are."""
_LARGEST: Final = 1e6
_KINDS: Final[Mapping[EventKind, str]] = {
    EventKind.PERSON: "person pedestrian people human man woman child rider static_person person_on_vehicle face head",
    EventKind.VEHICLE: "vehicle car van truck lorry bus bicycle bike motorcycle motorbike trailer train tractor",
    EventKind.ANIMAL: "animal bird cat dog horse sheep cow elephant bear zebra giraffe deer fox",
}
KIND_OF: Final[Mapping[str, EventKind]] = {word: kind for kind, words in _KINDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Pixels of the pictures in which boxes are given."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Row:
    """A box in pixels. Rows of one id whose `order` follows directly on one another are one time in sight."""

    id: str
    kind: EventKind
    frame: int
    order: int
    box: Corners


@dataclass(slots=True)
class TakenOver:
    """What was read: objects, and how many boxes of which other kinds were left out."""

    objects: tuple[LabelledObject, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)


def kind_of(word: str) -> EventKind | None:
    """The kind of event for another program's word; None if there is none."""
    return KIND_OF.get(word.strip().lower().replace(" ", "_").replace("-", "_"))


def objects_of(rows: Iterable[Row], size: PictureSize) -> tuple[LabelledObject, ...]:
    """The objects that rows of single frames describe; what lies outside the picture is not in sight."""
    by_object: dict[tuple[str, EventKind], list[Row]] = defaultdict(list)
    for row in rows:
        by_object[row.id, row.kind].append(row)
    sights = (
        (name, kind, sight)
        for (name, kind), its_rows in by_object.items()
        for sight in _sights(sorted(its_rows, key=lambda row: row.frame), size)
    )
    return in_groups(sights)


def _sights(rows: list[Row], size: PictureSize) -> Iterable[Sight]:
    keys: list[Keyframe] = []
    before: Row | None = None
    for row in rows:
        box = shares_of(row.box, size)
        if before is not None and before.frame == row.frame:
            raise ScoreError(f"{row.id} has two boxes in frame {row.frame}")
        if keys and (box is None or before is None or row.order != before.order + 1):
            yield sight_of(row.kind, keys)
            keys = []
        if box is not None:
            keys.append(Keyframe(row.frame, box))
        before = row
    if keys and before is not None:
        yield sight_of(before.kind, keys)


def sight_of(kind: EventKind, keys: list[Keyframe], last: int | None = None) -> Sight:
    """One time in sight, in frames; up to the last box unless another last frame is given."""
    interval = Interval(str(kind), keys[0].at, keys[-1].at if last is None else last)
    return Sight(interval, thinned(keys, EXACT))


def shares_of(box: Corners, size: PictureSize) -> Corners | None:
    """The part of a box that is in the picture, in shares of it; None where there is nothing left."""
    x1, y1, x2, y2 = (
        round(min(max(edge / side, 0.0), 1.0), 6) for edge, side in zip(box, (size.width, size.height) * 2, strict=True)
    )
    return None if x1 >= x2 or y1 >= y2 else (x1, y1, x2, y2)


def number_of(value: object, what: str) -> float:
    """A finite number, also as text. Raises ScoreError, naming what it should be."""
    number = finite_number(value)
    if number is None or abs(number) > _LARGEST:
        raise ScoreError(f"{what} is {str(value)[:40]!r} and no number of pixels")
    return number


def frame_of(value: object, what: str) -> int:
    """A frame's number from 0. Raises ScoreError."""
    number = finite_number(value)
    if number is None or not 0 <= number <= LAST_FRAME or number != int(number):
        raise ScoreError(f"{what} is {str(value)[:40]!r} and no frame from 0 to {LAST_FRAME}")
    return int(number)


def name_of(value: object, what: str) -> str:
    """An identity. Raises ScoreError."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ScoreError(f"{what} is {str(value)[:40]!r} and no identity")
    name = str(value).strip()
    if not 1 <= len(name) <= LONGEST_ID or not name.isprintable():
        raise ScoreError(f"{what} is {name[:40]!r}: an identity has 1 to {LONGEST_ID} printable characters")
    return name
