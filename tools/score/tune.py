"""`smartcam tune`: proposes a camera's settings from labelled clips of it, and shows what they cost and gain."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.edge.arguments import number, whole
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.vision.turn import QUARTERS
from tools.command_line import complain, say
from tools.score.detections import default_cache
from tools.score.files import camera_settings, check_new, write_new
from tools.score.intervals import ScoreError
from tools.score.measuring import LabelledClip, ScorePlan, checked_clips, checked_model, scored
from tools.score.playback import CAMERA
from tools.score.report import ClipScore
from tools.score.tuning import (
    MISS_COSTS,
    VALUES,
    Changes,
    Tallied,
    TuningTrial,
    allowed_values,
    figures_of,
    search,
    start_of,
)

_EXPLANATION = f"""\
Every second clip, by name, is tuned on, and the others tell what the proposal is worth; of one clip the first half is
tuned on and the second half tells. The figures of both halves are shown: only the second ones are to be believed, and
only as far as there are enough objects in them. The cost of settings is the number of false and of doubled events plus
--miss-costs for each object that was missed ({MISS_COSTS:g}). One key after the other is tried ({", ".join(VALUES)})
until none gets better. Detections are kept in the user's cache, so that only the first round runs the model.
The file is the `cameras` table of smartcam.Inference with what is to change; `smartcam score --camera-settings FILE`
takes it as it is."""


@dataclass(frozen=True, slots=True)
class Halves:
    """Which clips, and which seconds of them, settings are tuned on, and on which they are told."""

    tuned: Sequence[LabelledClip]
    told: Sequence[LabelledClip]
    in_tuned: Callable[[ClipScore, float], bool]
    in_told: Callable[[ClipScore, float], bool]
    words: str


def main(argv: Sequence[str]) -> int:
    """Show the trade and write the file. 0 when settings are proposed or stay, 1 when something is missing or wrong."""
    options = _parser().parse_args(argv)

    def tell(line: str) -> object:
        return complain("tune", line)

    try:
        check_new(options.out)
        plan = ScorePlan(
            videos=options.video,
            labels=options.labels,
            bundle=options.bundle,
            settings=camera_settings(options.camera_settings),
            rotate=options.rotate,
            mirror=options.mirror,
            cache=default_cache(os.environ, Path.home()),
            jobs=options.jobs,
        )
        clips = checked_clips(plan, tell)
        halves = halves_of(clips)
        tuner = _Tuner(plan, checked_model(plan), halves, tell)
        best, tried = tuner.search(options.miss_costs)
        before, after = tuner.told({}), tuner.told(best.changes)
        say("\n".join(_trade(best, tried, options.miss_costs)))
        say(f"\ntuned on {halves.words}:\n  as it is  {tried[0].figures}\n  proposed  {best.figures}")
        say(f"on the other half, which had no part in it:\n  as it is  {before}\n  proposed  {after}")
        if not best.changes:
            say("The settings can stay as they are: nothing else had fewer faults. No file is written.")
            return 0
        write_new(options.out, _yaml(options.camera, best, before, after, halves.words))
        say(f"{options.out}: {best.words}")
        if not after.expected:
            tell("the other half is labelled with nothing to be found: nobody knows what the proposal is worth")
        if after.cost(options.miss_costs) > before.cost(options.miss_costs):
            tell("on the other half the proposal has more faults than the settings as they are: do not use it")
    except ScoreError as error:
        return complain("tune", error)
    return 0


def halves_of(clips: Sequence[LabelledClip]) -> Halves:
    """Every second clip by name; of a single one the two halves of its time."""
    if len(clips) > 1:
        ordered = sorted(clips, key=lambda clip: clip.video.name)
        return Halves(
            ordered[0::2],
            ordered[1::2],
            lambda *_: True,
            lambda *_: True,
            f"{len(ordered[0::2])} of {len(clips)} clips",
        )

    def is_first(clip: ClipScore, at_s: float) -> bool:
        return at_s < clip.playback.seconds / 2

    return Halves(clips, clips, is_first, lambda clip, at_s: not is_first(clip, at_s), "the first half of the clip")


class _Tuner:
    """Plays clips under other settings."""

    def __init__(self, plan: ScorePlan, model: Model, halves: Halves, tell: Callable[[str], object]) -> None:
        self._plan = plan
        self._model = model
        self._halves = halves
        self._tell = tell
        self._camera = plan.settings.camera(CAMERA)
        self._tried = 0

    def search(self, miss_costs: float) -> tuple[TuningTrial, list[TuningTrial]]:
        start = start_of(self._camera, self._model.manifest)
        return search(start, self._tuned, miss_costs, allowed_values(self._camera))

    def told(self, changes: Changes) -> Tallied:
        return figures_of(self._clips(self._halves.told, changes), self._halves.in_told)

    def _tuned(self, changes: Changes) -> Tallied:
        self._tried += 1
        self._tell(f"trial {self._tried}: {TuningTrial(changes, Tallied()).words}")
        figures = figures_of(self._clips(self._halves.tuned, changes), self._halves.in_tuned)
        if not figures.expected:
            raise ScoreError("the half to tune on is labelled with nothing to be found; give more clips")
        return figures

    def _clips(self, clips: Sequence[LabelledClip], changes: Changes) -> Sequence[ClipScore]:
        settings = InferenceSettings(cameras={CAMERA: changed(self._camera, changes)})
        return scored(replace(self._plan, settings=settings), clips, self._model, self._tell).clips


def changed(settings: AnalysisSettings, changes: Changes) -> AnalysisSettings:
    """The settings with these changes."""
    values: dict[str, Any] = {key: int(value) if key == "min_frames" else value for key, value in changes.items()}
    return replace(settings, **values)


def _trade(best: TuningTrial, tried: Sequence[TuningTrial], miss_costs: float) -> list[str]:
    width = max(len(trial.words) for trial in tried)
    header = (
        f"{'':2}{'settings':{width}} {'cost':>6} {'found':>9} {'twice':>6} {'false':>6} {'median s':>9} {'worst s':>8}"
    )
    lines = [header, "-" * len(header)]
    for trial in sorted(tried, key=lambda each: each.figures.cost(miss_costs)):
        figures = trial.figures
        found = f"{figures.found} of {figures.expected}"
        delays = f"{figures.median_s:9.2f} {max(figures.seconds):8.2f}" if figures.seconds else ""
        lines.append(
            f"{'* ' if trial is best else '  '}{trial.words:{width}} {figures.cost(miss_costs):6g} {found:>9} "
            f"{figures.duplicates:6} {figures.false:6} {delays}"
        )
    return lines


def _yaml(camera: str, best: TuningTrial, before: Tallied, after: Tallied, words: str) -> str:
    settings = {key: int(value) if key == "min_frames" else value for key, value in best.changes.items()}
    comments = (
        f"# Proposed by smartcam tune, tuned on {words}: {best.figures}.",
        f"# On the other half: {after}; as it was: {before}.",
    )
    return "\n".join([*comments, yaml.safe_dump({"cameras": {camera: settings}}, sort_keys=False)])


def _camera(text: str) -> CameraId:
    try:
        return camera_id(text)
    except ContractError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smartcam tune",
        description="Propose a camera's settings from labelled clips of it.",
        epilog=_EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--video", type=Path, action="append", required=True, metavar="CLIP", help="may be repeated")
    parser.add_argument(
        "--labels", type=Path, action="append", required=True, metavar="LABELS.json", help="see `smartcam score --help`"
    )
    parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the camera's model bundle")
    parser.add_argument(
        "--out", type=Path, default=Path("camera.yaml"), metavar="FILE", help="a new file (camera.yaml)"
    )
    parser.add_argument("--camera", type=_camera, default="camera", metavar="ID", help="the camera's id in the file")
    parser.add_argument("--camera-settings", type=Path, metavar="FILE", help="the camera's settings to begin with")
    parser.add_argument(
        "--miss-costs", type=number(0, 1000), default=MISS_COSTS, metavar="N", help="how many alerts a miss outweighs"
    )
    parser.add_argument("--jobs", type=whole(1, 64), default=1, metavar="N", help="clips to play at once (1)")
    parser.add_argument(
        "--rotate", type=int, choices=QUARTERS, default=0, help="degrees clockwise, as capture's `rotate` (0)"
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right then, as capture's `mirror`")
    return parser
