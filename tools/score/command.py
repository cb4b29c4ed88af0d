"""`smartcam score`: recall, precision and delay of a bundle on labelled clips."""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost, ModelIntegrityError, SettingsError
from smartcam.edge.arguments import number
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.bundles import open_model
from smartcam.inference.commands.check import label_faults
from smartcam.inference.settings import InferenceSettings, read_settings
from smartcam.vision.turn import QUARTERS
from tools.command_line import complain
from tools.score.floors import Floor, add_options, floors
from tools.score.labels import TOLERANCE_FRAMES, ClipLabels, ScoreError, read_all_labels, read_json
from tools.score.matching import AFTER_S, FrameTimes, Tolerance, match
from tools.score.playback import CAMERA, play
from tools.score.report import ClipScore, Score, as_document, as_table

MISSED: int = 3
_EXPLANATION = f"""\
Each labelled interval expects one event, or one for each of its `objects`. The event counts from {TOLERANCE_FRAMES}
frames before the interval to {AFTER_S:g} s after it, or within --tolerance, whatever it calls the object. An interval
that does not count its objects may hold several: a further event in it is "beside", neither found nor false, when its
object is apart from all others with an open episode. Every other event is false: it is in no interval, or about an
object that already had its event.
Recall is 1 where nothing is expected, precision is 1 where nothing is raised.
LABELS.json: {{"a.mp4": {{"fps": 10, "frames": 300, "person": [[60, 197], {{"frames": [227, 260], "objects": 2}}]}}}},
frames from 0, the last one included, or {{"seconds": [6, 19.8]}}. The positions of the clip's own pictures say when a
frame is; a clip with another rate or length than its labels say is told of first. All of it: docs/design/seeing.md."""


def main(argv: Sequence[str]) -> int:
    """Measure, print a table, write JSON.

    0 when measured and no floor is missed, 3 when one is, 1 when something is missing or wrong.
    """
    options = _parser().parse_args(argv)
    try:
        plan = ScorePlan(
            videos=options.video,
            labels=options.labels,
            bundle=options.bundle,
            analyse_fps=options.analyse_fps,
            tolerance_s=options.tolerance,
            settings=_settings(options.camera_settings),
            rotate=options.rotate,
            mirror=options.mirror,
        )
        score = measure_plan(plan, lambda doubt: complain("score", doubt))
        reached = floors(options, score)
        # Before the file: minutes of measuring are not lost because it cannot be written.
        print(as_table(score), flush=True)
        if options.json is not None:
            document = as_document(score) | {"floors": [_floor(floor) for floor in reached]}
            _write(options.json, json.dumps(document, indent=1) + "\n")
    except ScoreError as error:
        return complain("score", error)
    missed = [floor for floor in reached if not floor.holds]
    for floor in missed:
        complain("score", f"{floor.figure.option} {floor.asked:g} is missed: {_number(floor.measured)}")
    return MISSED if missed else 0


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """What is measured: a bundle on clips, with one configuration for all of them; `rotate` as in `SourceSettings`."""

    videos: Sequence[Path]
    labels: Sequence[Path]
    bundle: Path
    analyse_fps: float | None = None
    tolerance_s: float | None = None
    settings: InferenceSettings = field(default_factory=InferenceSettings)
    rotate: int = 0
    mirror: bool = False


def measure(videos: Sequence[Path], labels_file: Path, bundle: Path, analyse_fps: float | None = None) -> Score:
    """The score of a bundle on clips, with the device's default settings.

    Raises:
        ScoreError: a clip, the labels or the bundle is missing or wrong.
    """
    return measure_plan(ScorePlan(videos, [labels_file], bundle, analyse_fps))


def measure_plan(plan: ScorePlan, tell: Callable[[str], object] = lambda _: None) -> Score:
    """The score of a plan. What makes labels doubtful is told before anything is played.

    Raises:
        ScoreError: a clip, the labels or the bundle is missing or wrong.
    """
    all_labels = read_all_labels(plan.labels)
    _refuse_equal_names(plan.videos)
    labels = [_labels_of(video, all_labels, plan.labels) for video in plan.videos]
    capture = SourceSettings(CAMERA, rotate=plan.rotate, mirror=plan.mirror)
    if plan.analyse_fps is not None:
        capture = replace(capture, analyse_fps=plan.analyse_fps)
    # A bundle's model keeps no state between pictures, so all clips share it; each clip has its own tracks.
    model = _open(plan.bundle)
    for fault in label_faults(model, plan.settings.camera(CAMERA)):
        raise ScoreError(f"camera settings: {fault}")
    doubts = [_doubts(*pair) for pair in zip(plan.videos, labels, strict=True)]
    for doubt in (each for of_clip in doubts for each in of_clip):
        tell(doubt)
    scores = []
    for video, its_labels, known in zip(plan.videos, labels, doubts, strict=True):
        score = _score(video, its_labels, model, capture, plan)
        later = [each for each in its_labels.doubts_of_length(score.playback.frames_read) if each not in known]
        scores.append(replace(score, doubts=(*known, *later)))
        for doubt in later:
            tell(doubt)
    return Score(tuple(scores))


