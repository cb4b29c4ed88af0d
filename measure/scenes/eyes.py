"""A detector that looks at the truth of a scene and sees it as a real one would: with the habits of the stock SSD.

Every figure was measured with the COCO SSD MobileNet v1 of docs/design/bundle.md by `python -m measure.habits` on half
of the shared footage (hours 05-08, 05-14, 07-10; every second visit; every second cut-out) and compared on the other
half: docs/design/scenes.md has both columns. What no footage shows is marked as assumed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import exp, sqrt
from typing import Final

import numpy as np

from measure.scenes.truth import Placed, StagedScene
from smartcam.contract.notice import PixelBox
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners, area, shared
from smartcam.vision.picture import Picture

INPUT: Final = 300
"""Pixels of the model's input."""
CAMERA_SCALE: Final = 2
"""The scene's picture is half as wide and high as the camera's that it stands for."""
FLOOR: Final = 0.2
HEIGHTS: Final = (12, 16, 24, 32, 48, 64, 96, 128, 192)
SEEN_AT: Final = (0.02, 0.17, 0.25, 0.4, 0.65, 0.87, 0.96, 0.99, 0.99)
"""Of looks at a person so many pixels high in the model's input, the share in which it is seen and named."""
SCORE_AT: Final = (0.42, 0.45, 0.5, 0.52, 0.53, 0.55, 0.7, 0.74, 0.8)
"""The mean score where it is seen."""
_EDGE_AT: Final = ((60.0, 0.04), (150.0, 0.015))
"""How much an edge trembles from look to look, as a share of the side, by height."""
_OF_SITTING: Final = 0.54
"""The mean score of the surest box of somebody who sits, whatever the height."""
_SEEN_SITTING: Final = 0.92


@dataclass(frozen=True, slots=True)
class Manner:
    """How a detector's opinion of a thing lives: scores deviate by `spread` and forget within `memory_s`.

    While the thing is not seen it stays so for `blind_s` on average; one run in `long_share` lasts `long_s`.
    `shapes`: how many further boxes it has; `twin`: the share of time in which one of them is reported.
    """

    spread: float
    memory_s: float
    blind_s: float
    shapes: int
    twin: float
    long_share: float = 0.08
    long_s: float = 6.0


SITTING: Final = Manner(0.075, 4.5, 0.5, 4, 0.85, long_share=0.05, long_s=5.0)
STANDING: Final = Manner(0.075, 1.5, 0.8, 1, 0.12)
MOVING: Final = Manner(0.08, 0.4, 0.5, 1, 0.12, long_share=0.0)
_SWAPS: Final = {"car": ("truck", "bus"), "truck": ("bus", "car"), "bicycle": ("motorcycle",)}
_SWAPPED: Final = 0.1
"""The share of time in which a vehicle goes by another vehicle's name."""
_NAME_S: Final = 1.0
_MOST_PHANTOMS: Final = 6
_PHANTOM_SCORE: Final = (0.33, 0.04)
_PHANTOM: Final = Manner(0.025, 15.0, 0.0, 0, 0.0)
"""Pieces of furniture that are taken for something all night in some rooms: 0.33 plus so much on average, steady."""
_STRONG: Final = 0.25
_STRONG_SCORE: Final = 0.54
"""In one scene of four one of them hovers just below the threshold, now and then above it."""
_FALSE_PER_S: Final = 1 / 600
_FALSE_S: Final = 0.4
_FALSE_SCORE: Final = (0.3, 0.08)
"""What is imagined for a moment: so often while something is looked at, so long, 0.3 plus so much."""
_HIDING: Final = 0.45
"""Assumed: what the score loses for a thing of which nothing is seen; at half of it most looks miss."""
_CUTTING: Final = 0.2
"""Assumed: the same for what lies outside of the region that is searched."""
_LEAST_PART: Final = 0.3
_FORGOTTEN: Final = 10
"""Times the memory: who was away for longer is looked at anew."""


@dataclass(slots=True)
class _Shape:
    """One box that the detector makes of a thing: relative to its own, and how its score differs."""

    frame: tuple[float, float, float, float]
    less: float
    drift: float = 0.0


@dataclass(slots=True)
class _Opinion:
    """What is remembered of a thing from look to look."""

    at_s: float
    bias: float
    shapes: list[_Shape]
    returns_per_s: float
    """While it is not seen: how soon that ends; 0 while it is seen."""
    seat: tuple[float, bool]
    label: str = ""
    label_until_s: float = 0.0


@dataclass(slots=True)
class _Phantom:
    """Nothing, taken for something until `until_s`."""

    box: Corners
    label: str
    score: float
    until_s: float
    drift: float = 0.0


