"""`python -m measure.normal`: the scene learner on a room's normal days, and on what is strange in it.

Learns from the clips of one day, finds its threshold on those of another, and judges: held-out hours with strange
things of our own pasted into them, or, with `--final`, the labelled clip. Choose by the first; look at the second last.
"""

import argparse
import copy
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic, process_time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from measure.normal.footage import ClipLooks, kept_looks, looks_of, pictures_of
from measure.normal.judging import WatchClock, area, begin_calibrating, blocks_of, found_and_false, play
from measure.normal.oddities import Oddity, drawn
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from smartcam.model.encoder import PlaceEncoder
from smartcam.model.interpreter import open_interpreter
from smartcam.model.looks import Eye
from smartcam.vision.normal.learner import LearningPlan, SceneLearner
from smartcam.vision.normal.stored import from_bytes, to_bytes
from smartcam.vision.picture import Picture
from tools.command_line import complain

_EVERY: Final = 8
"""Pictures from one look to the next of long footage: 1.6 s at five a second."""
_EVERY_LABELLED: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what came of it. 2 when something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m measure.normal", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shared", type=Path, required=True, metavar="DIR", help="folder with upcam/train and upcam/eval"
    )
    parser.add_argument("--encoder", type=Path, metavar="MODEL", help="an encoder's model file; none: by hand alone")
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR", help="where looks are kept")
    parser.add_argument("--learn", default="05", help="beginning of the names of the clips to learn from")
    parser.add_argument(
        "--calibrate", default="07", help="the same for the threshold; `all` for both: as a device would"
    )
    parser.add_argument(
        "--test", type=int, default=0, metavar="N", help="hold out every Nth clip of that day, for oddities"
    )
    parser.add_argument("--budget", type=float, default=10.0, help="alerts a day")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="what was learnt: read if it is there, else written")
    parser.add_argument("--final", action="store_true", help="judge the labelled clip")
    wanted = parser.parse_args(argv)
    try:
        return _measure(wanted)
    except (CameraLost, ModelIntegrityError, OSError, ValueError) as error:
        return complain("normal", error, 2)


def _measure(wanted: argparse.Namespace) -> int:
    model = wanted.encoder.read_bytes() if wanted.encoder else b""
    eye = Eye(PlaceEncoder(open_interpreter(model)) if model else None)
    kept = wanted.keep.read_bytes() if wanted.keep and wanted.keep.is_file() else b""
    learner, clock, tests = _grown(wanted, eye, model) if not kept else _again(kept, wanted.budget, eye)
    if wanted.keep and not kept:
        wanted.keep.write_bytes(to_bytes(learner))
    promise = learner.promise
    if promise is None:
        raise ValueError("no hour could be judged: give more clips")
    print(
        f"threshold {promise.threshold:.3f}, at most {promise.bound:.1f} a day by {promise.hours:.1f} h, "
        f"{'kept' if promise.kept else f'{promise.hours_needed:.1f} h short'}; {len(to_bytes(learner)) / 1e6:.2f} MB"
    )
    for clip in tests:
        _judge_oddities(
            clip, copy.deepcopy(learner), copy.deepcopy(clock), eye, kept_looks(clip, _EVERY, eye, model, wanted.cache)
        )
    if wanted.final:
        _judge_labelled(wanted.shared / "upcam/eval", learner, clock, eye, (model, wanted.cache))
    return 0


def _again(kept: bytes, budget: float, eye: Eye) -> tuple[SceneLearner, WatchClock, list[Path]]:
    """A learner of an earlier run."""
    learner = from_bytes(kept, LearningPlan(budget), eye.width)
    if learner is None:
        raise ValueError("what was kept is damaged, or of another encoder: remove it")
    return learner, WatchClock(float(learner.minutes.numbers[-1] + 10) * 60), []


