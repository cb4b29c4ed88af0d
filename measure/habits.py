"""What a detector makes of one object from look to look.

The same figures are taken from a real detector on footage and from the noise model of `measure/scenes`, which is only
as good as they agree (`python -m measure.scenes.agreement`). Looks are the device's: its gate, its choice of frames,
its regions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from measure.cutouts import Bgr, CutFootage, Cutout, paste
from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.clip import Clip, all_pictures
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.model.scoring import Detections, Detector
from smartcam.vision.corners import Corners, centre, cover, overlap
from smartcam.vision.picture import Picture

SEEN: Final = 0.3
"""A detection below this is as good as none: nothing rises from it."""
SURE: Final = 0.6
"""Where a bundle raises by default."""
_PART: Final = 0.5
_STILL: Final = 0.03
_GAP_S: Final = 20.0
"""A resident who was not seen for longer has left, or the hour is another one's."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The best detection of one object in one look, in pixels; score 0 and no box where it was missed.

    `twins` are further detections of its kind at its place; `moving` says whether it moved since the last look.
    """

    at_s: float
    score: float
    box: Corners | None = None
    label: str = ""
    twins: int = 0
    moving: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """Figures of a sequence of glimpses.

    `seen`, `sure`: shares of looks. `score`, `spread`: mean and deviation of scores where it was seen; `memory`: their
    correlation from look to look. `crossings`: how often a pair of looks lies on both sides of SURE. `blind`: mean
    length of a run of misses, in looks; `longest`: the longest. `jitter`: deviation of an edge from look to look over
    the side, where the shape stayed. `leaps`: share of pairs of looks at rest that overlap by less than half. `twins`:
    share of looks with another box on it.
    """

    seen: float
    sure: float
    score: float
    spread: float
    memory: float
    crossings: float
    blind: float
    longest: float
    jitter: float
    leaps: float
    twins: float


def habits_of(glimpses: Sequence[Glimpse]) -> Habits:
    """The figures of one object's glimpses, in their order. Raises ValueError unless it was seen three times."""
    seen = [each for each in glimpses if each.score >= SEEN]
    if len(seen) < 3:  # noqa: PLR2004
        raise ValueError(f"habits take three sightings, not {len(seen)}")
    pairs = [(a, b) for a, b in pairwise(glimpses) if a.score >= SEEN and b.score >= SEEN]
    scores = np.array([[a.score, b.score] for a, b in pairs])
    scores -= scores.mean() if len(scores) else 0.0
    blind = [sum(1 for _ in run) for missed, run in groupby(each.score < SEEN for each in glimpses) if missed]
    at_rest = [overlap(a.box, b.box) for a, b in pairs if a.box and b.box and not (a.moving or b.moving)]
    steps = [step for a, b in pairs if a.box and b.box and not b.moving for step in _steps(a.box, b.box)]
    return Habits(
        seen=len(seen) / len(glimpses),
        sure=fmean(each.score >= SURE for each in glimpses),
        score=fmean(each.score for each in seen),
        spread=float(np.std([each.score for each in seen])),
        memory=float((scores[:, 0] * scores[:, 1]).mean() / max((scores**2).mean(), 1e-9)) if len(scores) else 0.0,
        crossings=fmean((a.score >= SURE) != (b.score >= SURE) for a, b in pairwise(glimpses)),
        blind=fmean(blind) if blind else 0.0,
        longest=max(blind, default=0),
        jitter=float(np.std(steps)) if steps else 0.0,
        leaps=fmean(share < _PART for share in at_rest) if at_rest else 0.0,
        twins=fmean(each.twins > 0 for each in seen),
    )


def _steps(one: Corners, other: Corners) -> list[float]:
    """How far each edge went, over the side; nothing where the shape is another one."""
    if overlap(one, other) < _PART:
        return []
    sides = (one[2] - one[0], one[3] - one[1]) * 2
    return [(b - a) / side / 2**0.5 for a, b, side in zip(one, other, sides, strict=True)]


@dataclass(frozen=True, slots=True)
class Look:
    """One analysed picture of a clip and what was found in it; `true` is the object's box where that is known."""

    at_s: float
    found: Detections
    true: Corners | None = None


TruthOf = Callable[[Picture, float], Corners | None]
"""Where the one object of a picture is, at its second of the clip; None for nowhere."""


def watch(clip: Clip, detector: Detector, seconds: float = 1e9, truth: TruthOf = lambda *_: None) -> Iterator[Look]:
    """The looks that a device would take at a clip."""
    selector = FrameSelector(SourceSettings(CameraId("habits"), Path()), clip.frames_per_second or 25.0)
    for taken in all_pictures(clip):
        at_s = taken.position_ns / NS_PER_S
        if at_s > seconds:
            break
        selection = selector.select(taken.picture, taken.position_ns)
        if selection.picture is None:
            continue
        found = detector.detect(selection.picture, selection.motion)
        yield Look(at_s, found, truth(selection.picture, at_s))