@dataclass(slots=True)
class Eyes:
    """A `Detector` for one scene; `now` gives the scene's second of the picture that it is shown."""

    scene: StagedScene
    now: Callable[[], float]
    seed: int = 0
    _rng: np.random.Generator = field(init=False)
    _opinions: dict[str, _Opinion] = field(default_factory=dict)
    _phantoms: list[_Phantom] = field(default_factory=list)
    _last_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin the sequence of its errors."""
        self._rng = np.random.default_rng([self.scene.seed, self.seed, 30])
        everywhere = PixelBox(0, 0, self.scene.width, self.scene.height)
        for _ in range(int(self._rng.integers(_MOST_PHANTOMS + 1))):
            self._imagine(everywhere, _PHANTOM_SCORE, self.scene.seconds)
        if self._phantoms and self._rng.random() < _STRONG:
            self._phantoms[0].score = _STRONG_SCORE

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """What the detector makes of the scene at the present second, in the regions that it would search."""
        at_s = self.now()
        policy = RegionPolicy(least_pixels=INPUT // CAMERA_SCALE)
        searched = plan_regions(regions, picture.width, picture.height, policy)
        found: list[tuple[Corners, float, str]] = []
        for each in self.scene.placed(at_s):
            region, part = _region_of(each.inside, searched)
            if part >= _LEAST_PART:
                found += self._glimpses(each, region, part, at_s)
        found += self._imagined(searched, at_s)
        self._last_s = at_s
        found.sort(key=lambda each: -each[1])
        boxes = np.array([box for box, _, _ in found], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score, _ in found], np.float32)
        return Detections(boxes, scores, tuple(label for _, _, label in found), searched)

    def _glimpses(self, each: Placed, region: PixelBox, part: float, at_s: float) -> list[tuple[Corners, float, str]]:
        height = (each.inside[3] - each.inside[1]) * INPUT / (region.y2 - region.y1)
        opinion, manner = self._asked(each, height, at_s)
        if opinion.returns_per_s:
            return []
        level = _level(each, height, part) + opinion.bias
        glimpses = []
        for place, shape in enumerate(opinion.shapes):
            score = level - shape.less + shape.drift
            if score >= FLOOR and (not place or manner is SITTING or self._rng.random() < manner.twin):
                box = self._trembling(_framed(each.inside, shape.frame), height, region)
                if box is not None:
                    glimpses.append((box, min(score, 0.98), self._name(opinion, each.thing.label, at_s)))
        return glimpses

    def _asked(self, each: Placed, height: float, at_s: float) -> tuple[_Opinion, Manner]:
        """What is thought of a thing by now."""
        opinion = self._opinions.get(each.thing.name)
        seat = round(each.step.x / 4), each.step.sits
        moved = opinion is not None and opinion.seat != seat
        manner = SITTING if each.step.sits else MOVING if moved else STANDING
        seen = _SEEN_SITTING if each.step.sits else float(np.interp(height, HEIGHTS, SEEN_AT))
        if opinion is None or at_s - opinion.at_s > _FORGOTTEN * manner.memory_s:
            opinion = self._opinions[each.thing.name] = self._opinion(at_s, seat, manner)
            if self._rng.random() > seen:
                opinion.returns_per_s = self._returns(manner)
        elif moved:
            self._turn(opinion, seat, manner)
        self._live(opinion, manner, seen, at_s)
        return opinion, manner

    def _opinion(self, at_s: float, seat: tuple[float, bool], manner: Manner) -> _Opinion:
        bias = float(self._rng.normal(0, 0.05))
        return _Opinion(at_s, bias, self._shapes(manner), 0.0, seat)

    def _shapes(self, manner: Manner) -> list[_Shape]:
        """The whole thing first. Who sits is also a head with a torso, and a torso with the chair: as measured."""
        rng = self._rng
        shapes = [_Shape((0.0, 0.0, 1.0, 1.0), 0.0, float(rng.normal(0, manner.spread)))]
        for number in range(manner.shapes):
            if manner is SITTING:
                high = float(rng.uniform(0.55, 0.85) if number % 2 == 0 else rng.uniform(1.1, 1.5))
                wide = float(rng.uniform(0.7, 1.1) if number % 2 == 0 else rng.uniform(1.1, 1.7))
                top, left = float(rng.uniform(-0.05, 0.25)), float(rng.normal(0, 0.2)) + (1 - wide) / 2
                less = max(float(rng.normal(0.11 + 0.03 * number, 0.05)), 0.01)
            else:
                high, wide = float(rng.uniform(0.53, 0.9)), float(rng.uniform(0.75, 1.2))
                top, left, less = float(rng.uniform(0, 0.1)), (1 - wide) / 2, float(rng.uniform(0.3, 0.5))
            drift = float(rng.normal(0, manner.spread))
            shapes.append(_Shape((left, top, left + wide, top + high), less, drift))
        return shapes

    def _turn(self, opinion: _Opinion, seat: tuple[float, bool], manner: Manner) -> None:
        """Another seat, or another side: other boxes, the same thing."""
        if opinion.seat[1] != seat[1] or seat[1]:
            opinion.shapes = self._shapes(manner)
        opinion.seat = seat

    def _live(self, opinion: _Opinion, manner: Manner, seen: float, at_s: float) -> None:
        passed_s = max(at_s - opinion.at_s, 0.0)
        opinion.at_s = at_s
        keeps = exp(-passed_s / manner.memory_s)
        for shape in opinion.shapes:
            new = float(self._rng.normal(0, manner.spread))
            shape.drift = keeps * shape.drift + sqrt(1 - keeps * keeps) * new
        mean_s = manner.blind_s + manner.long_share * (manner.long_s - manner.blind_s)
        loses_per_s = (1 - seen) / max(seen, 0.02) / mean_s
        is_blind = opinion.returns_per_s > 0
        # Two states with exponential times: right however long nobody looked.
        both_per_s = loses_per_s + (opinion.returns_per_s or 1 / mean_s)
        usual = loses_per_s / both_per_s
        if self._rng.random() >= usual + (is_blind - usual) * exp(-both_per_s * passed_s):
            opinion.returns_per_s = 0.0
        elif not is_blind:
            opinion.returns_per_s = self._returns(manner)

    def _returns(self, manner: Manner) -> float:
        is_long = self._rng.random() < manner.long_share
        return 1 / (manner.long_s if is_long else manner.blind_s)

    def _name(self, opinion: _Opinion, label: str, at_s: float) -> str:
        if at_s >= opinion.label_until_s:
            others = _SWAPS.get(label, ())
            is_other = bool(others) and self._rng.random() < _SWAPPED
            opinion.label = others[int(self._rng.integers(len(others)))] if is_other else label
            opinion.label_until_s = at_s + float(self._rng.exponential(_NAME_S))
        return opinion.label

    def _trembling(self, box: Corners, height: float, region: PixelBox) -> Corners | None:
        (low, much), (high, little) = _EDGE_AT
        share = float(np.interp(height, (low, high), (much, little)))
        by_x, by_y = share * (box[2] - box[0]), share * (box[3] - box[1])
        noise = self._rng.normal(0, 1, 4)
        x1, x2 = (
            min(max(float(e), region.x1), region.x2) for e in (box[0] + noise[0] * by_x, box[2] + noise[2] * by_x)
        )
        y1, y2 = (
            min(max(float(e), region.y1), region.y2) for e in (box[1] + noise[1] * by_y, box[3] + noise[3] * by_y)
        )
        return (x1, y1, x2, y2) if x2 - x1 > 1 and y2 - y1 > 1 else None

    def _imagined(self, searched: Sequence[PixelBox], at_s: float) -> list[tuple[Corners, float, str]]:
        passed_s = min(max(at_s - self._last_s, 0.0), 1.0)
        self._phantoms = [phantom for phantom in self._phantoms if phantom.until_s > at_s]
        if self._rng.random() < _FALSE_PER_S * passed_s:
            region = searched[int(self._rng.integers(len(searched)))]
            self._imagine(region, _FALSE_SCORE, at_s + float(self._rng.exponential(_FALSE_S)))
        keeps = exp(-passed_s / _PHANTOM.memory_s)
        for each in self._phantoms:
            each.drift = keeps * each.drift + sqrt(1 - keeps * keeps) * float(self._rng.normal(0, _PHANTOM.spread))
        found = []
        for each in self._phantoms:
            region, part = _region_of(each.box, searched)
            if part > _LEAST_PART:
                x1, x2 = max(each.box[0], region.x1), min(each.box[2], region.x2)
                y1, y2 = max(each.box[1], region.y1), min(each.box[3], region.y2)
                found.append(((x1, y1, x2, y2), min(each.score + each.drift, 0.9), each.label))
        return found

    def _imagine(self, region: PixelBox, score: tuple[float, float], until_s: float) -> None:
        wide, high = (float(side) * (region.y2 - region.y1) for side in self._rng.uniform(0.08, 0.4, 2))
        x = float(self._rng.uniform(region.x1, max(region.x2 - wide, region.x1 + 1)))
        y = float(self._rng.uniform(region.y1, max(region.y2 - high, region.y1 + 1)))
        label = str(self._rng.choice(["person", "car", "cat"], p=[0.7, 0.2, 0.1]))
        level = score[0] + float(self._rng.exponential(score[1]))
        self._phantoms.append(_Phantom((x, y, x + wide, y + high), label, level, until_s))


def _level(each: Placed, height: float, part: float) -> float:
    """The mean score of a thing of which `part` is searched; how much of it the picture shows costs nothing."""
    level = _OF_SITTING if each.step.sits else float(np.interp(height, HEIGHTS, SCORE_AT))
    shown = area(each.inside) / max(area(each.whole), 1.0)
    hidden = 1 - each.visible / max(shown, 1e-6)
    return level - _HIDING * max(hidden, 0.0) - _CUTTING * (1 - part)


def _region_of(box: Corners, searched: Sequence[PixelBox]) -> tuple[PixelBox, float]:
    """The region in which most of the box lies, and how much of it that is."""
    parts = [shared(box, (each.x1, each.y1, each.x2, each.y2)) / max(area(box), 1e-6) for each in searched]
    best = int(np.argmax(parts))
    return searched[best], parts[best]


def _framed(box: Corners, frame: tuple[float, float, float, float]) -> Corners:
    wide, high = box[2] - box[0], box[3] - box[1]
    return box[0] + frame[0] * wide, box[1] + frame[1] * high, box[0] + frame[2] * wide, box[1] + frame[3] * high