def _grown(wanted: argparse.Namespace, eye: Eye, model: bytes) -> tuple[SceneLearner, WatchClock, list[Path]]:
    """A learner that has seen all but the held-out clips."""
    clips = sorted((wanted.shared / "upcam/train").glob("*.mp4"))
    as_device = wanted.calibrate == "all"
    learn = [clip for clip in clips if not as_device and clip.stem.startswith(wanted.learn)]
    second = [clip for clip in clips if as_device or clip.stem.startswith(wanted.calibrate)]
    tests = second[1 :: wanted.test] if wanted.test else []
    calibrate = [clip for clip in second if clip not in tests]
    if not calibrate:
        raise ValueError(f"no clips in {wanted.shared / 'upcam/train'} begin with {wanted.calibrate}")
    learner, clock = SceneLearner(LearningPlan(wanted.budget), eye.width), WatchClock()
    cpu_s, looks = 0.0, 0
    begun_s = monotonic()
    for number, clip in enumerate([*learn, *calibrate]):
        if number == len(learn):
            begin_calibrating(learner)
        seen = kept_looks(clip, _EVERY, eye, model, wanted.cache)
        before_s = process_time()
        play(learner, seen, clock)
        cpu_s, looks = cpu_s + process_time() - before_s, looks + len(seen)
        print(
            f"{clip.stem} {number + 1}/{len(learn) + len(calibrate)}  {monotonic() - begun_s:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    learner.calibrate()
    print(f"learnt {looks} looks, {1000 * cpu_s / max(looks, 1):.2f} ms of CPU each without the encoder")
    return learner, clock, tests


def _judge_oddities(clip: Path, learner: SceneLearner, clock: WatchClock, eye: Eye, normal: ClipLooks) -> None:
    """One held-out clip as it is, and with oddities."""
    oddities = drawn(len(normal) * normal.step_s, 1 / normal.step_s, np.random.default_rng(len(normal)))
    pictures, _ = pictures_of(clip, _EVERY)
    strange = looks_of(eye, _with(pictures, oddities), normal.step_s)
    plain = play(copy.deepcopy(learner), normal, copy.deepcopy(clock))
    odd = play(learner, strange, clock)
    there = np.zeros(len(normal), np.bool_)
    for each in oddities:
        there[each.first : each.last + 1] = True
    found, _ = found_and_false(odd.unusual, blocks_of(there), normal.step_s)
    _, false = found_and_false(plain.unusual, [], normal.step_s)
    print(
        f"{clip.stem} frame AUC {area(odd.scores[there], plain.scores):.3f}, {found} of {len(oddities)} oddities, "
        f"{false} episodes without"
    )


def _with(pictures: Iterable[Picture], oddities: Sequence[Oddity]) -> Iterator[Picture]:
    for number, picture in enumerate(pictures):
        shown = next((each for each in oddities if each.first <= number <= each.last), None)
        yield shown.shown_in(picture) if shown else picture


def _judge_labelled(folder: Path, learner: SceneLearner, clock: WatchClock, eye: Eye, kept: tuple[bytes, Path]) -> None:
    """The labelled clip, with each look's score held until the next."""
    for labels in sorted(folder.glob("*_events.json")):
        looks = kept_looks(labels.with_name(labels.name.replace("_events.json", ".mp4")), _EVERY_LABELLED, eye, *kept)
        verdicts = play(learner, looks, clock)
        odd = _odd_frames(labels)
        scores = verdicts.scores.repeat(_EVERY_LABELLED)[: odd.size]
        found, false = found_and_false(verdicts.unusual, blocks_of(odd[::_EVERY_LABELLED]), looks.step_s)
        print(
            f"{labels.stem}: frame AUC {area(scores[odd], scores[~odd]):.3f}, "
            f"{found} of {len(blocks_of(odd))} blocks, {false} false episodes"
        )


def _odd_frames(labels: Path) -> NDArray[np.bool_]:
    stated = json.loads(labels.read_text(encoding="utf-8"))
    odd = np.zeros(stated["frames"], np.bool_)
    for event in stated["events"]:
        if event["anomalous"]:
            odd[event["start"] : event["end"] + 1] = True
    return odd


if __name__ == "__main__":
    sys.exit(main())
