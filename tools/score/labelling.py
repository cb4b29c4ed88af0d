"""`smartcam label`: writes a clip's labels to be corrected, from what a bundle finds or another program has written."""

import argparse
import json
import os
import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.vision.turn import QUARTERS
from tools.command_line import complain, numbered
from tools.score.detections import default_cache
from tools.score.files import check_new, write_new
from tools.score.foreign.reading import read_foreign
from tools.score.foreign.rows import PictureSize
from tools.score.intervals import ScoreError
from tools.score.labels import ClipLabels
from tools.score.measuring import ScorePlan, checked_model, play_and_keep
from tools.score.objects import LabelledObject, labels_entry
from tools.score.progress import Progress
from tools.score.proposals import proposed

_EXPLANATION = """\
Without --from the clip is played, and what the bundle's detector found, and what raised events, becomes objects with
their times and places: a beginning, which nobody should score against before it is corrected. Look at the clip; delete
what is nothing, add what is missing, give one id to what is one object, set the seconds to coming and going. Add
`"unsure": [{"seconds": [a, b]}]` where nobody can tell, and `"raises": false` to what stands there and is to raise
nothing, such as a parked car.
With --from the labels of another program are taken over: MOT challenge text (gt.txt), COCO JSON with track ids, CVAT
for video (XML, or the JSON of a backup). The file itself says which. docs/design/score.md has the format."""


def main(argv: Sequence[str]) -> int:
    """Write the file. 0 when it is written, 1 when something is missing, wrong, or there already."""
    options = _parser().parse_args(argv)
    clip: Path = options.clip
    out: Path = options.out or Path(f"{clip.stem}.labels.json")
    try:
        check_new(out)
        if (options.bundle is None) == (options.take_over is None):
            raise ScoreError("give --bundle to propose labels, or --from to take over those of another program")
        _check_name(clip)
        size, fps, frames = _facts(clip, options.rotate)
        if options.take_over is not None:
            objects = _taken_over(options.take_over, clip, size, frames)
        else:
            plan = ScorePlan([clip], [], options.bundle, rotate=options.rotate, mirror=options.mirror)
            objects, frames = _proposed(plan, clip, size, frames)
        # It says when somebody was at home: nobody else is to read it.
        write_new(out, _text(clip.name, objects, fps, frames))
    except ScoreError as error:
        return complain("label", error)
    print(f"{out}: {numbered(len(objects), 'object')}; correct it, then score with --labels {shlex.quote(str(out))}")
    return 0


def _check_name(clip: Path) -> None:
    try:
        clip.name.encode()
    except UnicodeEncodeError as error:
        name = ascii(clip.name)
        raise ScoreError(f"clip {name} is a name that labels cannot hold: it is not UTF-8; rename the clip") from error


def _facts(clip: Path, rotate: int) -> tuple[PictureSize, float, int]:
    """The size of the clip's pictures as they are analysed, its rate and how many pictures it says that it has."""
    try:
        with closing(open_clip(clip)) as source:
            picture = source.next().picture
            width, height = (picture.height, picture.width) if rotate in {90, 270} else (picture.width, picture.height)
            return PictureSize(width, height), source.frames_per_second, source.pictures_stated
    except CameraLost as error:
        raise ScoreError(f"clip {error}") from error


def _taken_over(file: Path, clip: Path, size: PictureSize, frames: int) -> tuple[LabelledObject, ...]:
    taken = read_foreign(file, clip.name, size)
    for word, count in taken.left_out.most_common():
        complain("label", f"{file}: left out {count} boxes of {word!r}, which is no kind of event")
    if frames:
        ClipLabels(clip.name, None, (), objects=taken.objects).check(frames)
    return taken.objects


def _proposed(plan: ScorePlan, clip: Path, size: PictureSize, frames: int) -> tuple[tuple[LabelledObject, ...], int]:
    """The proposals, and how many pictures the clip has."""
    model = checked_model(plan)
    if not isinstance(model, ObjectModel):
        raise ScoreError(f"bundle {plan.bundle}: is no detector, so it cannot say who is where")
    progress = Progress(frames, lambda line: complain("label", line), time.monotonic)
    cache = default_cache(os.environ, Path.home())
    playback, store = play_and_keep(plan, cache, clip, model, progress.advance, progress.tell)
    return proposed(store.looks, playback, model.manifest.events, size), playback.frames_read


def _text(clip: str, objects: Sequence[LabelledObject], fps: float, frames: int) -> str:
    """The file of labels, with a line for each object: people are to correct it."""
    entry = labels_entry(objects, fps, frames)
    lines = [json.dumps(each, ensure_ascii=False) for each in entry["objects"]]
    facts = "".join(f' "{key}": {value},\n' for key, value in entry.items() if key != "objects")
    name = json.dumps(clip, ensure_ascii=False)
    return f'{{{name}: {{\n{facts} "objects": [\n  ' + ",\n  ".join(lines) + "\n ]\n}}\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="smartcam label",
        description="Propose a clip's labels, or take over those of another program, as a file to correct.",
        epilog=_EXPLANATION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="the model bundle that looks for objects")
    parser.add_argument("--from", type=Path, dest="take_over", metavar="FILE", help="labels of another program")
    parser.add_argument("--out", type=Path, metavar="LABELS.json", help="a new file (CLIP.labels.json here)")
    parser.add_argument(
        "--rotate", type=int, choices=QUARTERS, default=0, help="degrees clockwise, as capture's `rotate` (0)"
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right then, as capture's `mirror`")
    return parser
