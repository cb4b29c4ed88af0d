"""Proposes labels for a clip from what the detector found in it and from the events that were raised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners
from tools.score.detections import Look
from tools.score.foreign.rows import PictureSize, shares_of
from tools.score.intervals import Interval, Unit
from tools.score.keyframes import thinned
from tools.score.objects import Keyframe, LabelledObject, Sight
from tools.score.playback import Playback
from tools.score.targets import SeenEvent, nearness

FORGOTTEN_S: Final = 2.0
"""Who was not found for so long has left, as far as anybody can tell from detections."""
SAME_STAY_S: Final = 40.0
"""Who is found at the same place within this time has been there all along, or was away only for a moment."""
LEAST_SCORE: Final = 0.5
"""What the detector was never so sure of is proposed only if it raised an event."""
LEAST_LOOKS: Final = 3
_EXACT: Final = 0.03
"""Boxes that are left out are this share of the picture at most from the lines between the others."""


@dataclass(slots=True)
class Trail:
    """Detections of one kind that follow one another; `keys` are in seconds."""

    kind: EventKind
    keys: list[Keyframe]
    peak: float

    @property
    def last(self) -> Keyframe:
        """The newest detection."""
        return self.keys[-1]

    @property
    def sight(self) -> Sight:
        """The time in sight, with few enough boxes to be corrected by hand."""
        interval = Interval(str(self.kind), self.keys[0].at, self.last.at, unit=Unit.SECONDS)
        return Sight(interval, thinned(self.keys, _EXACT))


def proposed(
    looks: Mapping[Look, Detections], playback: Playback, kinds: Mapping[str, EventKind], size: PictureSize
) -> tuple[LabelledObject, ...]:
    """The objects of a clip, as a beginning for whoever corrects them.

    `kinds`: the kind of event of each of the detector's labels; `size`: that of the pictures in which it looked.
    """
    trails = [
        trail
        for trail in trails_of(looks, playback.starts_s, kinds, size)
        if (trail.peak >= LEAST_SCORE and len(trail.keys) >= LEAST_LOOKS)
        or any(event.kind == trail.kind and _is_about(event, trail) for event in playback.events)
    ]
    unseen = [event for event in playback.events if not any(_is_about(event, trail) for trail in trails)]
    return _named(_stays([trail.sight for trail in trails] + [_sight_of(event, playback.seconds) for event in unseen]))


def _named(stays: Iterable[Sequence[Sight]]) -> tuple[LabelledObject, ...]:
    """An object for each stay, numbered by its kind."""
    counts: dict[str, int] = {}
    objects = []
    for sights in stays:
        word = sights[0].interval.word
        counts[word] = counts.get(word, 0) + 1
        objects.append(LabelledObject(f"{word}-{counts[word]}", EventKind(word), tuple(sights)))
    return tuple(objects)


def trails_of(
    looks: Mapping[Look, Detections], starts_s: Sequence[float], kinds: Mapping[str, EventKind], size: PictureSize
) -> list[Trail]:
    """Detections linked by place: each continues the nearest trail of its kind that is not forgotten."""
    done: list[Trail] = []
    live: list[Trail] = []
    for at_s, found in _in_order(looks, starts_s):
        done += [trail for trail in live if at_s - trail.last.at > FORGOTTEN_S]
        live = [trail for trail in live if at_s - trail.last.at <= FORGOTTEN_S]
        for label, score, corners in zip(found.labels, found.scores.tolist(), found.boxes.tolist(), strict=True):
            box = shares_of(corners, size)
            if label not in kinds or box is None:
                continue
            _extend(live, Trail(kinds[label], [Keyframe(at_s, _rounded(box))], score))
    return sorted([*done, *live], key=lambda trail: trail.keys[0].at)


def _in_order(looks: Mapping[Look, Detections], starts_s: Sequence[float]) -> Iterator[tuple[float, Detections]]:
    for number, regions in sorted(looks, key=lambda look: look[0]):
        if number < len(starts_s):
            yield round(starts_s[number], 3), looks[number, regions]


def _extend(live: list[Trail], new: Trail) -> None:
    here = new.last
    near = [
        (nearness(trail.last.box, here.box), place)
        for place, trail in enumerate(live)
        if trail.kind == new.kind and trail.last.at < here.at
    ]
    best, place = max(near, default=(0.0, 0))
    if best > 0:
        live[place].keys.append(here)
        live[place].peak = max(live[place].peak, new.peak)
    elif not any(each.kind == new.kind and nearness(each.last.box, here.box) for each in live):
        live.append(new)


def _is_about(event: SeenEvent, trail: Trail) -> bool:
    if not trail.keys[0].at - FORGOTTEN_S <= event.start_s <= trail.last.at + FORGOTTEN_S:
        return False
    box = trail.sight.box_at(event.start_s)
    return event.box is not None and box is not None and nearness(event.box, box) > 0


def _sight_of(event: SeenEvent, clip_end_s: float) -> Sight:
    end_s = min(event.end_s if event.end_s is not None else clip_end_s, clip_end_s)
    start_s = round(event.start_s, 3)
    interval = Interval(str(event.kind), start_s, max(round(end_s, 3), start_s), unit=Unit.SECONDS)
    return Sight(interval, () if event.box is None else (Keyframe(start_s, _rounded(event.box)),))


def _rounded(box: Corners) -> Corners:
    x1, y1, x2, y2 = (round(edge, 4) for edge in box)
    return x1, y1, x2, y2


def _stays(sights: Sequence[Sight]) -> list[list[Sight]]:
    """Sights of one object together: the same kind at the same place after a short while."""
    stays: list[list[Sight]] = []
    for sight in sorted(sights, key=lambda each: each.interval.first):
        mine = next((stay for stay in reversed(stays) if _goes_on(stay[-1], sight)), None)
        if mine is None:
            stays.append([sight])
        elif sight.interval.first <= mine[-1].interval.last:
            mine[-1] = _joined(mine[-1], sight)
        else:
            mine.append(sight)
    return stays


def _goes_on(before: Sight, after: Sight) -> bool:
    if before.interval.word != after.interval.word or not (before.boxes and after.boxes):
        return False
    if after.interval.first - before.interval.last > SAME_STAY_S:
        return False
    place = before.box_at(after.interval.first)
    return place is not None and nearness(place, after.boxes[0].box) > 0


def _joined(before: Sight, after: Sight) -> Sight:
    """Two sights that overlap in time and place as one: twins of one object."""
    last = max(before.interval.last, after.interval.last)
    later = tuple(key for key in after.boxes if key.at > before.boxes[-1].at)
    return Sight(replace(before.interval, last=last), (*before.boxes, *later))
