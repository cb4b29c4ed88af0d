"""`smartcam score`: recall, precision and delay of a bundle on labelled clips."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from smartcam.edge.arguments import number, whole
from smartcam.vision.turn import QUARTERS
from tools.command_line import complain
from tools.score.detections import default_cache
from tools.score.files import camera_settings, write_figures
from tools.score.floors import Floor, add_options, floors
from tools.score.intervals import ScoreError
from tools.score.labels import TOLERANCE_FRAMES
from tools.score.measuring import ScorePlan, measure_plan
from tools.score.page import write_page
from tools.score.report import as_document, as_table
from tools.score.targets import AFTER_S

MISSED: int = 3
_EXPLANATION = f"""\
Each labelled object expects one event: the first that is about it finds it, each further one is a duplicate ("twice").
An event is about an object that is in sight, from {TOLERANCE_FRAMES} frames before to {AFTER_S:g} s after (or within
--tolerance), and, where the labels have boxes, at its place; it does not matter what the event calls it. A plain
interval is one object, with `objects` so many. Every other event is false. Where labels are `unsure`, or only say in
words that there are objects of its kind, an event is not judged.
Recall is 1 where nothing is expected, precision (found of found, duplicate and false) is 1 where nothing is raised.
LABELS.json: {{"a.mp4": {{"fps": 10, "frames": 300, "person": [[60, 197], {{"frames": [227, 260], "objects": 2}}],
"objects": [{{"id": "visitor-1", "kind": "person", "seconds": [6, 19.8], "boxes": [[6, 0.1, 0.2, 0.3, 0.9]]}}],
"unsure": [{{"seconds": [25, 27]}}]}}}}. `smartcam label CLIP` proposes such labels, or takes over those of MOT
challenge, COCO and CVAT. Frames count from 0, and the last one belongs to the interval; a box is at a time, with its
corners as shares of the picture. All of it: docs/design/score.md.
The labels of all clips are checked before the first one is played. What the detector found is kept in the user's cache
(safe to delete), so that the next run with other settings is many times faster."""


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
            settings=camera_settings(options.camera_settings),
            rotate=options.rotate,
            mirror=options.mirror,
            # Figures of a model's time can only come from a model that runs.
            cache=None if options.no_cache or options.most_ms is not None else default_cache(os.environ, Path.home()),
            jobs=options.jobs,
        )
        score = measure_plan(plan, lambda line: complain("score", line))
        reached = floors(options, score)
        # Before the file: minutes of measuring are not lost because it cannot be written.
        print(as_table(score), flush=True)
        if options.json is not None:
            document = as_document(score) | {"floors": [_floor(floor) for floor in reached]}
            _write(options.json, json.dumps(document, indent=1) + "\n")
        if options.report is not None:
            print(f"see {write_page(options.report, plan, score)}", flush=True)
    except ScoreError as error:
        return complain("score", error)
    missed = [floor for floor in reached if not floor.holds]
    for floor in missed:
        complain("score", f"{floor.figure.option} {floor.asked:g} is missed: {_number(floor.measured)}")
    return MISSED if missed else 0


def _floor(floor: Floor) -> dict[str, object]:
    return {"floor": floor.figure.option, "asked": floor.asked, "measured": floor.measured, "holds": floor.holds}


def _number(measured: float | None) -> str:
    return "nothing to measure" if measured is None else f"{measured:.3g}"


def _write(path: Path, text: str) -> None:
    try:
        write_figures(path, text)
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
        "--report", type=Path, metavar="DIR", help="where to write a page with a picture of each event and each miss"
    )
    parser.add_argument("--jobs", type=whole(1, 64), default=1, metavar="N", help="clips to play at once (1)")
    parser.add_argument("--no-cache", action="store_true", help="run the model even where its answers are known")
    parser.add_argument(
        "--analyse-fps", type=number(0.1, 60), metavar="N", help="frames announced a second, 0.1 to 60 (capture's)"
    )
    parser.add_argument(
        "--tolerance", type=number(0), metavar="S", help="seconds before and after an interval that count"
    )
    parser.add_argument(
        "--camera-settings",
        type=Path,
        metavar="FILE",
        help="a camera's settings: zones, rules, ..., or what `tune` wrote",
    )
    parser.add_argument(
        "--rotate", type=int, choices=QUARTERS, default=0, help="degrees clockwise, as capture's `rotate` (0)"
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right then, as capture's `mirror`")
    add_options(parser)
    return parser
