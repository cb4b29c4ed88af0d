"""`python -m devkit score`: recall, precision and delay of a bundle on labelled clips."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from devkit.score.labels import ClipLabels, ScoreError, read_labels
from devkit.score.matching import AFTER_S, BEFORE_FRAMES, match
from devkit.score.playback import CAMERA, play
from devkit.score.report import ClipScore, Score, as_document, as_table
from smartcam.capture.settings import CameraSettings as CaptureSettings
from smartcam.contract.errors import ModelIntegrityError
from smartcam.inference.analysis import Model
from smartcam.inference.bundles import open_model
from smartcam.inference.settings import InferenceSettings

_EXPLANATION = f"""\
Each labelled interval expects one event. The event counts from {BEFORE_FRAMES} frames before the interval to
{AFTER_S:g} s after it, whatever it calls the object; a second event in one interval is false, and so is one in none.
Recall is 1 where nothing is expected, precision is 1 where nothing is raised."""


def main(argv: Sequence[str]) -> int:
    """Measure, print a table, write JSON. 0 when measured, whatever the result; 1 when something is missing."""
    options = _parser().parse_args(argv)
    try:
        score = measure(options.video, options.labels, options.bundle, options.analyse_fps)
        if options.json is not None:
            _write(options.json, json.dumps(as_document(score), indent=1) + "\n")
    except ScoreError as error:
        print(f"score: {error}", file=sys.stderr)
        return 1
    print(as_table(score))
    return 0


def measure(videos: Sequence[Path], labels_file: Path, bundle: Path, analyse_fps: float | None = None) -> Score:
    """The score of a bundle on clips, with the device's default settings.

    Raises:
        ScoreError: a clip, the labels or the bundle is missing or wrong.
    """
    all_labels = read_labels(labels_file)
    labels = [_labels_of(video, all_labels, labels_file) for video in videos]
    capture = CaptureSettings(CAMERA, Path())
    if analyse_fps is not None:
        capture = CaptureSettings(CAMERA, Path(), analyse_fps=analyse_fps)
    # A bundle's model keeps nothing between pictures, so all clips share it; what is tracked is a clip's own.
    model = _open(bundle)
    return Score(tuple(_score(*pair, model, capture) for pair in zip(videos, labels, strict=True)))


def _score(video: Path, labels: ClipLabels, model: Model, capture: CaptureSettings) -> ClipScore:
    playback = play(video, model, capture, InferenceSettings())
    labels.check(playback.frames_read)
    return ClipScore(video.name, playback, match(playback.events, labels, labels.fps or playback.fps))


def _labels_of(video: Path, labels: dict[str, ClipLabels], labels_file: Path) -> ClipLabels:
    if not video.is_file():
        raise ScoreError(f"clip {video}: there is no such file")
    if video.name not in labels:
        known = ", ".join(sorted(labels)) or "none"
        raise ScoreError(f"labels {labels_file}: no entry for {video.name}; there are entries for {known}")
    return labels[video.name]


def _open(bundle: Path) -> Model:
    if not bundle.is_dir():
        raise ScoreError(f"bundle {bundle}: there is no such folder; make one with `python -m devkit bundle`")
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
        prog="python -m devkit score",
        description="Play clips through the device's code and set its events against labelled intervals.",
        epilog=_EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--video", type=Path, action="append", required=True, metavar="CLIP", help="may be repeated")
    parser.add_argument("--labels", type=Path, required=True, metavar="LABELS.json", help="intervals of frames")
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the model bundle to measure")
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write the result for machines")
    parser.add_argument("--analyse-fps", type=float, metavar="N", help="frames announced a second (default: capture's)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
