"""What is remembered of each object: alarm, rules, episode and picture; and which boxes are the same object."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.analysis import can_go_on
from smartcam.inference.analysis.best_picture import BestPicture
from smartcam.inference.events import OpenEpisode
from smartcam.vision.alarm import AlarmState
from smartcam.vision.corners import Corners, cover, overlap
from smartcam.vision.frame import Frame
from smartcam.vision.rule import Rule, RuleState

SAME_COVER: Final = 0.6
"""A box of which this share lies in another one may be the same object..."""
SAME_IOU: Final = 0.25
"""...if it is not much smaller: somebody before a tree that sways is not the tree."""
HOLD_S: Final = 20.0
"""How long an object that keeps moving stays the same one while the detector does not see it."""
RESUMED_IOU: Final = 0.3
"""Least overlap of an object with an earlier process's episode of it."""
TWICE_S: Final = 0.5
"""How long a detector may see one object twice: where it was, and where it has gone..."""
TWICE_COVER: Final = 0.4
"""...with boxes of which one first covers this share of the other. Two people side by side cover less."""

_LONG_AGO: Final = MonotonicNs(0)


@dataclass(slots=True)
class Followed:
    """What is remembered of one track of detections; `mover` is the mover that is the same object in this frame.

    `since` and `seen_at`: when it was first and last seen; `born` and `box`: where that was.
    """

    rules: tuple[RuleState, ...]
    alarm: AlarmState = field(default_factory=AlarmState)
    episode: OpenEpisode | None = None
    moves: int = 0
    was_shadow: bool = False
    since: MonotonicNs | None = None
    seen_at: MonotonicNs = _LONG_AGO
    born: NormalBox | None = None
    box: NormalBox | None = None
    mover: int | None = None
    picture: BestPicture = field(default_factory=BestPicture)

    def can_be(self, earlier: "Followed", at: MonotonicNs) -> bool:
        """Whether this track can be the same object as an earlier one in the same motion.

        An object seen at the same time is another one, except for the moment in which a detector sees one twice.
        """
        if self.since is None or at - earlier.seen_at > HOLD_S * NS_PER_S:
            return False
        if self.since > earlier.seen_at:
            return True
        seen_twice = earlier.seen_at < at and earlier.seen_at - self.since <= TWICE_S * NS_PER_S
        if not seen_twice or earlier.box is None or self.born is None:
            return False
        return cover(corners(earlier.box), corners(self.born)) >= TWICE_COVER


@dataclass(slots=True)
class Moving:
    """What is remembered of one mover.

    `is_moving`: it moves in this frame. `track`: the track of detections that it last was. `is_known`: the detector
    has labelled it, so it is no longer a motion event. `has_purpose`: it has gone somewhere, and may raise an event
    since `ready_at`. `substance`: frames in which it was an object minus those in which it was a shadow. `gone_since`:
    since when nothing of it has moved, while its episode is open.
    """

    rules: tuple[RuleState, ...]
    episode: OpenEpisode | None = None
    track: int | None = None
    is_moving: bool = False
    is_known: bool = False
    box: NormalBox | None = None
    has_purpose: bool = False
    substance: int = 0
    ready_at: MonotonicNs | None = None
    gone_since: MonotonicNs | None = None
    picture: BestPicture = field(default_factory=BestPicture)


def fresh(rules: Sequence[Rule]) -> tuple[RuleState, ...]:
    """What rules remember of a new object."""
    return tuple(RuleState() for _ in rules)


def same_thing(box: Corners, other: Corners) -> float:
    """How likely two boxes are the same object: their overlap, or 0 if they are not."""
    shared = overlap(box, other)
    return shared if shared >= SAME_IOU and cover(box, other) >= SAME_COVER else 0.0


def is_resumed_at(orphan: OpenEpisode, box: Corners) -> bool:
    """Whether an earlier process's episode may be resumed by what is there now."""
    return can_go_on(orphan) and orphan.box is not None and overlap(box, corners(orphan.box)) >= RESUMED_IOU


def normalised(boxes: Sequence[PixelBox], frame: Frame) -> list[Corners]:
    """The boxes normalised to 0..1."""
    width, height = frame.picture.width, frame.picture.height
    return [(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height) for box in boxes]


def corners(box: NormalBox) -> Corners:
    """The box in plain numbers."""
    return box.x1, box.y1, box.x2, box.y2


def normal(box: Corners) -> NormalBox | None:
    """The part of the box inside the picture, None if there is none."""
    inside = within(box)
    return None if inside is None else NormalBox(*inside)


def within(box: Corners) -> Corners | None:
    """The part of a normalised box inside the picture, None if there is none or a corner is NaN."""
    x1, y1, x2, y2 = box
    x1, y1, x2, y2 = min(max(x1, 0.0), 1.0), min(max(y1, 0.0), 1.0), min(max(x2, 0.0), 1.0), min(max(y2, 0.0), 1.0)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def pixels(box: Corners, frame: Frame) -> PixelBox | None:
    """A normalised box in pixels of the frame, None if nothing of it is in the picture."""
    inside = within(box)
    if inside is None:
        return None
    width, height = frame.picture.width, frame.picture.height
    x1, x2 = round(inside[0] * width), round(inside[2] * width)
    y1, y2 = round(inside[1] * height), round(inside[3] * height)
    return PixelBox(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
