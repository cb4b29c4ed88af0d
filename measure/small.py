"""`python -m measure.small`: how tall a person must be for a detector to find them, with and without regions.

People cut out of the shared clips walk for half a second before people-free backgrounds of these clips; the device's
gate says what moves, and the detector looks there, or at the whole picture. Cut-outs and backgrounds are divided: one
half is for choosing a policy, the other for reporting it. Nothing of the clips is stored.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from math import pi
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from measure.cutouts import Bgr, Cutout, View, cut_out, paste
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.bundles import open_model
from smartcam.model.preprocess import whole
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture
from tools.command_line import complain
from training.yard.figures import Pose, draw_person
from training.yard.spec import Person

HEIGHTS: Final = (12, 16, 24, 32, 48, 64, 96, 128, 160, 200)
"""Pixels."""
SIZES: Final = ((640, 360), (1280, 720), (1920, 1080))
HALVES: Final = ("choosing", "reporting")
HALF: Final = 0.5
"""The score at which detectors are usually compared."""
ALIKE: Final = 0.3
"""Overlap (intersection over union) from which a detection is the person; small boxes are never exact."""
CUT_OUT: Final = "cut out"
DRAWN: Final = "drawn"
WHOLE: Final = "whole picture"
SQUARES: Final = "two squares"
"""Of the picture's full height, at its left and right: all of a wide picture, people in their proportions."""
_SETTLING: Final = 12
_WALKS: Final = 5
"""Pictures from the first with the person in it to the one that is judged, at ten a second."""
_PACE: Final = 0.08
"""Heights of a person walked from picture to picture: 1.4 m/s."""
_NOISE: Final = 2.0
_GRAINS: Final = 4
_COLOURS: Final = ((40, 44, 52), (150, 60, 40), (70, 90, 140), (200, 200, 195), (60, 110, 70), (40, 40, 150))

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SmallPeople:
    """A picture with people in it: where they are, and the boxes of motion as the gate gives them."""

    picture: Picture
    boxes: tuple[Box, ...]
    motion: tuple[PixelBox, ...]


@dataclass(frozen=True, slots=True)
class RecallRow:
    """What became of people of one height in `trials` pictures of one size, `together` in each.

    `moved`: share of the people with a box of motion on them. `half`, `sure`: share found with a score of at least 0.5,
    `raise_at`. `beside`: share of the pictures with a person at `raise_at` where nobody is. `calls`: of the model, per
    picture.
    """

    people: str
    part: str
    look: str
    width: int
    height: int
    tall: int
    together: int
    trials: int
    moved: float
    half: float
    sure: float
    beside: float
    calls: float


@dataclass(frozen=True, slots=True)
class _Walk:
    """One person's way: numbers are of pictures, `step` in pixels from one to the next."""

    person: Cutout
    tall: int
    start: float
    foot: int
    step: float
    begun_s: float

    @classmethod
    def drawn(cls, person: Cutout, tall: int, size: tuple[int, int], rng: np.random.Generator) -> "_Walk":
        """Somewhere where the person is whole in every picture."""
        step = _PACE * tall * float(rng.choice((-1.0, 1.0)))
        reach = _WALKS * abs(step)
        widest = tall * max(view.aspect for view in person.views)
        start = float(rng.uniform(reach, size[0] - widest - reach))
        return cls(person, tall, start, int(rng.integers(tall, size[1] + 1)), step, float(rng.uniform(0, 60)))

    def view(self, number: int) -> View:
        view = self.person.at(self.begun_s + number / 10)
        return view if self.step > 0 else view.mirrored()

    def left(self, number: int) -> float:
        return self.start + number * self.step

    def box(self, number: int) -> Box:
        left = round(self.left(number))
        return left, self.foot - self.tall, left + round(self.tall * self.view(number).aspect), self.foot