def _doubts(video: Path, labels: ClipLabels) -> list[str]:
    """What the clip's container already says against the labels."""
    try:
        clip = open_clip(video)
    except CameraLost as error:
        raise ScoreError(f"clip {error}") from error
    with closing(clip):
        return [*labels.doubts_of_rate(clip.frames_per_second), *labels.doubts_of_length(clip.pictures_stated)]


def _score(video: Path, labels: ClipLabels, model: Model, capture: SourceSettings, plan: ScorePlan) -> ClipScore:
    playback = play(video, model, capture, plan.settings)
    labels.check(playback.frames_read, playback.seconds)
    tolerance = None if plan.tolerance_s is None else Tolerance(plan.tolerance_s, plan.tolerance_s)
    outcome = match(playback.events, labels, FrameTimes(playback.starts_s, playback.seconds), tolerance)
    return ClipScore(video.name, playback, outcome, labels.in_words)


def _settings(path: Path | None) -> InferenceSettings:
    """The device's defaults, or one camera's table of smartcam.Inference's `cameras`, from a file."""
    if path is None:
        return InferenceSettings()
    table = read_json(path, "camera settings")
    try:
        return read_settings({"cameras": {CAMERA: table}})
    except SettingsError as error:
        raise ScoreError(f"camera settings {path}: {error}") from error


def _floor(floor: Floor) -> dict[str, object]:
    return {"floor": floor.figure.option, "asked": floor.asked, "measured": floor.measured, "holds": floor.holds}


def _number(measured: float | None) -> str:
    return "nothing to measure" if measured is None else f"{measured:.3g}"


def _refuse_equal_names(videos: Sequence[Path]) -> None:
    first: dict[str, Path] = {}
    for video in videos:
        if video.name in first:
            raise ScoreError(
                f"clips {first[video.name]} and {video}: both are {video.name}, by which labels know them; rename one,"
                " or give it once"
            )
        first[video.name] = video


def _labels_of(video: Path, labels: dict[str, ClipLabels], files: Sequence[Path]) -> ClipLabels:
    if not video.is_file():
        raise ScoreError(f"clip {video}: there is no such file")
    if video.name not in labels:
        known = ", ".join(sorted(labels)) or "none"
        where = ", ".join(str(file) for file in files)
        raise ScoreError(f"labels {where}: no entry for {video.name}; there are entries for {known}")
    return labels[video.name]


def _open(bundle: Path) -> Model:
    if not bundle.is_dir():
        raise ScoreError(f"bundle {bundle}: there is no such folder; make one with `smartcam bundle`")
    try:
        return open_model(bundle)
    except ModelIntegrityError as error:
        raise ScoreError(f"bundle {bundle}: {error}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScoreError(f"result {path}: {error.strerror or error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smartcam score",
        description="Play clips through the device's code and compare its events with labelled intervals.",
        epilog=_EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--video", type=Path, action="append", required=True, metavar="CLIP", help="may be repeated")
    parser.add_argument(
        "--labels", type=Path, action="append", required=True, metavar="LABELS.json", help="intervals; may be repeated"
    )
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the model bundle to measure")
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write the result as JSON")
    parser.add_argument(
        "--analyse-fps", type=number(0.1, 60), metavar="N", help="frames announced a second, 0.1 to 60 (capture's)"
    )
    parser.add_argument(
        "--tolerance", type=number(0), metavar="S", help="seconds before and after an interval that count"
    )
    parser.add_argument(
        "--camera-settings", type=Path, metavar="FILE.json", help="a camera's settings: zones, lines, rules, thresholds"
    )
    parser.add_argument(
        "--rotate", type=int, choices=QUARTERS, default=0, help="degrees clockwise, as capture's `rotate` (0)"
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right then, as capture's `mirror`")
    add_options(parser)
    return parser
