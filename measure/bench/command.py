"""`smartcam bench`: every stage of a frame beside its floor, in one run."""

import argparse
import json
from pathlib import Path
from typing import Final

import cv2

from measure.bench.crowd import measure_crowd
from measure.bench.frames import measure_frames
from measure.bench.gate_probe import measure_probe
from measure.bench.idle import idle_clip
from measure.bench.inline import measure_inline
from measure.bench.latency import LatencyFigures, measure_latency
from measure.bench.notices import measure_notices
from measure.bench.outcome import Figures, document, table
from measure.bench.recording import measure_recording
from measure.bench.rival import measure_rival
from measure.bench.runtimes import measure_runtimes
from measure.bench.scorer import measure_scorer
from measure.clips import make_clip
from measure.demo.plan import CLIP_FOLDER
from measure.demo.yard_clip import yard_clip
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import SmartcamError
from smartcam.contract.ids import CameraId
from smartcam.edge.arguments import whole
from smartcam.model.bundle import ModelBundle
from smartcam.vision.picture import Picture
from tools.build.suite import DEMO_BUNDLE
from tools.command_line import ROOT, complain
from tools.setup import ToolsError

_SHARED: Final = ROOT.parent / "shared/data/video"
SHARED_CLIP: Final = _SHARED / "intel_one-by-one-person-detection.mp4"
"""The footage that figures are measured on where it is there; else the generated yard."""
PROBED: Final = tuple(_SHARED / f"intel_{name}-detection.mp4" for name in ("one-by-one-person", "car", "bottle"))
"""The clips whose medians are the probe's backgrounds where they are there; else made-up ones."""

SIZE: Final = (1280, 720)
"""Width and height of the pictures that figures are measured on, in pixels."""
HD: Final = (1920, 1080)
"""The larger size that the same limits hold for."""
_WIDTHS: Final = (160, 3840)
"""Narrower than that is no camera's picture."""


def main(argv: list[str]) -> int:
    """Print a table and write the figures as JSON.

    2 when the clip or a bundle cannot be used or the figures cannot be written, 3 when the gate sees in the probe
    what it should not, or misses what it should see.
    """
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        # Arguments are checked first: a measurement of a minute must not fail at its end because of one.
        for bundle in (options.bundle, *options.also):
            ModelBundle.open(bundle)
        if options.json is not None:
            options.json.parent.mkdir(parents=True, exist_ok=True)
        source = options.video or (SHARED_CLIP if SHARED_CLIP.is_file() else yard_clip(CLIP_FOLDER, print))
        figures = _measure(options, source)
        if options.json is not None:
            options.json.write_text(json.dumps(document(figures), indent=1) + "\n")
    except (SmartcamError, ToolsError, OSError) as error:
        return complain("bench", error, 2)
    print(table(figures))
    return 3 if figures.probe is not None and figures.probe.broken else 0


def _measure(options: argparse.Namespace, source: Path) -> Figures:
    size = options.width & ~1, options.width * SIZE[1] // SIZE[0] & ~1
    print(f"{source.name}, {size[0]}x{size[1]}, {options.passes} passes; CPU time where nothing else is said")
    clip = _scaled(source, size)
    idle = idle_clip(source, CLIP_FOLDER / f"bench-{source.stem}-idle-{size[0]}x{size[1]}.mp4", size)
    rival = None if options.no_rival else measure_rival
    return Figures(
        clip=source.name,
        frames=measure_frames(clip, options.passes, rival),
        idle=measure_frames(idle, options.passes),
        inline=measure_inline(clip, options.passes, SourceSettings(CameraId("bench")).inline_side),
        scorer=measure_scorer(options.bundle, _first_picture(clip)),
        notices=measure_notices(options.notices),
        runtimes=tuple(measure_runtimes([options.bundle, *options.also])),
        latency=_latency(options),
        probe=None if options.no_probe else measure_probe(PROBED),
        hd=None if options.no_hd else measure_frames(_scaled(source, HD), (options.passes + 1) // 2, rival),
        crowd_ms=measure_crowd(),
        recording=measure_recording(clip, options.passes),
    )


def _scaled(source: Path, size: tuple[int, int]) -> Path:
    return make_clip(source, CLIP_FOLDER / f"bench-{source.stem}-{size[0]}x{size[1]}.mp4", size)


def _latency(options: argparse.Namespace) -> LatencyFigures | None:
    if not options.events:
        return None
    return measure_latency(yard_clip(CLIP_FOLDER, print), options.bundle, options.events)


def _first_picture(clip: Path) -> Picture:
    opened = PyAvClip(clip)
    try:
        return Picture.from_bgr(opened.next().picture.to_bgr())
    finally:
        opened.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smartcam bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write the figures for programs")
    parser.add_argument("--video", type=Path, metavar="CLIP", help="another clip, scaled as well")
    parser.add_argument("--width", type=whole(*_WIDTHS), default=SIZE[0], help="of the pictures, at 16:9 (1280)")
    parser.add_argument("--no-hd", action="store_true", help="leave out the same clip at 1920x1080 (half the passes)")
    parser.add_argument("--no-probe", action="store_true", help="leave out the false-alarm probe of the gate")
    parser.add_argument("--bundle", type=Path, default=DEMO_BUNDLE, help="the model bundle (the demo's)")
    parser.add_argument("--passes", type=whole(1), default=5, help="how often each is measured; medians count (5)")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="BUNDLE",
        help="another bundle for all runtimes",
    )
    parser.add_argument(
        "--events", type=whole(0), default=4, help="events a camera from capture to publish; 0: none (4)"
    )
    parser.add_argument("--no-rival", action="store_true", help="leave out Debian's motion, even where it is installed")
    parser.add_argument("--notices", type=whole(1), default=500, help="how many notices are sent (500)")
    return parser
