"""`python -m devkit bench`: every stage of a frame beside its floor, in one run."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import cv2

from devkit.bench.clip import SIZE, scale_clip
from devkit.bench.frames import FrameFigures, measure_frames
from devkit.bench.notices import NoticeFigures, measure_notices
from devkit.bench.scorer import ScorerFigures, measure_scorer
from devkit.build.suite import ROOT
from devkit.demo.plan import CLIP_FOLDER, DEMO_BUNDLE
from devkit.demo.yard_clip import yard_clip
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import SmartcamError
from smartcam.vision.picture import Picture

SHARED_CLIP: Final = ROOT.parent / "shared/data/video/intel_one-by-one-person-detection.mp4"
"""The footage that figures are measured on where it is there; else the generated yard."""


def main(argv: list[str]) -> int:
    """Print a table and write the figures as JSON; 2 when the clip or the bundle cannot be used."""
    options = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    try:
        source = options.video or (SHARED_CLIP if SHARED_CLIP.is_file() else yard_clip(CLIP_FOLDER, print))
        clip = scale_clip(source, CLIP_FOLDER / f"bench-{source.stem}-{SIZE[0]}x{SIZE[1]}.mp4")
        print(f"{source.name}, {SIZE[0]}x{SIZE[1]}, {options.passes} passes; CPU time")
        frames = measure_frames(clip, options.passes)
        scorer = measure_scorer(options.bundle, _first_picture(clip))
        notices = measure_notices(options.notices)
    except (SmartcamError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(table(frames, scorer, notices))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document(source.name, frames, scorer, notices), indent=1) + "\n")
    return 0


def document(clip: str, frames: FrameFigures, scorer: ScorerFigures, notices: NoticeFigures) -> Mapping[str, object]:
    """The figures for programs."""
    return {
        "clip": clip,
        "size": [frames.width, frames.height],
        "memcpy_ms": round(frames.memcpy_ms, 4),
        "decode_ms": round(frames.decode_ms, 4),
        "whole_ms": round(frames.whole_ms, 4),
        "besides_decoding_ms": round(frames.besides_decoding_ms, 4),
        "stages_ms": {name: round(value, 4) for name, value in frames.stages_ms.items()},
        "calls": {"frames": frames.frames, **frames.calls},
        "notice_ms": {"publish": round(notices.publish_ms, 4), "receive": round(notices.receive_ms, 4)},
        "scorer": {
            "model": scorer.model,
            "bare_ms": round(scorer.bare_ms, 4),
            "wrapped_ms": round(scorer.wrapped_ms, 4),
            "from_picture_ms": round(scorer.from_picture_ms, 4),
        },
        "debian_motion_ms": None,
        "ratios": {name: round(value, 3) for name, value in ratios(frames, scorer).items()},
    }


def ratios(frames: FrameFigures, scorer: ScorerFigures) -> dict[str, float]:
    """What is judged: each figure as a multiple of its floor."""
    ring = frames.stages_ms["ring_write"] + frames.stages_ms["ring_read"]
    return {
        "besides_decoding_to_memcpy": frames.besides_decoding_ms / frames.memcpy_ms,
        "ring_to_memcpy": ring / frames.memcpy_ms,
        "scorer_to_bare": scorer.wrapped_ms / scorer.bare_ms,
    }


def table(frames: FrameFigures, scorer: ScorerFigures, notices: NoticeFigures) -> str:
    """The figures for people."""
    judged = ratios(frames, scorer)
    ring = judged["ring_to_memcpy"] * frames.memcpy_ms
    from_picture = scorer.from_picture_ms / scorer.bare_ms
    rows = [
        ("copy of a frame (memcpy)", frames.memcpy_ms, "the floor"),
        ("decoding", frames.decode_ms, "per frame of the clip"),
        ("the whole, without the model", frames.whole_ms, "per frame of the clip"),
        ("  besides decoding", frames.besides_decoding_ms, f"{judged['besides_decoding_to_memcpy']:.2f} x memcpy"),
        *(
            (f"  {name}", value, f"each of {frames.calls[name]}; {value / frames.memcpy_ms:.2f} x memcpy")
            for name, value in frames.stages_ms.items()
        ),
        ("  ring write and read", ring, f"{judged['ring_to_memcpy']:.2f} x memcpy"),
        ("notice, sender", notices.publish_ms, "each"),
        ("notice, receiver", notices.receive_ms, "each"),
        (f"model {scorer.model}, bare", scorer.bare_ms, "each"),
        ("  behind our code", scorer.wrapped_ms, f"{judged['scorer_to_bare']:.3f} x bare"),
        ("  from a picture of this size", scorer.from_picture_ms, f"{from_picture:.3f} x bare"),
    ]
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(f"{name:{width}}  {value:8.3f} ms  {note}" for name, value, note in rows)


def _first_picture(clip: Path) -> Picture:
    opened = PyAvClip(clip)
    try:
        return Picture.from_bgr(opened.next().picture.to_bgr())
    finally:
        opened.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devkit bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write the figures for programs")
    parser.add_argument("--video", type=Path, metavar="CLIP", help="another clip, scaled to 1280x720")
    parser.add_argument("--bundle", type=Path, default=DEMO_BUNDLE, help="the model bundle (the demo's)")
    parser.add_argument("--passes", type=int, default=5, help="how often each is measured; medians count (5)")
    parser.add_argument("--notices", type=int, default=500, help="how many notices are sent (500)")
    return parser
