"""Whether the noise model has a real detector's habits: `python -m measure.scenes.agreement --shared DIR --bundle DIR`.

The model's figures come from one half of the shared footage; this compares it with both halves.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from measure.cutouts import CutFootage, cut_out, outline_of
from measure.habits import Glimpse, Habits, Look, TruthOf, glimpses_of, habits_of, phantoms_in, sizes_of, watch
from measure.scenes.drawn import Painted, SceneClip
from measure.scenes.eyes import HEIGHTS, SCORE_AT, SEEN_AT, Eyes
from measure.scenes.playing import open_detector
from measure.scenes.stories import HEIGHT, WIDTH, room
from measure.scenes.truth import Spell, StagedScene, Stance, Thing
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from smartcam.model.scoring import Detector
from smartcam.vision.corners import Corners
from smartcam.vision.picture import Picture
from tools.bundle.making import EVENTS_OF_LABELS
from tools.command_line import complain

HOURS: Final = (("05-08", "05-14", "07-10"), ("05-11", "05-20", "07-12"))
"""Fitted, and checked. In them one resident sits, mostly at a desk."""
NIGHTS: Final = ("05-02", "07-04")
VISITS: Final = "intel_one-by-one-person-detection.mp4"
_VISIT_GAP_S: Final = 1.0
_STEPS: Final = 30
"""Looks in which somebody walks to a seat."""


def sitting(seed: int, seconds: float = 900.0) -> list[list[Glimpse]]:
    """What the noise model sees of a resident, without the first and last steps in the room."""
    scene = room(seed, seconds)
    (resident,) = scene.things
    stay = replace(scene, things=(replace(resident, paths=resident.paths[:1]),))
    return [visit[_STEPS:-_STEPS] for visit in glimpses_of(looks_of_model(stay)) if len(visit) > 4 * _STEPS]


def standing(seed: int) -> list[list[Glimpse]]:
    """What it sees of six visitors who come, stand at a table and go."""
    scene = visits(seed)

    def truth(_: Picture, at_s: float) -> Corners | None:
        return next((each.inside for each in scene.placed(at_s)), None)

    return glimpses_of(looks_of_model(scene, truth), gap_s=_VISIT_GAP_S)


def looks_of_model(scene: StagedScene, truth: TruthOf = lambda *_: None) -> list[Look]:
    """The looks of a device with the noise model at a scene."""
    clip = SceneClip(scene, Painted(scene))
    return list(watch(clip, Eyes(scene, lambda: clip.at_s), truth=truth))


def visits(seed: int) -> StagedScene:
    """Six visitors, one after another, as in the shared clip of that name."""
    rng = np.random.default_rng([seed, 6])
    things = []
    for number in range(6):
        at_s = 8 + 26.0 * number
        spots = [(at_s, -40.0), (at_s + 4, 320.0)]
        while spots[-1][0] < at_s + 14:
            x = 320 + float(rng.normal(0, 6))
            spots += [(spots[-1][0] + 0.5, x), (spots[-1][0] + float(rng.uniform(2, 5)), x)]
        spots.append((at_s + 20, WIDTH + 40.0))
        steps = tuple(Stance(when, x, 330.0, 215.0, 74.0) for when, x in spots)
        things.append(Thing(f"visitor{number}", "person", (steps,), (Spell(f"visitor{number}", at_s, at_s + 20),)))
    return StagedScene("visits", seed, WIDTH, HEIGHT, 10.0, 170.0, tuple(things))


def pooled(all_visits: Iterable[list[Glimpse]]) -> Habits:
    """The mean of the visits' figures, each weighted by its looks. Raises ValueError where there are none."""
    weighted = [(len(visit), astuple(habits_of(visit))) for visit in all_visits]
    if not weighted:
        raise ValueError("there is no visit to take habits from")
    looks = sum(count for count, _ in weighted)
    figures = (sum(count * row[place] for count, row in weighted) / looks for place in range(len(weighted[0][1])))
    return Habits(*figures)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m measure.scenes.agreement", description=__doc__)
    parser.add_argument("--shared", type=Path, required=True, metavar="DIR", help="folder with video/ and upcam/train/")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=900.0, help="play only so much of each hour")
    wanted = parser.parse_args(argv)
    try:
        model, footage = open_detector(wanted.bundle), cut_out(wanted.shared / "video")
        _tell(model.detector, footage, wanted.shared, wanted.seconds)
    except (CameraLost, ModelIntegrityError, ValueError) as error:
        return complain("agreement", error, 2)
    return 0


def _tell(detector: Detector, footage: CutFootage, shared: Path, seconds: float) -> None:
    hours = [
        pooled(visit for name in half for visit in glimpses_of(_hour(shared, name, detector, seconds)))
        for half in HOURS
    ]
    _table("sitting", [*hours, pooled(visit for seed in range(4) for visit in sitting(seed, seconds))])
    clip = open_clip(shared / "video" / VISITS)
    empty = footage.backgrounds[VISITS]
    looks = watch(clip, detector, truth=lambda picture, _: outline_of(picture.to_bgr(), empty))
    seen = glimpses_of(looks, gap_s=_VISIT_GAP_S)
    model = pooled(visit for seed in range(4) for visit in standing(seed))
    _table("standing", [pooled(seen[::2]), pooled(seen[1::2]), model])
    nights = [list(_hour(shared, name, detector, seconds)) for name in NIGHTS]
    nobody = [looks_of_model(replace(room(seed, 120.0), things=())) for seed in range(8)]
    labels = EVENTS_OF_LABELS.keys()
    _phantoms([*(phantoms_in(night, labels) for night in nights), _mean(phantoms_in(each, labels) for each in nobody)])
    _sizes(detector, footage)


def _hour(shared: Path, name: str, detector: Detector, seconds: float) -> Iterable[Look]:
    return watch(open_clip(shared / "upcam" / "train" / f"{name}.mp4"), detector, seconds)


def _table(title: str, columns: Sequence[Habits]) -> None:
    print(f"{title:12}{'fitted':>9}{'checked':>9}{'model':>9}")
    for place, field in enumerate(fields(Habits)):
        print(f"  {field.name:10}" + "".join(f"{astuple(each)[place]:9.3f}" for each in columns), flush=True)


def _phantoms(columns: Sequence[tuple[float, ...]]) -> None:
    print(f"{'phantoms':12}{'fitted':>9}{'checked':>9}{'model':>9}")
    for place, word in enumerate(("a look", "score", "sure")):
        print(f"  {word:10}" + "".join(f"{each[place]:9.3f}" for each in columns))


def _mean(rows: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(fmean(column) for column in zip(*rows, strict=True))


def _sizes(detector: Detector, footage: CutFootage) -> None:
    people = footage.of("person")
    halves = [CutFootage(people[::2], footage.backgrounds), CutFootage(people[1::2], footage.backgrounds)]
    rows = [sizes_of(detector, half, "person", HEIGHTS, 4) for half in halves]
    print(f"{'height':12}{'fitted':>18}{'checked':>18}{'model':>18}   (seen, score)")
    for place, height in enumerate(HEIGHTS):
        real = "".join(f"{row[place].seen:9.2f}{row[place].score:9.2f}" for row in rows)
        print(f"  {height:<10}{real}{SEEN_AT[place]:9.2f}{SCORE_AT[place]:9.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