class Ground:
    """A background of one size that a gate has got used to."""

    def __init__(self, background: Bgr, size: tuple[int, int], rng: np.random.Generator) -> None:
        self._bgr = np.asarray(cv2.resize(background, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        self._grain = np.asarray(rng.normal(0, _NOISE, (_GRAINS, size[1], size[0])).round(), np.int8)
        self._gate = MotionGate(MotionSettings())
        for number in range(_SETTLING):
            self._gate.update(self._taken(self._bgr, number).luma)

    def walked(self, people: Sequence[Cutout], tall: int, rng: np.random.Generator) -> SmallPeople:
        """People `tall` pixels high who came into sight half a second ago, anywhere, and walk to either side."""
        gate = deepcopy(self._gate)
        rows, columns = self._bgr.shape[:2]
        walks = [_Walk.drawn(person, tall, (columns, rows), rng) for person in people]
        for number in range(_WALKS):
            bgr = self._bgr.copy()
            for walk in walks:
                paste(bgr, walk.view(number), walk.left(number), walk.foot, tall)
            picture = self._taken(bgr, _SETTLING + number)
            motion = gate.update(picture.luma)
        return SmallPeople(picture, tuple(walk.box(_WALKS - 1) for walk in walks), motion)

    def _taken(self, bgr: Bgr, number: int) -> Picture:
        picture = Picture.from_bgr(bgr)
        noisy = np.asarray(cv2.add(picture.y, self._grain[number % _GRAINS], dtype=cv2.CV_8U), np.uint8)
        return Picture(noisy, picture.u, picture.v)


def drawn_people(rng: np.random.Generator, number: int = 6) -> tuple[Cutout, ...]:
    """People from the side, as the generator of training footage draws them, walking a step."""
    people = []
    for each in range(number):
        jacket, trousers = (_COLOURS[int(rng.integers(len(_COLOURS)))] for _ in range(2))
        skin = (140, 168, 208)
        person = Person(1.75, float(rng.uniform(0.9, 1.2)), jacket, trousers, skin, hood=each % 3 == 0, bag=False)
        poses = (Pose(step / 4 * pi, 1.0, 0.8, away=False, crouch=0.0, reach=0.0) for step in range(8))
        people.append(Cutout(DRAWN, "person", 8.0, tuple(_view(draw_person(person, pose).canvas) for pose in poses)))
    return tuple(people)


def _view(canvas: NDArray[np.uint8]) -> View:
    left, top, wide, high = cv2.boundingRect(canvas[..., 3])
    cut = canvas[top : top + high, left : left + wide]
    return View(cut[..., :3], cut[..., 3].astype(np.float32) / 255)


def looks(policies: Mapping[str, RegionPolicy]) -> dict[str, Callable[[SmallPeople], tuple[PixelBox, ...]]]:
    """What is searched for a person: the whole picture, or what each policy makes of the motion."""

    def by(policy: RegionPolicy) -> Callable[[SmallPeople], tuple[PixelBox, ...]]:
        return lambda each: plan_regions(each.motion, each.picture.width, each.picture.height, policy)

    return {
        WHOLE: lambda each: (whole(each.picture),),
        SQUARES: lambda each: _squares(each.picture.width, each.picture.height),
    } | {name: by(policy) for name, policy in policies.items()}


def _squares(width: int, height: int) -> tuple[PixelBox, ...]:
    return PixelBox(0, 0, height, height), PixelBox(width - height, 0, width, height)


def judge(each: SmallPeople, regions: Sequence[PixelBox], model: ObjectModel) -> tuple[list[float], float]:
    """For each person the highest score of a detection that is them, and the highest of one that touches nobody."""
    ours, others = [0.0] * len(each.boxes), 0.0
    for region in regions:
        # Everything of a region: what decides where a detector looks must not decide again here.
        found = model.detector.detect(_part(each.picture, region), ())
        corner = np.array((region.x1 & ~1, region.y1 & ~1) * 2)
        for label, score, box in zip(found.labels, found.scores.tolist(), found.boxes + corner, strict=True):
            if model.manifest.events.get(label) is not EventKind.PERSON:
                continue
            areas = [_areas(tuple(box.tolist()), person) for person in each.boxes]
            for place, (common, united) in enumerate(areas):
                if common >= ALIKE * united:
                    ours[place] = max(ours[place], score)
            if not any(common for common, _ in areas):
                others = max(others, score)
    return ours, others


def _part(picture: Picture, region: PixelBox) -> Picture:
    """The region as a picture of its own, widened to even pixels as `Picture.crop` does."""
    left, top, right, bottom = region.x1 & ~1, region.y1 & ~1, region.x2 + 1 & ~1, region.y2 + 1 & ~1
    half = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
    return Picture(picture.y[top:bottom, left:right], picture.u[half], picture.v[half])


def _areas(one: Box, other: Box) -> tuple[float, float]:
    """Of the intersection and of the union."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    common = max(wide, 0.0) * max(high, 0.0)
    return common, sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - common


def measure(
    people: Sequence[Cutout],
    grounds: Sequence[Ground],
    model: ObjectModel,
    policies: Mapping[str, RegionPolicy],
    row: RecallRow,
) -> Iterator[RecallRow]:
    """A row for each way of looking at the same `row.trials` pictures; sizes and numbers are those of `row`."""
    rng = np.random.default_rng([row.width, row.tall])
    ways = looks(policies)
    judged: dict[str, list[tuple[list[float], float]]] = {name: [] for name in ways}
    calls = dict.fromkeys(ways, 0)
    moved = 0
    for number in range(row.trials):
        first = number // len(grounds)
        together = [people[(first + place) % len(people)] for place in range(row.together)]
        each = grounds[number % len(grounds)].walked(together, row.tall, rng)
        moved += sum(
            any(_areas((box.x1, box.y1, box.x2, box.y2), person)[0] > 0 for box in each.motion) for person in each.boxes
        )
        known: dict[tuple[PixelBox, ...], tuple[list[float], float]] = {}
        for name, way in ways.items():
            regions = way(each)
            if regions not in known:
                known[regions] = judge(each, regions, model)
            judged[name].append(known[regions])
            calls[name] += len(regions)
    raise_at = model.manifest.thresholds.raise_at
    for name, scores in judged.items():
        yield replace(
            row,
            look=name,
            moved=moved / (row.trials * row.together),
            half=_share(scores, HALF),
            sure=_share(scores, raise_at),
            beside=sum(others >= raise_at for _, others in scores) / row.trials,
            calls=calls[name] / row.trials,
        )


def _share(scores: Sequence[tuple[list[float], float]], least: float) -> float:
    return sum(score >= least for ours, _ in scores for score in ours) / sum(len(ours) for ours, _ in scores)


def table(rows: Sequence[RecallRow]) -> str:
    """Recall at 0.5 / at `raise_at` for each height, as Markdown."""
    heights = sorted({row.tall for row in rows})
    lines = [
        f"| people, half | picture | searched | {' | '.join(map(str, heights))} | beside | calls |",
        "|---" * (len(heights) + 5) + "|",
    ]
    keys = dict.fromkeys((row.people, row.part, row.width, row.height, row.look) for row in rows)
    for key in keys:
        of_key = {row.tall: row for row in rows if (row.people, row.part, row.width, row.height, row.look) == key}
        cells = [f"{of_key[tall].half:.2f} / {of_key[tall].sure:.2f}" if tall in of_key else "" for tall in heights]
        beside = sum(row.beside for row in of_key.values()) / len(of_key)
        calls = sum(row.calls for row in of_key.values()) / len(of_key)
        people, part, width, height, look = key
        lines.append(
            f"| {people}, {part} | {width}x{height} | {look} | {' | '.join(cells)} | {beside:.2f} | {calls:.1f} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write the rows. 2 when the footage or the bundle cannot be used."""
    wanted = _options().parse_args(argv)
    try:
        model = open_model(wanted.bundle)
        if not isinstance(model, ObjectModel):
            raise ModelIntegrityError(f"bundle {wanted.bundle}: holds no detector; make one with `smartcam bundle`")
        usual = RegionPolicy(least_pixels=max(model.manifest.input.width, model.manifest.input.height))
        policies = {"regions": usual} | {text: changed(usual, text) for text in wanted.policy}
        footage = cut_out(wanted.shared)
    except (CameraLost, ModelIntegrityError, ValueError) as error:
        return complain("small", error, 2)
    rows: list[RecallRow] = []
    for kind in wanted.people:
        people = footage.of("person") if kind == CUT_OUT else drawn_people(np.random.default_rng(0))
        for part, place in ((part, HALVES.index(part)) for part in wanted.halves):
            backgrounds = list(footage.backgrounds.values())[place::2]
            for width, height in (size for size in SIZES if size[0] in wanted.widths):
                rng = np.random.default_rng([place, width])
                grounds = [Ground(each, (width, height), rng) for each in backgrounds]
                for tall in wanted.heights:
                    row = RecallRow(kind, part, "", width, height, tall, wanted.together, wanted.trials, 0, 0, 0, 0, 0)
                    rows += measure(people[place::2], grounds, model, policies, row)
                    if wanted.json:  # at once: what took minutes is not lost with what comes after it
                        wanted.json.write_text(json.dumps([asdict(each) for each in rows], indent=1) + "\n", "utf-8")
    print(table(rows))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m measure.small", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, required=True, metavar="DIR", help="folder of the clips to cut from")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the detector's bundle")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the rows here")
    parser.add_argument("--trials", type=int, default=24, help="pictures for each height, size and half; default: 24")
    parser.add_argument("--together", type=int, default=1, help="people in each picture; default: 1")
    parser.add_argument("--heights", nargs="+", type=int, default=HEIGHTS, metavar="PIXELS")
    parser.add_argument("--widths", nargs="+", type=int, default=[width for width, _ in SIZES], metavar="PIXELS")
    parser.add_argument("--halves", nargs="+", choices=HALVES, default=HALVES)
    parser.add_argument("--people", nargs="+", choices=(CUT_OUT, DRAWN), default=(CUT_OUT,))
    parser.add_argument("--policy", nargs="+", default=[], metavar="KEY=VALUE,...", help="others to try, as enlarged=2")
    return parser


def changed(policy: RegionPolicy, text: str) -> RegionPolicy:
    """The policy with other values, given as `context=0.2,enlarged=2`. Raises ValueError."""
    try:
        values = {key: float(value) for key, _, value in (part.partition("=") for part in text.split(","))}
        return replace(policy, **values)  # type: ignore[arg-type]  # dataclasses refuse unknown names themselves
    except (TypeError, ValueError) as error:
        raise ValueError(f"--policy {text}: {error}; for example enlarged=2") from error


if __name__ == "__main__":
    sys.exit(main())
