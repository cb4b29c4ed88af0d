"""Compares a scene's events with its truth: by place and identity, so that nothing is found by chance."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from measure.scenes.truth import TrueObject
from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners, area, cover, overlap
from tools.score.targets import SeenEvent

_SAME_PLACE: Final = 0.15
"""Least intersection over union of an event's box with its object's."""
_INSIDE: Final = 0.7
"""A part of an object, such as a head, lies in its box to this share, and is no smaller than a tenth of it."""
_LEAST_PART: Final = 0.1


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a scene's objects. Each event is one of `found`, `doubled`, `parked` or `false`.

    `found`: by object, the seconds from its first picture to its event; `doubled`: further events by object; `parked`:
    events about things that only stood there; `false`: events about nothing.
    """

    objects: tuple[TrueObject, ...]
    found: Mapping[str, float]
    doubled: Mapping[str, int]
    parked: Mapping[str, int]
    false: tuple[SeenEvent, ...]

    @property
    def expected(self) -> int:
        """How many objects there are to tell of."""
        return sum(not each.parked for each in self.objects)

    @property
    def missed(self) -> tuple[str, ...]:
        """Of whom nobody was told."""
        return tuple(each.id for each in self.objects if not each.parked and each.id not in self.found)

    @property
    def median_s(self) -> float | None:
        """The median of the seconds to alert."""
        return median(self.found.values()) if self.found else None


def judge(objects: Sequence[TrueObject], events: Sequence[SeenEvent], size: tuple[int, int]) -> Ruling:
    """`size`: the width and height of the scene's picture, in whose pixels the objects' boxes are."""
    found: dict[str, float] = {}
    doubled: Counter[str] = Counter()
    parked: Counter[str] = Counter()
    false: list[SeenEvent] = []
    for event in sorted(events, key=lambda each: each.start_s):
        about = object_of(objects, event, size)
        if about is None:
            false.append(event)
        elif about.parked:
            parked[about.id] += 1
        elif about.id in found:
            doubled[about.id] += 1
        else:
            found[about.id] = max(event.start_s - about.seconds[0], 0.0)
    return Ruling(tuple(objects), found, doubled, parked, tuple(false))


def object_of(objects: Sequence[TrueObject], event: SeenEvent, size: tuple[int, int]) -> TrueObject | None:
    """The object that an event is about: the one at its place that fits best, one of its kind before others."""
    if event.box is None:
        return None
    (wide, high), (x1, y1, x2, y2) = size, event.box
    place = x1 * wide, y1 * high, x2 * wide, y2 * high
    fits = [(_fit(place, there, each.kind, event.kind), each) for each in objects if (there := each.at(event.start_s))]
    best = max(fits, key=lambda fit: fit[0], default=None)
    return None if best is None or best[0] <= 0 else best[1]


def _fit(place: Corners, there: Corners, kind: EventKind, of_event: EventKind) -> float:
    """0 where the boxes do not belong together; a name that does not contradict counts half of a full overlap."""
    same = overlap(place, there)
    is_part = cover(place, there) >= _INSIDE and min(area(place), area(there)) >= _LEAST_PART * max(
        area(place), area(there)
    )
    if same < _SAME_PLACE and not is_part:
        return 0.0
    return same + 0.01 + (0.5 if of_event in {kind, EventKind.MOTION} else 0.0)