def glimpses_of(looks: Iterable[Look], label: str = "person", gap_s: float = _GAP_S) -> list[list[Glimpse]]:
    """What was seen of one object that is alone in the picture; a list for each of its visits.

    A visit is over when nothing was seen, and nothing known to be there, for `gap_s`.
    """
    visits: list[list[Glimpse]] = [[]]
    before: Look | None = None
    there_s = -gap_s
    for look in looks:
        at_place = [
            place
            for place, box in enumerate(look.found.boxes)
            if look.found.labels[place] == label and (look.true is None or cover(_corners(box), look.true) > _PART)
        ]
        # Where nobody knows the truth, footage of somebody who sits is asked for.
        moving = look.true is not None and before is not None and _went(before.true, look.true)
        glimpse = _glimpse(look, at_place, moving=moving)
        before = look
        if glimpse.score >= SEEN or look.true is not None:
            if look.at_s - there_s > gap_s:
                visits.append([])
            there_s = look.at_s
        visits[-1].append(glimpse)
    return [trimmed for visit in visits if (trimmed := _trimmed(visit))]


def _glimpse(look: Look, places: list[int], *, moving: bool) -> Glimpse:
    if not places:
        return Glimpse(look.at_s, 0.0, moving=moving)
    best = max(places, key=lambda place: float(look.found.scores[place]))
    box = _corners(look.found.boxes[best])
    others = [place for place in places if place != best and look.found.scores[place] >= SEEN]
    twins = sum(cover(box, _corners(look.found.boxes[place])) > _PART for place in others)
    return Glimpse(look.at_s, float(look.found.scores[best]), box, look.found.labels[best], twins, moving)


def _went(one: Corners | None, other: Corners) -> bool:
    if one is None:
        return True
    (x, y), (to_x, to_y) = centre(one), centre(other)
    return max(abs(to_x - x), abs(to_y - y)) > _STILL * (other[3] - other[1])


def _trimmed(visit: list[Glimpse]) -> list[Glimpse]:
    """From the first to the last look in which it was seen: what lies outside may be nobody."""
    places = [place for place, each in enumerate(visit) if each.score >= SEEN]
    return visit[places[0] : places[-1] + 1] if len(places) > 2 else []  # noqa: PLR2004


def _corners(box: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Corners:
    x1, y1, x2, y2 = box.tolist()
    return x1, y1, x2, y2


def phantoms_in(looks: Sequence[Look], labels: Collection[str]) -> tuple[float, float, float]:
    """Of looks at nobody: how many things are seen in each, their mean score, and the share of them above SURE."""
    scores = [
        float(score)
        for look in looks
        for score, label in zip(look.found.scores, look.found.labels, strict=True)
        if score >= SEEN and label in labels
    ]
    return len(scores) / max(len(looks), 1), fmean(scores or [0.0]), fmean([score >= SURE for score in scores or [0]])


@dataclass(frozen=True, slots=True)
class SizeRow:
    """What becomes of objects of one kind and `height`, in pixels of the model's input, over so many looks.

    `seen` and `sure`: shares of looks with the right name; `score`: mean where it was seen; `misnamed`: share of looks
    in which something else was seen there.
    """

    height: int
    looks: int
    seen: float
    sure: float
    score: float
    misnamed: float


_NAMES: Final = {"person": ("person",), "vehicle": ("car", "truck", "bus")}
_SIDE: Final = 300
"""A picture of this size is searched as it is."""


def sizes_of(detector: Detector, footage: CutFootage, kind: str, heights: Sequence[int], places: int) -> list[SizeRow]:
    """Cut-outs of a kind pasted on all backgrounds, `places` times each: how often they are seen. Seeded."""
    rng = np.random.default_rng(0)
    grounds = [ground for ground in footage.backgrounds.values() for _ in range(places)]
    return [
        _size_row(height, [_pasted_look(detector, a, g, height, rng) for a in footage.of(kind) for g in grounds], kind)
        for height in heights
    ]


def _size_row(height: int, best: list[tuple[float, str]], kind: str) -> SizeRow:
    named = [score for score, label in best if score >= SEEN and label in _NAMES[kind]]
    others = [score for score, label in best if score >= SEEN and label not in _NAMES[kind]]
    return SizeRow(
        height,
        len(best),
        len(named) / len(best),
        sum(score >= SURE for score in named) / len(best),
        fmean(named) if named else 0.0,
        len(others) / len(best),
    )


def _pasted_look(
    detector: Detector, actor: Cutout, ground: Bgr, height: int, rng: np.random.Generator
) -> tuple[float, str]:
    view = actor.views[int(rng.integers(len(actor.views)))]
    picture = _crop(ground, rng)
    left = float(rng.uniform(0, max(_SIDE - height * view.aspect, 1)))
    foot = float(rng.uniform(min(height, _SIDE - 1), _SIDE))
    paste(picture, view, left, foot, height)
    box = left, foot - height, left + height * view.aspect, foot
    return _best_at(detector.detect(Picture.from_bgr(picture), ()), box)


def _crop(ground: Bgr, rng: np.random.Generator) -> Bgr:
    high, wide = ground.shape[:2]
    if min(high, wide) <= _SIDE:
        side = min(high, wide)
        return np.asarray(np.pad(ground[:side, :side], ((0, _SIDE - side), (0, _SIDE - side), (0, 0)), "reflect"))
    y, x = int(rng.integers(high - _SIDE)), int(rng.integers(wide - _SIDE))
    return ground[y : y + _SIDE, x : x + _SIDE].copy()


def _best_at(found: Detections, box: Corners) -> tuple[float, str]:
    """The surest detection that overlaps the box by half, whatever its name."""
    at_place = [place for place, each in enumerate(found.boxes) if overlap(_corners(each), box) >= _PART]
    return max(((float(found.scores[place]), found.labels[place]) for place in at_place), default=(0.0, ""))
