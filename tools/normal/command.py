"""`smartcam normal`: learn from clips what is normal before a camera, and measure how well what is odd is told."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from smartcam.capture.settings import SourceSettings
from smartcam.contract.errors import ModelIntegrityError
from smartcam.edge.arguments import number
from smartcam.model.encoder import open_place_encoder
from smartcam.vision.normal.learner import LearningPlan
from smartcam.vision.turn import QUARTERS
from tools.command_line import complain
from tools.normal.footage import USUAL_FPS, FootagePlan, SceneFilm, SceneFootage, find_footage
from tools.normal.judging import judged
from tools.normal.page import write_scene_page
from tools.normal.playing import BREAK_S, SHORT_S, PlayedClip, ScenePlayer
from tools.normal.report import SceneReport, as_document, lines
from tools.normal.writing import MEMORY, check_place, told, write_scene
from tools.score.files import write_figures
from tools.score.intervals import ScoreError
from tools.score.playback import CAMERA
from tools.score.progress import Progress

_EXPLANATION: Final = f"""\
Clips, and folders of numbered pictures, are played in the order of their names, as the device would see them: the same
gate, tamper watch, looks, learner and calibration, without a detector. Their order is all that is known of time: each
clip follows the one before after a break of {BREAK_S:g} s, or at once if that is shorter than {SHORT_S:g} s; no day
begins or ends. A folder with Train and Test in it is learned from by its Train, and tested by its Test.
OUT gets {MEMORY}, the very file that a device keeps for a camera, and a manifest. With --labels what is odd is neither
learned nor counted, and the clips in which something is odd (or those of --test) are tested: frame AUC over all
frames, odd times that are told of, false alerts and seconds to the alert, at the threshold of the budget.
LABELS: intervals as for `smartcam score` (all of them are odd, or those of --odd); or a `.m` file with a line
`TestVideoFile{{end+1}}.gt_frame = [60:152];` for each tested clip; or a folder with masks for each, in NAME_gt.
What is learned of a clip without labels is normal, whatever it shows. All of it: docs/design/normal.md."""


def main(argv: Sequence[str]) -> int:
    """Learn, write, test. 0: done. 1: something is missing or wrong, with one line on stderr."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.out is None and options.labels is None:
        parser.error("give --out, to keep what is learned, or --labels, to test it, or both")
    try:
        _run(options)
    except (ScoreError, ModelIntegrityError) as error:
        return complain("normal", error)
    except BrokenPipeError:
        raise  # whoever reads what is printed has seen enough
    except OSError as error:
        return complain("normal", f"{error.filename or 'the disk'}: {error.strerror or error}")
    return 0


def _run(options: argparse.Namespace) -> None:
    tell = partial(complain, "normal")
    if options.out is not None:
        check_place(options.out)  # better now than after hours of footage
    plan = FootagePlan(options.clips, options.test, options.labels, tuple(options.odd), options.fps)
    footage = find_footage(plan, tell)
    capture = SourceSettings(CAMERA, rotate=options.rotate, mirror=options.mirror)
    # Not before: the runtime has a line of its own to say then, which hides what is wrong with the footage.
    player = ScenePlayer(LearningPlan(options.budget), capture, open_place_encoder(), tell)
    report = learned_and_tested(player, footage, options.out)
    print("\n".join(lines(report)), flush=True)
    if options.out is not None:
        print(f"bundle     {options.out}: {MEMORY} is a camera's memory, `normal-CAMERA` on the device")
    if options.json is not None:
        write_figures(options.json, json.dumps(as_document(report), indent=1) + "\n")
    if options.report is not None:
        print(f"report     {write_scene_page(options.report, report)}")


def learned_and_tested(player: ScenePlayer, footage: SceneFootage, out: Path | None) -> SceneReport:
    """Learns, writes what was learned if there is a place for it, then tests.

    Raises:
        ScoreError: the footage cannot be used, naming the clip.
        OSError: it cannot be written.
    """
    films = (*footage.learned, *footage.tested)
    progress = Progress(round(sum(film.seconds for film in films)), player.tell, time.monotonic, unit="seconds of film")
    learned = _played(player, footage.learned, progress)
    if not any(clip.looks for clip in learned):
        raise ScoreError("footage: no picture of what is to be learned could be looked at")
    scene = player.scene
    scene.calibrate()
    report = SceneReport(learned, told(scene), scene, list(player.pictures))
    if out is not None:
        write_scene(out, scene)
    if not footage.tested:
        return report
    is_early = scene.progress.promise is None
    rehearsed = 0 if scene.judges else player.rehearse()
    scene.begin_watching()
    player.pictures.clear()
    verdict = judged(_played(player, footage.tested, progress))
    return replace(report, pictures=player.pictures, verdict=verdict, rehearsed=rehearsed, is_early=is_early)


def _reach(progress: Progress, done_s: float, at_s: float) -> None:
    progress.reach(round(done_s + at_s))


def _played(player: ScenePlayer, films: Sequence[SceneFilm], progress: Progress) -> list[PlayedClip]:
    played = []
    done_s = progress.done
    for film in films:
        played.append(player.play(film, partial(_reach, progress, done_s)))
        done_s += round(film.seconds)
        progress.done = done_s
    return played


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smartcam normal",
        description="Learn from clips what is normal before a camera, and measure how well what is odd is told.",
        epilog=_EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--clips", type=Path, required=True, metavar="DIR", help="clips of one camera, or a single one")
    parser.add_argument("--out", type=Path, metavar="OUT", help="the folder for what is learned")
    parser.add_argument("--labels", type=Path, metavar="LABELS", help="what is odd, and when: a file or a folder")
    parser.add_argument("--test", type=Path, metavar="DIR", help="clips to test, where they are not among the others")
    parser.add_argument("--odd", action="append", default=[], metavar="WORD", help="a label that is odd (all of them)")
    parser.add_argument(
        "--fps",
        type=number(0.1, 240),
        default=USUAL_FPS,
        metavar="N",
        help="pictures a second in folders (%(default)g)",
    )
    parser.add_argument(
        "--budget", type=number(0.1, 100), default=1.0, metavar="N", help="alerts a day, as `alerts_a_day` (1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the figures for programs")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where to write a page with scores and pictures")
    parser.add_argument(
        "--rotate", type=int, choices=QUARTERS, default=0, help="degrees clockwise, as capture's `rotate` (0)"
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right then, as capture's `mirror`")
    return parser
